"""Training that was interrupted ends as if it had not been."""

import math

import pytest
import torch
from test_training import assert_same_bytes, order

from bench import systems, training
from bench.cells import Stack, read_cell
from bench.history import History
from bench.net import Net
from bench.points import Points
from bench.progress import Keeper
from bench.systems.base import Space

STEPS, DIMS = 12, [3, 8]
SPACE = Space((20,), bounded=True, labelled=True)


class Killed(Exception):
    """As far as training goes, the process is gone."""


def points(size=20):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (640,), generator=generator)
    return Points.of(torch.rand(640, size, generator=generator), labels)


def run(name, checkpoint=None, kill=None, net=None, dims=DIMS):
    """Each cell's parameters, its snapshots, and the rows of the history; or what a kill leaves."""
    cls, split = systems.load(name), points()
    model = cls(Stack(dims, seed=1), SPACE, net or Net("mlp", (24,)), cls.Options())
    model.fit(split)
    history = History(dims)

    def after(done):
        if done == kill:
            raise Killed

    arguments = {"epoch": 5, "after": after, "history": history, "keeper": checkpoint}
    training.train(model, split, order, STEPS, 2, **arguments)
    model.settle(split)
    return [read_cell(model, cell) for cell in range(len(dims))], history.rows


def often(path, key="a"):
    """A checkpoint after every step."""
    return Keeper(path, key, pause=0, share=math.inf)


@pytest.mark.parametrize("name", [name for name in systems.names() if name != "pca"])
def test_interrupted_at_any_step_is_uninterrupted(name, tmp_path):
    cells, rows = run(name)
    for kill in (1, 2, 5, 6, 7, 11):
        path = tmp_path / f"{kill}"
        with pytest.raises(Killed):
            run(name, often(path), kill)
        assert path.exists() == (kill > 1)
        found, told = run(name, often(path))
        assert told == rows
        for one, other in zip(found, cells, strict=True):
            assert_same_bytes(one, other)


def test_interrupted_again_and_again_is_uninterrupted(tmp_path):
    cells, rows = run("vhe")
    for kill in range(2, STEPS + 1):
        with pytest.raises(Killed):
            run("vhe", often(tmp_path / "a"), kill)
    found, told = run("vhe", often(tmp_path / "a"))
    assert told == rows
    for one, other in zip(found, cells, strict=True):
        assert_same_bytes(one, other)


def test_a_checkpoint_of_something_else_or_with_a_changed_byte_is_not_used(tmp_path, capsys):
    path = tmp_path / "a"
    with pytest.raises(Killed):
        run("vae", often(path), 7)
    content = path.read_bytes()
    steps = []
    whole = training._steps

    def counted(done, *more):
        steps.append(done)
        return whole(done, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_steps", counted)
        cells, _ = run("vae", Keeper(path, "a"))
        run("vae", Keeper(path, "b"))
        generator = torch.Generator().manual_seed(0)
        for place in torch.randint(len(content), (20,), generator=generator).tolist():
            damaged = bytearray(content)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            found, _ = run("vae", Keeper(path, "a"))
            assert "damaged; training from the start" in capsys.readouterr().err
            for one, other in zip(found, cells, strict=True):
                assert_same_bytes(one, other)
    assert steps == [6, 0] + [0] * 20


def test_checkpoints_take_their_share_of_the_time_at_most(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("bench.progress.time.monotonic", lambda: clock[0])
    written = []

    def write(path, save, about):
        clock[0] += 2.0
        written.append(clock[0])

    monkeypatch.setattr("bench.progress.store.write_sealed", write)
    keeper = Keeper(tmp_path / "a", "a", pause=10)

    class Nothing:
        system, optimisers, history, diverged = torch.nn.Module(), [], History([1]), [None]

    for done in range(1, 1000):
        clock[0] += 1.0
        keeper.after(done, Nothing)
    assert len(written) > 10
    assert 2.0 * len(written) <= 0.05 * clock[0]
    assert written[0] == 12.0
