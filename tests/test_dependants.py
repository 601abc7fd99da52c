"""An edit re-runs what depends on it and nothing else, job by job."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
COPIED = ("Snakefile", "workflow", "bench", "results/published", "environment.yml")
STUDY = """
name: tiny
seeds: [0, 1]
datasets: {dots: {dims: [1, 2]}, rings: {dims: [1]}}
systems: {aae: {}, mask-aae: {}, pca: {}}
net: {kind: mlp, hidden: [8]}
training: {steps: 3}
evaluation: {samples: 50}
experiments: [wasserstein]
"""
DOTS = '''"""dots: made for these tests."""

import io

import numpy as np
import torch

from bench import downloads
from bench.data import base


class DataSet(base.DataSet):
    name = "dots"
    shape = (2,)
    sizes = {"train": 20, "validation": 10, "test": 10}
    sha256_of_file = "HASH"

    @classmethod
    def files(cls, root=None):
        return (downloads.root(root) / f"{cls.name}.npy",)

    def make(self, root=None):
        content = downloads.read(self.files(root)[0], self.sha256_of_file)
        points = torch.from_numpy(np.load(io.BytesIO(content)))
        parts = zip(self.sizes, points.split(list(self.sizes.values())), strict=True)
        return {name: (part, None) for name, part in parts}
'''
RINGS = '''"""rings: as dots."""

from bench.data import dots


class DataSet(dots.DataSet):
    name = "rings"
'''
# What is installed is imported once; each run of Snakemake is a process of its own, with the copy's
# modules.
PLANS = """
import json, os, sys
from importlib import metadata
import jsonschema, pandas, scipy, snakemake.cli, tabulate, torch
command, edits = json.loads(sys.stdin.read())
version = metadata.version

def run(out, versions, *arguments):
    child = os.fork()
    if not child:
        out = os.open(out, os.O_CREAT | os.O_WRONLY)
        os.dup2(out, 1)
        os.dup2(out, 2)
        metadata.version = lambda name: versions.get(name) or version(name)
        snakemake.cli.main([*command, *arguments])
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)

def planned(number, edit):
    before = []
    for name, old, new in edit["texts"]:
        content = open(name, "rb").read() if os.path.exists(name) else None
        before.append((name, content, content is not None and os.stat(name).st_mtime_ns))
        assert not old or content.count(old.encode()) == 1, (name, old)
        changed = content.replace(old.encode(), new.encode()) if old else (
            (content or b"") + new.encode())
        os.makedirs(os.path.dirname(os.path.abspath(name)), exist_ok=True)
        open(name, "wb").write(changed)
    for name in edit["touched"]:
        os.utime(name)
    code = run(f"plan-{number}.txt", edit["versions"], "--dry-run")
    for name, content, time in before:
        if content is None:
            os.remove(name)
        else:
            open(name, "wb").write(content)
            os.utime(name, ns=(time, time))
    return code

codes = [run("whole.txt", {}, "--dry-run")]
rule = ""
for line in open("whole.txt"):
    words = line.replace(",", " ").split()
    if words[:1] == ["rule"]:
        rule = words[1]
    for name in words[1:] if words[:1] == ["output:"] else ():
        if os.path.exists(name):
            continue
        folder = rule in ("train:", "tables:", "figures:")
        os.makedirs(name if folder else os.path.dirname(name), exist_ok=True)
        if not folder:
            # What is said at the end of a run reads the verdicts.
            open(name, "w").write('{"verdicts": []}' if rule == "claims:" else "")
codes += [run("touch.txt", {}, "--touch", "--forceall")]
codes += [planned(*it) for it in enumerate(edits)]
json.dump(codes, sys.stdout)
"""


def edit(*texts, touched=(), **versions):
    """Texts replaced in files (at the end of one where the old text is empty; in a new one where it
    is None), files touched, and versions of packages."""
    return {"texts": texts, "touched": touched, "versions": versions}


DATASETS, SYSTEMS, SEEDS = ("dots", "rings"), ("aae", "mask-aae", "pca"), (0, 1)
SHOWN = {"figures", "claims", "report", "all"}
RECORDS = {"collect", "costs", "tables"} | SHOWN
TRAINED = {"history", "environment"} | RECORDS
EXPERIMENTS = {"experiment wasserstein", "experiments"}


def controls(*datasets):
    return {f"controls {it} main" for it in datasets}


def measured(datasets=DATASETS, systems=SYSTEMS, seeds=SEEDS):
    return {f"evaluate {' '.join(map(str, it))} main" for it in product(datasets, systems, seeds)}


def drawn(datasets=DATASETS, systems=SYSTEMS):
    return {f"gallery {' '.join(it)}" for it in product(datasets, systems)}


def trained(datasets=DATASETS, systems=SYSTEMS, seeds=SEEDS):
    """Curves, and what is made of each."""
    curves = {f"train {' '.join(map(str, it))}" for it in product(datasets, systems, seeds)}
    return curves | measured(datasets, systems, seeds)


def of_data(*datasets):
    """All that a data set's points reach."""
    own = {f"data {it}" for it in datasets} | {f"real_features {it} raw" for it in datasets}
    return own | controls(*datasets) | trained(datasets) | drawn(datasets) | TRAINED


def source(name):
    return edit((f"bench/{name}", "", "\n# A remark.\n"))


def in_study(old, new):
    return edit(("tiny.yaml", old, new))


REAL = {f"real_features {it} raw" for it in DATASETS}
LEDGER = "report/claims/ledger/u-shape.yaml"
PUBLISHED = sorted((ROOT / "results" / "published").glob("*.csv"))[0].name
SLOWER = "seeds: [0, 1]\noverrides: [{systems: [aae], training: {steps: 4}}]"
CASES = {
    "nothing": (edit(), set()),
    "files touched": (
        edit(
            touched=["bench/systems/aae.py", "bench/records.py", "tiny.yaml", "data/dots.npy"]
            + [f"results/published/{PUBLISHED}", f"bench/{LEDGER}"]
        ),
        set(),
    ),
    "a remark in the study": (in_study("name:", "# A remark.\nname:"), set()),
    "a system": (
        source("systems/aae.py"),
        trained(systems=["aae", "mask-aae"]) | drawn(systems=["aae", "mask-aae"]) | TRAINED,
    ),
    "a part of one system": (
        source("parts/masks.py"),
        trained(systems=["mask-aae"]) | drawn(systems=["mask-aae"]) | TRAINED,
    ),
    "the trainer": (source("training.py"), trained() | drawn() | TRAINED),
    "a metric": (
        source("metrics/frechet.py"),
        REAL | measured() | controls(*DATASETS) | drawn() | RECORDS,
    ),
    "the evaluation": (source("evaluation.py"), measured() | controls(*DATASETS) | RECORDS),
    "what records are joined by": (source("mixed.py"), RECORDS - {"costs"}),
    "a figure": (source("report/figures.py"), {"figures", "report", "all"}),
    "the page": (source("report/page.py"), {"report", "all"}),
    "a claim": (source(LEDGER), SHOWN),
    "an experiment": (source("experiments/wasserstein.py"), EXPERIMENTS | SHOWN),
    "a data set": (source("data/rings.py"), of_data("rings")),
    "the study's reader": (source("study.py"), set()),
    "steps of one system": (
        in_study("seeds: [0, 1]", SLOWER),
        trained(systems=["aae"]) | drawn(systems=["aae"]) | TRAINED,
    ),
    "an option of one system": (
        in_study("mask-aae: {}", "mask-aae: {weight: 0.5}"),
        trained(systems=["mask-aae"]) | drawn(systems=["mask-aae"]) | TRAINED,
    ),
    "samples": (
        in_study("samples: 50", "samples: 40"),
        measured() | controls(*DATASETS) | RECORDS,
    ),
    "one more protocol": (
        in_study("samples: 50}", "samples: 50}\nprotocols: {few: {samples: 40}}"),
        {it.replace("main", "few") for it in measured() | controls(*DATASETS)} | RECORDS,
    ),
    "one more seed": (
        in_study("[0, 1]", "[0, 1, 2]"),
        trained(seeds=[2]) | controls(*DATASETS) | EXPERIMENTS | TRAINED,
    ),
    "one more dimension": (
        in_study("dots: {dims: [1, 2]}", "dots: {dims: [0, 1, 2]}"),
        trained(["dots"]) | drawn(["dots"]) | TRAINED,
    ),
    "one more system": (
        in_study("pca: {}", "pca: {}, vae: {}"),
        trained(systems=["vae"]) | drawn(systems=["vae"]) | TRAINED,
    ),
    "one more data set": (
        in_study("{dots:", "{synthetic-8: {dims: [2]}, dots:"),
        of_data("synthetic-8"),
    ),
    "one experiment less": (in_study("[wasserstein]", "[]"), {"experiments"} | SHOWN),
    "published numbers": (
        edit((f"results/published/{PUBLISHED}", "", "\n")),
        {"tables", "figures", "report", "all"},
    ),
    "an explanation": (
        edit(("results/explanations/tiny.yaml", None, "[]\n")),
        {"claims", "report", "all"},
    ),
    "a byte of a data file": (edit(("data/dots.npy", "NUMPY", "NUMPZ")), of_data("dots")),
    "a package": (edit(zuko="0"), of_data(*DATASETS) | EXPERIMENTS),
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """For each case the jobs that Snakemake plans after the edit, in a copy of the project in
    which it has noted all jobs of the study as done, with all that it notes of a job."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "tiny.yaml").write_text(STUDY)
    points = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    (folder / "data").mkdir()
    for name, text in (("dots", DOTS), ("rings", RINGS)):
        np.save(folder / "data" / f"{name}.npy", points)
        pinned = hashlib.sha256((folder / "data" / f"{name}.npy").read_bytes()).hexdigest()
        (folder / "bench" / "data" / f"{name}.py").write_text(text.replace("HASH", pinned))
    out = folder / "results" / "tiny" / "data" / "dots.json"
    run(folder, "-m", "bench", "data", "tiny.yaml", "--dataset", "dots", "--out", out)
    told = json.loads(out.read_text()) | {"name": "rings", "files": ["rings.npy"]}
    out.with_stem("rings").write_text(json.dumps(told))
    command = ["--cores", "1", "--nocolor", "--configfile", "tiny.yaml"]
    edits = [it for it, _ in CASES.values()]
    codes = json.loads(run(folder, "-c", PLANS, text=json.dumps([command, edits])))
    assert codes == [0] * (2 + len(CASES))
    texts = [(folder / f"plan-{i}.txt").read_text() for i in range(len(CASES))]
    return dict(zip(CASES, map(jobs, texts), strict=True))


def run(folder, *command, text=None):
    more = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | more | {"BENCH_DATA": str(folder / "data")},
        input=text,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def jobs(plan):
    """The planned jobs: rule and wildcards' values, in the rule's order."""
    found = re.findall(r"^(?:local)?rule (\w+):\n((?: +.*\n)*)", plan, re.MULTILINE)
    named = [(rule, re.search(r"^ +wildcards: (.*)$", more, re.MULTILINE)) for rule, more in found]
    return {
        " ".join([rule, *(it.split("=")[1] for it in values[1].split(", "))] if values else [rule])
        for rule, values in named
    }


@pytest.mark.parametrize("case", CASES)
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(plans, case):
    _, expected = CASES[case]
    assert sorted(plans[case]) == sorted(expected)
