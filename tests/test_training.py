"""The trainer: a cell's bytes, divergence in a stack, and what a curve's files say."""

import math
from functools import partial

import pytest
import torch
from safetensors.torch import save

from bench import curves, data, evaluation, runs, store, study, systems, training
from bench.cells import Stack, read_cell
from bench.mistake import Mistake
from bench.points import Points
from bench.study import Net
from bench.systems.base import Space

NETS = {
    "128": Net("mlp", (128, 128)),
    "128-odd": Net("mlp", (50, 20)),
    "784": Net("mlp", (256, 256)),
}


def points_of(size):
    """640 random points in [0, 1]."""
    return Points.of(torch.rand(640, size, generator=torch.Generator().manual_seed(0)))


def order(index, turn):
    """The rows of a batch of 64."""
    return torch.arange(64) + (index + 3 * turn) % 10 * 64


def trained(name, dims, net, size=128, threads=1, steps=12):
    """Each cell's parameters, by dimension, after a few steps on data of a fixed seed."""
    torch.set_num_threads(threads)
    split = points_of(size)
    cls = systems.load(name)
    model = cls(Stack(dims, seed=1), Space((size,), bounded=size > 128), net, cls.Options())
    model.fit(split)
    assert training.train(model, split, order, steps, 2, epoch=5) == [None] * len(dims)
    return {dim: read_cell(model, cell) for cell, dim in enumerate(dims)}


def assert_same_bytes(one, other):
    assert one.keys() == other.keys()
    for name, parameter in one.items():
        assert parameter.numpy().tobytes() == other[name].numpy().tobytes(), name


@pytest.mark.parametrize("shape", NETS)
@pytest.mark.parametrize("name", systems.names())
def test_a_cell_is_the_same_bytes_alone_stacked_in_any_order_and_with_two_threads(name, shape):
    net, size = NETS[shape], int(shape.split("-")[0])
    dims = [2, 3, 8, 16, 17, 32, 40, 64] if size == 128 else [3, 16, 40]
    stacks = [
        (dims, 1),
        (dims, 2),
        (dims[::-1], 1),
        ([16, 3], 2),
        ([40, 17, 3], 1),
        ([100, 8], 1),
        ([3], 1),
        ([8], 2),
        ([40], 1),
        ([64], 2),
    ]
    reference = trained(name, dims, net, size)
    for others, threads in stacks if size == 128 else stacks[1:6] + stacks[6:9:2]:
        found = trained(name, others, net, size, threads)
        for dim in set(others) & set(dims):
            assert_same_bytes(found[dim], reference[dim])


@pytest.mark.parametrize("name", [name for name in systems.names() if name != "pca"])
def test_a_diverging_cell_is_told_and_leaves_its_neighbours_alone(name):
    net, dims = NETS["128"], [4, 8, 20]
    reference = trained(name, dims, net, steps=6)
    split = points_of(128)
    cls = systems.load(name)
    model = cls(Stack(dims, seed=1), Space((128,), bounded=False), net, cls.Options())
    model.fit(split)

    def poison(done):
        if done == 3:
            model.decoder.layers[0].weight.data[1] = math.nan

    assert training.train(model, split, order, 6, 2, epoch=5, after=poison) == [None, 3, None]
    for cell in (0, 2):
        assert_same_bytes(read_cell(model, cell), reference[dims[cell]])


def test_training_ends_early_where_every_cell_has_diverged(capsys):
    cls = systems.load("wae-mmd")
    model = cls(Stack([2, 3], seed=1), Space((128,), bounded=False), NETS["128"], cls.Options())
    steps = []

    def told(index, turn):
        steps.append(index)
        return order(index, turn)

    split = Points.of(torch.full((640, 128), math.inf))
    assert training.train(model, split, told, 100, 2) == [0, 0]
    assert steps == [0]


STUDY = """
name: tiny
seeds: [0]
datasets: {synthetic-8: {dims: [2, 8]}}
systems: {wae-mmd: {}, half: {system: wae-mmd, weight: 5.0}}
net: {kind: mlp, hidden: [16]}
training: {steps: 4, batch: 8}
"""


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return study.read(path)


