"""Curves trained: each cell once, and an interrupted one from where it was."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench import cli, data, runs, study
from bench.data.base import DataSet
from bench.mistake import Mistake
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
    ("system", "steps", "threads"),
    [("mask-aae", 100, 1), ("vhe", 200, 1), ("two-stage-vae", 300, 1), ("mask-aae", 100, 2)],
)
def test_killed_at_random_moments_and_run_again_is_the_same(system, steps, threads, tiny, tmp_path):
    driver, kills = Path(__file__).with_name("killed.py"), 16
    command = [sys.executable, driver, tiny, tmp_path, system, steps, kills, 0, threads]
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


@pytest.fixture
def conv(tmp_path, monkeypatch):
    """A study of convolutional cells, of a few random images."""
    kind, generator = data.kind("mnist"), torch.Generator().manual_seed(0)
    points = torch.randint(0, 256, (64, *kind.shape), dtype=torch.uint8, generator=generator)
    made = dict.fromkeys(("train", "validation", "test"), (points, None))
    monkeypatch.setattr(kind, "make", lambda self, root: made)
    monkeypatch.setattr(kind, "sha256", DataSet.sha256)
    path = tmp_path / "conv.yaml"
    text = STUDY.replace("synthetic-8: {dims: [2, 4, 6]}", "mnist: {dims: [2, 4]}")
    text = text.replace("{kind: mlp, hidden: [16]}", "{kind: conv}").replace("64", "16")
    path.write_text(text.replace("steps: 40", "steps: 4"))
    return study.read(path)


def apart(it, folder, cells=None):
    """The folders of a curve's cells, each trained by itself."""
    for dim in (2, 4):
        runs.train(it, "mnist", "vae", 0, [dim], None, folder / str(dim), cells)
    return [folder / "2", folder / "4"]


def test_cells_trained_apart_and_joined_are_those_of_one_run(conv, tmp_path):
    runs.train(conv, "mnist", "vae", 0, [2, 4], None, tmp_path / "whole")
    folders = map(str, apart(conv, tmp_path / "apart"))
    assert cli.main(["join", *folders, "--out", str(tmp_path / "joined")]) == 0
    found = files(tmp_path / "joined")
    assert {"2.safetensors", "4.safetensors", "snapshots/2/4.safetensors"} <= found.keys()
    assert found == files(tmp_path / "whole")


def test_cells_of_two_curves_or_one_cell_twice_are_not_joined(tiny, tmp_path):
    first, other, again = (tmp_path / name for name in ("first", "other", "again"))
    for seed, dim, out in ((0, 2, first), (1, 4, other), (0, 2, again)):
        runs.train(study.read(tiny), "synthetic-8", "vae", seed, [dim], None, out)
    before = files(first)
    for second, out, words in (
        (other, tmp_path / "joined", f"{other}: trained with another seed than {first}"),
        (again, tmp_path / "joined", f"{again}: another cell of m = 2"),
        (tmp_path / "absent", tmp_path / "joined", "absent"),
        (other, first, f"{first}: a folder to join, and the one to write"),
    ):
        with pytest.raises((Mistake, FileNotFoundError), match=words):
            runs.join([first, second], out)
    assert files(first) == before
    assert not (tmp_path / "joined").exists()


def test_cells_of_two_environments_are_not_joined(conv, tmp_path):
    first, second = apart(conv, tmp_path)
    path = second / "environment.json"
    path.write_text(path.read_text().replace('"threads": "1"', '"threads": "2"'))
    with pytest.raises(Mistake, match=f"{second}: trained with another threads than {first}"):
        runs.join([first, second], tmp_path / "joined")
    path.write_text((first / "environment.json").read_text().replace("{", '{"gpu": "some",', 1))
    for folders in ([first, second], [second, first]):
        with pytest.raises(Mistake, match="trained with another gpu than"):
            runs.join(folders, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_folder_holds_the_cells_of_the_last_run_alone(tiny, tmp_path):
    train(tiny, tmp_path / "out", [2, 4])
    assert train(tiny, tmp_path / "out", [4]) == train(tiny, tmp_path / "other", [4])


def test_lone_cells_have_checkpoints_of_their_own_and_a_curves_stack_one(
    conv, tiny, tmp_path, monkeypatch
):
    paths, whole = [], runs.Keeper
    monkeypatch.setattr(
        runs, "Keeper", lambda path, *more: paths.append(path) or whole(path, *more)
    )
    apart(conv, tmp_path, tmp_path / "cells")
    assert len(set(paths)) == 2
    paths.clear()
    train(tiny, tmp_path / "a", [2], steps=2, cells=tmp_path / "cells")
    train(tiny, tmp_path / "b", [4, 6], steps=2, cells=tmp_path / "cells")
    assert len(paths) == 2
    assert len(set(paths)) == 1
