"""What is made for several steps at once is each step's own."""

import pytest
import torch

from bench import systems, training
from bench.ahead import Ahead
from bench.cells import Stack
from bench.history import History
from bench.net import Net
from bench.points import Points
from bench.systems.base import Space

STEPS, ROWS = 40, 24


def test_each_turn_of_each_step_has_its_own_made_once():
    asked = []

    def make(index, turn, name):
        asked.append((index, turn))
        return [(name, step, turn) for step in range(index, index + 3)]

    ahead = Ahead(make)
    for index in (0, 1, 2, 3, 7, 8, 5):
        for turn in (0, 1):
            assert ahead(index, turn, "a") == ("a", index, turn)
    assert asked == [(index, turn) for index in (0, 3, 7, 5) for turn in (0, 1)]


@pytest.mark.parametrize(
    ("width", "order", "reads"),
    [
        # The first alone, then sixteen at once, over the ends of epochs.
        (16, training.Order(ROWS, 4, seed=5), [4, 64, 64, 28]),
        # Batches that would not begin where memory for a tensor does.
        (3, training.Order(ROWS, 4, seed=5), [4] * STEPS),
        (16, lambda index, turn: torch.arange(4 + index % 2), [4, 72, 72, 32]),
        (16, lambda index, turn: slice(None), [ROWS] * STEPS),
    ],
)
def test_batches_are_of_each_step_s_rows(width, order, reads):
    x = torch.rand(ROWS, width, generator=torch.Generator().manual_seed(0))
    read, batches = [], []

    def rows_of(rows):
        read.append(len(x[rows]))
        return x[rows]

    class Told(systems.load("ae")):
        def loss(self, batch, step):
            batches.append((batch.clone(), step.rows))
            return super().loss(batch, step)

    model = Told(Stack([2], 1), Space((width,), False), Net("mlp", (8,)), Told.Options())
    points, history = Points(rows_of, ROWS), History([2])
    trainer = training.Trainer(model, points, order, STEPS, 2, STEPS, "constant", history)
    for index in range(STEPS):
        trainer.step(index)
    assert read == reads
    for index, (batch, rows) in enumerate(batches):
        expected = order(index, 0)
        assert torch.equal(x[rows], x[expected])
        assert torch.equal(batch, x[expected])


def test_no_more_is_read_at_once_than_the_caches_hold(monkeypatch):
    monkeypatch.setattr(training, "_BYTES", 3 * 4 * 16 * 4)
    test_batches_are_of_each_step_s_rows(16, training.Order(ROWS, 4, seed=5), [4] + [12] * 13)
