"""A player's turns that are repeated from a recording are the same bytes as those that are not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_progress import points
from test_training import assert_same_bytes, order

from bench import recorded, systems, training
from bench.ahead import STEPS as STEPS_AHEAD
from bench.cells import Stack, read_cell
from bench.descent import Descent
from bench.history import History
from bench.net import Net
from bench.noise import Noise
from bench.recorded import Turns, Unsteady
from bench.systems import ae
from bench.systems.base import Space, Step

STEPS, DIMS = 12, [3, 20]
NETS = {"mlp": Net("mlp", (24, 24)), "conv": Net("conv")}
NEVER = {"mask-aae": {"autoencoder", "mask"}, "vhe": {"autoencoder"}}
"""The players whose losses ask how far training is."""


def run(cls, net="mlp", dims=DIMS):
    """Each cell's parameters after a training, its history, and the players that were recorded."""
    space = Space((1, 8, 8) if net == "conv" else (64,), bounded=True, labelled=True)
    model = cls(Stack(dims, seed=1), space, NETS[net], cls.Options())
    split, history = points(64), History(dims)
    model.fit(split)
    trainer = training.Trainer(model, split, order, STEPS, 2, 5, "falling", history)
    found = set()
    for index in range(STEPS):
        trainer.step(index)
        for player, _, turns in trainer.parties:
            if turns.recorded:
                found.add(player.name)
            assert turns.refusal is None or isinstance(turns.refusal, Unsteady)
    history.close(1, STEPS)
    names = {player.name for player, _, _ in trainer.parties}
    return [read_cell(model, cell) for cell in range(len(dims))], history.rows, names - found


def same(one, other):
    cells, rows, _ = one
    others, told, _ = other
    assert rows == told
    for cell, its in zip(cells, others, strict=True):
        assert_same_bytes(cell, its)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", [name for name in systems.names() if name != "pca"])
def test_a_system_s_bytes_are_the_same_recorded_and_not(name, net, monkeypatch):
    cls, dims = systems.load(name), DIMS if net == "mlp" else [3]
    plain = run(cls, net, dims)
    monkeypatch.setattr(recorded, "AT", 3)
    found = run(cls, net, dims)
    same(found, plain)
    assert found[2] == NEVER.get(name, set())


@pytest.fixture
def early(monkeypatch):
    """Turns are recorded at the second call."""
    monkeypatch.setattr(recorded, "AT", 2)


def told(loss, buffers, optimiser, steps=6):
    """What a loss of some parameters gives and notes at some steps, with the buffers and parameters
    after each; and its turns."""
    start = torch.linspace(-2, 2, 16).view(2, 8)
    parameters = [torch.nn.Parameter(it.clone()) for it in (start, start.flip(0), start)]
    own, found = [it.clone() for it in buffers], []
    descent = Descent(optimiser, parameters, 1e-4)

    def of_step(x, step):
        # The last gradient reads what shares the first parameter's memory, after its gradient and
        # another's are there.
        column = parameters[0].detach().unbind(1)[3][:, None]
        last = (parameters[1] * column).square().sum(-1)
        first = loss(parameters[0], x, step, *own)
        return last + first + (parameters[2] * x).square().sum(-1)

    def note(quantity, values, kept=False):
        found.append((quantity, values.detach().double()))

    turns = Turns(of_step, descent, lambda: own)
    for index in range(steps):
        x, rows = torch.full((2, 8), 1.0 + index), torch.arange(2)
        value, total = turns(x, Step(index, 10, Noise(0, step=index, turn=0), rows, note))
        found += [("value", value), ("total", total)]
        found += [("kept", it.detach().clone()) for it in (*own, *parameters)]
    return found, turns