def curve(tiny, out, dims=(2, 8), system="wae-mmd", seed=0, steps=4):
    runs.train(tiny, "synthetic-8", system, seed, dims, steps, out)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_a_curves_files_are_the_same_bytes_run_twice_and_cell_by_cell(tiny, tmp_path):
    both = curve(tiny, tmp_path / "a")
    assert list(both) == ["2.safetensors", "8.safetensors", "environment.json", "history.csv"]
    assert both == curve(tiny, tmp_path / "b")
    two, eight = curve(tiny, tmp_path / "c", [2]), curve(tiny, tmp_path / "d", [8])
    header, *lines = eight.pop("history.csv").splitlines(keepends=True)
    assert lines
    two["history.csv"] += b"".join(lines)
    assert both == two | eight


def test_a_curve_depends_on_its_seed_system_and_steps(tiny, tmp_path):
    files = [
        curve(tiny, tmp_path / "a")["8.safetensors"],
        curve(tiny, tmp_path / "b", seed=1)["8.safetensors"],
        curve(tiny, tmp_path / "c", system="half")["8.safetensors"],
        curve(tiny, tmp_path / "d", steps=5)["8.safetensors"],
    ]
    assert len(set(files)) == 4


def test_files_of_another_curve_are_refused(tiny, tmp_path):
    curve(tiny, tmp_path / "a", system="half")
    points = data.load("synthetic-8")
    with pytest.raises(Mistake, match=r"2.safetensors: trained with options"):
        list(curves.load(tiny, points, "wae-mmd", 0, tmp_path / "a"))
    with pytest.raises(Mistake, match="no trained cells"):
        list(curves.load(tiny, points, "wae-mmd", 0, tmp_path / "nothing"))
    path = tmp_path / "a" / "2.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Mistake, match=r"2.safetensors: not a trained cell"):
        list(curves.load(tiny, points, "half", 0, tmp_path / "a"))
    store.write_sealed(path, lambda told: save({"a": torch.ones(1)}, {"it": told}), {"whole": True})
    with pytest.raises(Mistake, match=r"2.safetensors: not a trained cell"):
        list(curves.load(tiny, points, "half", 0, tmp_path / "a"))


def test_progress_is_plain_lines_in_a_log(tiny, tmp_path, capsys):
    curve(tiny, tmp_path / "a", steps=20)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("synthetic-8 wae-mmd seed 0 dims 2,8: step 20 of 20")
    assert len(lines) == 10


def test_convolutional_cells_are_trained_and_evaluated_alone(tmp_path, monkeypatch):
    """From a study to records, on made-up images in MNIST's place."""
    draw = partial(torch.randint, 0, 256, dtype=torch.uint8, generator=torch.Generator())
    images = {
        split: (draw((count, 1, 8, 8)), None)
        for split, count in [("train", 64), ("validation", 80), ("test", 80)]
    }
    monkeypatch.setattr(data.kind("mnist"), "make", lambda self, root: images)
    monkeypatch.setattr(data.kind("mnist"), "shape", (1, 8, 8))
    path = tmp_path / "conv.yaml"
    path.write_text(
        "{name: conv, seeds: [0], datasets: {mnist: {dims: [2, 3]}}, systems: {wae-mmd: {}},"
        "net: {kind: conv}, training: {steps: 2, batch: 16}, evaluation: {samples: 80}}"
    )
    conv = study.read(path)
    written = []
    for folder in ("a", "b"):
        out = tmp_path / folder
        runs.train(conv, "mnist", "wae-mmd", 0, [2, 3], 2, out)
        written.append([path.read_bytes() for path in sorted(out.iterdir())])
    assert written[0] == written[1]
    rows = evaluation.evaluate_curve(conv, "mnist", "wae-mmd", 0, tmp_path / "a")
    assert [(row["dim"], row["status"], row["net"]) for row in rows] == [
        (2, "done", "conv"),
        (3, "done", "conv"),
    ]
