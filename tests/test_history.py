"""What training tells of itself."""

import math

import pytest
import torch

from bench import systems, training
from bench.cells import Stack
from bench.history import History
from bench.net import Net
from bench.noise import Noise
from bench.points import Points
from bench.systems.base import Space, Step


def test_an_epoch_s_row_is_the_mean_of_what_was_noted_in_it(tmp_path):
    history = History([8, 2])
    for values in ([1.0, 2.0], [3.0, math.inf]):
        history.note("kl", torch.tensor(values))
    history.close(1, 2)
    history.note("kl", torch.tensor([5.0, 7.0]))
    history.note("a", torch.tensor([0.0, 0.25]))
    history.close(2, 3)
    History.write(tmp_path / "history.csv", history.rows)
    assert (tmp_path / "history.csv").read_text().splitlines() == [
        "dim,epoch,step,quantity,value",
        "2,2,3,a,0.25",
        "2,1,2,kl,",
        "2,2,3,kl,7",
        "8,2,3,a,0",
        "8,1,2,kl,2",
        "8,2,3,kl,5",
    ]


def test_the_trainer_notes_losses_and_their_terms_by_epoch():
    """Of a VAE at a learning rate too small to move it: each epoch has the mean of its steps."""
    split = Points.of(torch.rand(12, 8, generator=torch.Generator().manual_seed(0)))
    cls = systems.load("vae")
    model = cls(Stack([2], 1), Space((8,), False), Net("mlp", (8,)), cls.Options(lr=1e-30))
    history, order = History([2]), training.Order(12, 4, seed=3)
    training.train(model, split, order, 5, seed=2, epoch=order.epoch, history=history)
    rows = {(epoch, quantity): value for _, epoch, _, quantity, value in history.rows}
    assert [(epoch, step) for _, epoch, step, quantity, _ in history.rows if quantity == "kl"] == [
        (1, 3),
        (2, 5),
    ]
    for epoch, steps in ((1, range(3)), (2, range(3, 5))):
        losses = [
            float(model.loss(split[order(i, 0)], Step(i, 5, Noise(2, step=i, turn=0))).detach())
            for i in steps
        ]
        assert rows[epoch, "autoencoder"] == pytest.approx(sum(losses) / len(losses), rel=1e-6)
        total = rows[epoch, "reconstruction"] + rows[epoch, "kl"]
        assert rows[epoch, "autoencoder"] == pytest.approx(total, rel=1e-6)
