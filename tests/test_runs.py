"""Curves trained: each cell once, and an interrupted one from where it was."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli, runs, study
from bench.shelf import Shelf

STUDY = """
name: tiny
seeds: [0]
datasets: {synthetic-8: {dims: [2, 4, 6]}}
systems: {vae: {}, mask-aae: {}, vhe: {clusters: 3}, two-stage-vae: {}, wae-gan: {}}
net: {kind: mlp, hidden: [16]}
training: {steps: 40, batch: 64, snapshots: 2}
"""


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return path


def files(folder):
    """The bytes of all files below a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def train(path, out, dims=(2, 4, 6), steps=None, cells=None, system="vae"):
    runs.train(study.read(path), "synthetic-8", system, 0, list(dims), steps, out, cells)
    return files(out)


def trained_dims(monkeypatch):
    """The latent dimensions of the stacks that are trained from now on."""
    stacks = []
    whole = runs.curves.build

    def build(study, dataset, system, seed, dims):
        stacks.append(list(dims))
        return whole(study, dataset, system, seed, dims)

    monkeypatch.setattr(runs.curves, "build", build)
    return stacks


def test_a_cell_is_trained_once_whatever_curve_it_is_part_of(tiny, tmp_path, monkeypatch):
    cells = tmp_path / "cells"
    alone = train(tiny, tmp_path / "alone")
    stacks = trained_dims(monkeypatch)
    train(tiny, tmp_path / "a", [4], cells=cells)
    assert train(tiny, tmp_path / "b", cells=cells) == alone
    assert train(tiny, tmp_path / "c", cells=cells) == alone
    assert stacks == [[4], [2, 6]]
    tiny.write_text(STUDY.replace("batch: 64", "batch: 32"))
    train(tiny, tmp_path / "d", [4], cells=cells)
    tiny.write_text(STUDY.replace("vae: {}", "vae: {lr: 2e-3}"))
    train(tiny, tmp_path / "e", [4], cells=cells)
    tiny.write_text(STUDY + "master_seed: 1\n")
    train(tiny, tmp_path / "f", [4], cells=cells)
    tiny.write_text(STUDY)
    train(tiny, tmp_path / "g", [4], steps=39, cells=cells)
    monkeypatch.setattr(runs.sources, "digest", lambda *modules: "other code")
    train(tiny, tmp_path / "h", [4], cells=cells)
    assert stacks[2:] == [[4]] * 5
    assert not list(cells.glob("checkpoints/*"))


def test_any_changed_byte_of_a_kept_cell_is_noticed(tiny, tmp_path, capsys):
    cells = tmp_path / "cells"
    expected = train(tiny, tmp_path / "a", [2], cells=cells)
    kept = [path for path in sorted(cells.rglob("*")) if path.is_file()]
    contents = [path.read_bytes() for path in kept]
    (key,) = {path.parent.name for path in kept if path.name == "cell.json"}
    shelf, pick = Shelf(cells), random.Random(0)
    for _ in range(200):
        which = pick.randrange(len(kept))
        changed = bytearray(contents[which])
        place = pick.randrange(len(changed))
        changed[place] = (changed[place] + pick.randrange(1, 256)) % 256
        kept[which].write_bytes(changed)
        capsys.readouterr()
        assert not shelf.has(key)
        assert "damaged" in capsys.readouterr().err
        for path, content in zip(kept, contents, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    assert shelf.has(key)
    kept[0].unlink()
    assert train(tiny, tmp_path / "b", [2], cells=cells) == expected


# As many steps as take about a second.
@pytest.mark.parametrize(
    ("system", "steps"), [("mask-aae", 100), ("vhe", 200), ("two-stage-vae", 300)]
)
def test_killed_at_random_moments_and_run_again_is_the_same(system, steps, tiny, tmp_path):
    driver, kills = Path(__file__).with_name("killed.py"), 16
    command = [sys.executable, driver, tiny, tmp_path, system, steps, kills, 0]
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_the_command_line_keeps_cells_where_it_is_told_to(tiny, tmp_path, capsys):
    command = ["train", str(tiny), "--dataset", "synthetic-8", "--system", "vae", "--seed", "0"]
    command += ["--steps", "3", "--dims", "2", "--cells", str(tmp_path / "cells")]
    assert cli.main([*command, "--out", str(tmp_path / "a")]) == 0
    assert "trained before" not in capsys.readouterr().err
    assert cli.main([*command, "--out", str(tmp_path / "b")]) == 0
    assert "synthetic-8 vae seed 0 dims 2: trained before" in capsys.readouterr().err
    assert files(tmp_path / "a") == files(tmp_path / "b")
    (manifest,) = tmp_path.glob("cells/*/*/cell.json")
    determined = json.loads(manifest.read_text())["determined"]
    assert {"data", "dim", "environment", "options", "seed", "steps"} <= determined.keys()
