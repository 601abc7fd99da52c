"""A study's device: the CPU's bytes, and that nothing is left on the CPU where there is a GPU."""

import pytest
import torch
from pretended import pretend

from bench import device, systems, training
from bench.cells import Stack, placed
from bench.noise import Noise
from bench.points import Points
from bench.study import Net
from bench.systems.base import Space

MLP = Net("mlp", (16, 16))
DIMS = [2, 3, 8]


def stacked(name, net=MLP, shape=(128,), dims=DIMS, options=None):
    """A stack of a system as the trainer builds it."""
    cls = systems.load(name)
    with device.use("cpu"):
        space = Space(shape, bounded=True, labelled=True)
        model = cls(Stack(dims, seed=1), space, net, cls.Options(**options or {}))
    return placed(model)


def points_of(size, count=640):
    """Random points in [0, 1], with labels, on the device of this block."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(count, size, generator=generator)
    return Points.of(device.place(x), device.place(torch.arange(count) % 3))


def order(index, turn):
    return device.place(torch.arange(64) + (index + 3 * turn) % 10 * 64)


@pytest.mark.parametrize("name", systems.names())
def test_a_system_trains_encodes_and_draws_on_one_device(name, monkeypatch):
    with pretend(monkeypatch), device.use("cuda"):
        model, split = stacked(name), points_of(128)
        model.fit(split)
        training.train(model, split, order, 4, 2, epoch=2)
        model.settle(split)
        with torch.no_grad():
            z = model.eval().encode(split[order(0, 0)], Noise(3))
            drawn = model.decode(model.prior(64, Noise(4)))
        held = [*model.parameters(), *model.buffers(), z, model.decode(z), drawn]
        assert {it.device.type for it in held} == {"meta"}