def taken(loss, buffers=(), optimiser=torch.optim.Adam, steps=6):
    """A loss's turns after some steps, in which everything was what it is unrecorded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorded, "AT", 1000)
        plain, _ = told(loss, buffers, optimiser, steps)
    found, turns = told(loss, buffers, optimiser, steps)
    assert [name for name, _ in found] == [name for name, _ in plain]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(found, plain, strict=True))
    assert turns.recorded == (turns.refusal is None)
    return turns


def test_draws_are_each_step_s_own(early):
    def loss(parameter, x, step):
        inner = step.noise.at(part="inner", turn=3)
        drawn = inner.normal("a", 2, 16)[:, :8] + step.noise.uniform("b", 2)
        drawn = drawn + inner.at(turn=1).permutation("c", 8)
        step.note("drawn", drawn.sum(-1))
        step.note("drawn", parameter.sum(-1))
        return (parameter * drawn * x).square().sum(-1)

    # More than are drawn at once.
    assert taken(loss, steps=2 * STEPS_AHEAD + 3).recorded


def test_buffers_that_a_loss_writes_to_are_written_once(early):
    def loss(parameter, x, step, mean):
        mean.lerp_(x.mean(0), 0.5)
        return (parameter - mean).square().sum(-1)

    assert taken(loss, buffers=[torch.zeros(8)]).recorded

    def telling(parameter, x, step, mean):
        step.note("before", mean)
        return loss(parameter, x, step, mean)

    assert taken(telling, buffers=[torch.zeros(8)]).recorded

    def deciding(parameter, x, step, mean):
        found = loss(parameter, x, step, mean)
        return found * 2 if found.sum() > 40 else found

    found = taken(deciding, buffers=[torch.zeros(8)])
    assert isinstance(found.refusal, Unsteady)


@pytest.mark.parametrize(
    "ask",
    [
        lambda step: step.progress,
        lambda step: step.index,
        lambda step: step.rows.sum(),
        lambda step: step._replace(total=20).progress,
        lambda step: torch.rand(1, generator=step.noise.generator("a"))[0],
        lambda step: float(step.noise.uniform("a", 1)),
        lambda step: step.noise.uniform("a", 1).item(),
        lambda step: 2 if step.noise.uniform("a", 1) > 0.5 else 1,
        lambda step: 2 if torch.equal(step.noise.uniform("a", 1), torch.zeros(1, 1)) else 1,
        lambda step: step.noise.uniform("a", 1).tolist()[0][0],
        lambda step: step.noise.uniform("a", 1).numpy()[0, 0],
        lambda step: np.asarray(step.noise.uniform("a", 1))[0, 0],
    ],
)
def test_a_loss_that_asks_for_what_changes_is_not_recorded(early, ask):
    found = taken(lambda parameter, x, step: (parameter * x * ask(step)).square().sum(-1))
    assert isinstance(found.refusal, Unsteady)


def test_a_loss_whose_shapes_hang_on_numbers_is_not_recorded(early):
    def loss(parameter, x, step):
        chosen = step.noise.normal("a", 2, 16)[:, :8] > 0
        return (parameter * x)[chosen].mean().expand(2)

    assert isinstance(taken(loss).refusal, Unsteady)


def test_how_many_steps_there_are_does_not_change(early):
    found = taken(lambda parameter, x, step: (parameter * x * step.total).square().sum(-1))
    assert found.recorded


def test_what_is_overwritten_was_read_by_nobody_else(early):
    def loss(parameter, x, step, mean):
        hidden = parameter * x - 3
        bent = hidden.relu()
        step.note("hidden", hidden.sum(-1))
        kept = parameter.relu() + parameter.view(2, 8).relu() + mean.sub_(0.1).relu() + bent.relu()
        return (bent * kept + (hidden + 1).relu() * bent.expand(2, 8)).square().sum(-1)

    assert taken(loss, buffers=[torch.zeros(8)]).recorded


def test_what_shares_its_memory_is_not_overwritten(early):
    def loss(parameter, x, step):
        square = parameter @ parameter.mT
        both = square + square.mT
        hidden = parameter * x
        halves = hidden.view(4, 4)
        later = (hidden + 1) * 2
        first, second = hidden.exp().unbind(1)[:2]
        last = (first * 3).sigmoid() + second
        return (later + halves.reshape(2, 8)).sum(-1) + both.sum(-1) + last + (first * 1).neg()

    assert taken(loss).recorded


def test_a_note_is_of_what_was_there(early):
    def loss(parameter, x, step, mean):
        hidden = parameter * x
        step.note("hidden", hidden)
        step.note("first", hidden.unbind(1)[0])
        step.note("power", (hidden**1).sum(-1))
        hidden.add_(mean)
        step.note("mean", mean)
        mean.add_(1)
        doubled = hidden * 2
        step.note("doubled", doubled)
        return (doubled + 3).relu().sum(-1)

    assert taken(loss, buffers=[torch.zeros(8)]).recorded


def test_what_is_computed_once_is_the_same_each_time(early):
    def loss(parameter, x, step, mean):
        ones = torch.ones_like(x)
        thirds, counts = ones.unsqueeze(0).expand(3, 2, 8) / 3, torch.ones_like(x)
        row = mean.unsqueeze(0)
        counts.add_(x)
        drawn = step.noise.normal("a", 2, 16).unsqueeze(0)[..., :8]
        found = ((parameter + row) * counts + drawn * thirds * x).square().sum(0).sum(-1)
        mean.mul_(0.5)
        return found + (parameter.unsqueeze(1) + row).sum(-1)[:, 0]

    assert taken(loss, buffers=[torch.ones(8)]).recorded


@pytest.mark.parametrize("optimiser", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.SGD])
def test_a_parameter_is_updated_when_all_have_read_it(early, optimiser):
    def loss(parameter, x, step):
        first, second = parameter.t().unbind(1)
        once = (first * x[0]).sin()
        (slope,) = torch.autograd.grad(once.sum(), parameter, create_graph=True)
        return (once * second + slope.square().sum(0)).sum().expand(2) + parameter.prod(-1)

    assert taken(loss, optimiser=optimiser).recorded


def test_an_error_while_recording_is_the_loss_s_own(early):
    calls = []

    def loss(parameter, x, step):
        calls.append(x)
        if len(calls) > 1:
            raise ValueError("of the loss")
        return parameter.sum(-1)

    with pytest.raises(ValueError, match="of the loss"):
        told(loss, (), torch.optim.Adam)
    # At the second, which is recorded, and once more without.
    assert len(calls) == 3


class Renewed(ae.System):
    """A plain autoencoder whose target's scale is another tensor in each epoch, with an optimiser
    that is torch's own."""

    def begin_epoch(self, noise):
        self.scale = noise.uniform("scale", 1)

    def loss(self, x, step):
        return super().loss(x * self.scale, step)

    def players(self):
        return [replace(it, optimiser=torch.optim.RMSprop) for it in super().players()]


def test_an_epoch_that_begins_with_other_tensors_is_recorded_anew(monkeypatch):
    plain = run(Renewed)
    monkeypatch.setattr(recorded, "AT", 3)
    found = run(Renewed)
    same(found, plain)
    assert not found[2]


def test_on_a_gpu_nothing_is_recorded(early, monkeypatch):
    monkeypatch.setattr(recorded.device, "current", lambda: torch.device("cuda"))
    _, turns = told(lambda parameter, x, step: (parameter * x).sum(-1), (), torch.optim.Adam)
    assert not turns.recorded
