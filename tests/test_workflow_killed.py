"""A workflow that was killed, wherever it was, and run again leaves the same bytes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
STUDY = """
name: tiny
seeds: [0]
datasets: {synthetic-8: {dims: [2, 4]}}
systems: {vae: {}, mask-aae: {}}
net: {kind: mlp, hidden: [8]}
training: {steps: 40, snapshots: 2}
evaluation: {samples: 50}
"""
KILLS = 4
TIMED = ("logs/", "benchmarks/", "costs.csv")
"""What tells how jobs went, and how long they took."""
COSTS = rb"(?s)<table[^>]*>\s*<caption>What the jobs took.*?</table>"


def start(folder):
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(STUDY)
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    with (folder / "said.txt").open("a") as said:
        return subprocess.Popen(
            [*command, "--cores", "2", "--nocolor", "--configfile", "tiny.yaml"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=said,
            # A process group of its own, with all its jobs: what is killed.
            process_group=0,
        )


def results(folder):
    """The bytes of what is promised to be the same; of the report, without what jobs took."""
    root = folder / "results" / "tiny"
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    found = {name: it for name, it in found.items() if not name.startswith(TIMED)}
    found["report.html"], cut = re.subn(COSTS, b"", found["report.html"])
    assert cut == 1
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a run leaves that nothing stopped, and its seconds."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    began = time.monotonic()
    process = start(folder)
    assert process.wait() == 0, (folder / "said.txt").read_text()
    return folder, time.monotonic() - began


def test_killed_at_random_moments_and_run_again_leaves_the_same_bytes(undisturbed, tmp_path):
    whole, seconds = undisturbed
    folder, killed = tmp_path / "killed", 0
    for share in np.random.default_rng(0).uniform(0.2, 0.6, KILLS):
        process = start(folder)
        try:
            process.wait(share * seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        if process.wait() == 0:
            # It came to its end: from the beginning again.
            shutil.rmtree(folder)
    assert killed >= KILLS / 2
    (torn := folder / "results" / "tiny" / ".records.csv.abcd_123").parent.mkdir(
        parents=True, exist_ok=True
    )
    torn.write_text("half")
    process = start(folder)
    assert process.wait() == 0, (folder / "said.txt").read_text()
    expected, found = results(whole), results(folder)
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []
