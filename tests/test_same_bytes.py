"""A study run in two processes that share nothing but the machine: the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STUDY = """
name: tiny
seeds: [0, 1]
datasets: {synthetic-8: {dims: [2, 4]}}
systems: {vae: {}, mask-aae: {}}
experiments: [wasserstein]
net: {kind: mlp, hidden: [16]}
training: {steps: 40, batch: 64, snapshots: 2}
evaluation: {samples: 200, features: raw}
protocols: {early: {checkpoint: 1}}
"""
IMAGES = """
name: images
seeds: [0]
datasets: {mnist: {dims: [2, 4]}}
systems: {mog-vae: {components: 3}}
net: {kind: mlp, hidden: [16]}
training: {steps: 8, batch: 64}
evaluation: {samples: 200, features: raw}
"""
RUN = """
import json, sys
from bench import cli
for command in json.loads(sys.argv[1]):
    assert cli.main(command) == 0, command
"""


def curves():
    """The verbs of a curve, for all of the first study's, then those that join and show them."""
    records, histories, environments = [], [], []
    for system in ("vae", "mask-aae"):
        for seed in ("0", "1"):
            curve = ["tiny.yaml", "--dataset", "synthetic-8", "--system", system, "--seed", seed]
            models = f"out/models/{system}/{seed}"
            yield ["train", *curve, "--cells", "out/cells", "--out", models]
            records.append(f"out/records/{system}-{seed}.csv")
            measured = [*curve, "--models", models, "--real", "out/real"]
            yield ["evaluate", *measured, "--out", records[-1]]
            histories.append(f"{models}/history.csv")
            environments.append(f"{models}/environment.json")
        drawn = [*curve, "--models", models, "--out", f"out/gallery/synthetic-8/{system}.npz"]
        yield ["gallery", *drawn]
    yield ["collect", "tiny.yaml", *records, "--out", "out/records.csv"]
    yield ["history", *histories, "--out", "out/history.csv"]
    yield ["environment", *environments, "--out", "out/environment.json"]


def commands():
    """All verbs, in the order of the way."""
    points = ["tiny.yaml", "--dataset", "synthetic-8"]
    yield ["data", *points, "--out", "out/data.json"]
    yield ["features", *points, "--extractor", "raw", "--out", "out/real/raw.safetensors"]
    yield from curves()
    yield ["experiment", "tiny.yaml", "--name", "wasserstein", "--out", "out/wasserstein.csv"]
    yield ["experiments", "out/wasserstein.csv", "--out", "out/experiments.csv"]
    for verb, out in (
        ("tables", "tables"),
        ("figures", "figures"),
        ("claims", "claims.json"),
        ("report", "report.html"),
    ):
        yield [verb, "out/records.csv", "--out", f"out/{out}"]


def pictures():
    """A curve of images and its gallery."""
    curve = ["images.yaml", "--dataset", "mnist", "--system", "mog-vae", "--seed", "0"]
    yield ["train", *curve, "--out", "out/models"]
    yield ["gallery", *curve, "--models", "out/models", "--out", "out/gallery.npz"]


def run(folder, hashes, calls):
    """The files that a fresh process writes, by name, and what it prints."""
    (folder / "temporary").mkdir(parents=True)
    for name, text in (("tiny", STUDY), ("images", IMAGES)):
        (folder / f"{name}.yaml").write_text(text)
    own = {"PYTHONHASHSEED": hashes, "TMPDIR": str(folder / "temporary")}
    own["PYTHONPATH"] = str(Path(__file__).parents[1])
    # torch makes this folder when an optimiser is first used, and leaves it empty.
    own["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
    ended = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(list(calls))],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert list((folder / "temporary").iterdir()) == []
    made = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}, ended.stdout


def check(calls, tmp_path):
    """The names of the files, which are the same."""
    one, told = run(tmp_path / "one", "1", calls())
    other, again = run(tmp_path / "another" / "folder", "2", calls())
    assert list(one) == list(other)
    assert [name for name in one if one[name] != other[name]] == []
    assert told == again
    return list(one)


def test_a_study_run_twice_is_the_same_bytes(tmp_path):
    found = check(commands, tmp_path)
    kinds = {Path(name).suffix for name in found}
    assert kinds == {
        ".csv",
        ".html",
        ".json",
        ".md",
        ".npz",
        ".png",
        ".safetensors",
        ".svg",
        ".tex",
    }
    assert sum(name.startswith("out/models/") for name in found) == 4 * (2 + 2 + 2)


@pytest.mark.usefixtures("real_mnist")
def test_pictures_drawn_twice_are_the_same_bytes(tmp_path):
    assert check(pictures, tmp_path) == [
        "out/gallery.npz",
        "out/models/2.safetensors",
        "out/models/4.safetensors",
        "out/models/environment.json",
        "out/models/history.csv",
    ]
