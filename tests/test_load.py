"""A study of 10,000 cells is planned, and its records are joined, in a bounded time and memory.

Time is that of the processor, user and system, of the one process that does it: what else the
machine is busy with does not count.
"""

import json
import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from bench import records, study

ROOT = Path(__file__).parents[1]
DIMS = list(range(1, 21))
STUDY = f"""
name: load
seeds: {list(range(25))}
datasets: {{synthetic-8: {{dims: {DIMS}}}, synthetic-16: {{dims: {DIMS}}}}}
systems:
  aae: {{}}
  ae: {{}}
  beta-vae: {{}}
  info-vae: {{}}
  mask-aae: {{}}
  pca: {{}}
  rae: {{}}
  vae: {{}}
  wae-gan: {{}}
  wae-mmd: {{}}
net: {{kind: mlp, hidden: [64]}}
training: {{steps: 30}}
"""
PLANNED_S, PLANNED_MIB, JOINED_S = 60, 2000, 20


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "load.yaml"
    path.write_text(STUDY)
    it = study.read(path)
    assert len(it.cells()) == 10_000
    return path, it


# A process has the peak memory of the one that it is a copy of, be it for a moment: so a small one.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("spent", used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
raise SystemExit(code)
"""


def spent(folder, *command):
    """What a command says, its seconds of the processor, and its peak memory in MiB."""
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-2000:]
    text, told = ended.stdout.rsplit("spent ", 1)
    seconds, memory = map(float, told.split())
    print(f"{command[0]}: {seconds:.1f} s, {memory:.0f} MiB")
    return text, seconds, memory


def test_ten_thousand_cells_are_planned_within_a_minute(load, tmp_path):
    path, it = load
    command = ["snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", path, "--dry-run"]
    text, seconds, memory = spent(tmp_path, *command, "--nocolor")
    assert text.count("\nrule train:\n") == len(it.curves()) == 500
    assert text.count("\nrule evaluate:\n") == 500
    assert seconds < PLANNED_S
    assert memory < PLANNED_MIB


def test_ten_thousand_records_are_joined_within_twenty_seconds(load, tmp_path):
    path, it = load
    scores = iter(np.random.default_rng(0).uniform(1, 2, 10_000).round(6))
    rows = []
    for curve in it.curves():
        plan = it.plan(curve.dataset, curve.system)
        same = records.described(it, curve.dataset, study.MAIN) | {
            "system": curve.system,
            "base": plan.system.base,
            "seed": curve.seed,
            "status": "done",
            "net": str(plan.net),
            "batch": plan.training.batch,
            "steps": plan.training.steps,
            "schedule": plan.training.schedule,
            "options": json.dumps(plan.system.options),
        }
        rows += [same | {"dim": dim, "fid": next(scores)} for dim in curve.dims]
    # One file a curve, as the workflow has them.
    table = records.frame(rows).sort_values(["dataset", "system", "seed", "dim"])
    head, *lines = table.to_csv(index=False).splitlines()
    keys = table[["dataset", "system", "seed"]].itertuples(index=False, name=None)
    files = []
    for number, (_, own) in enumerate(groupby(zip(keys, lines, strict=True), lambda it: it[0])):
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_text("\n".join([head, *(line for _, line in own)]) + "\n")
    assert len(files) == 500
    out = tmp_path / "records.csv"
    _, seconds, _ = spent(tmp_path, "bench", "collect", path, *files, "--out", out)
    joined = records.read(out)
    assert len(joined) == 10_000
    assert (joined["status"] == "done").all()
    assert seconds < JOINED_S
