"""What training tells of itself."""

import math

import pytest
import torch

from bench import cli, systems, training
from bench import history as histories
from bench.cells import Stack
from bench.history import History
from bench.mistake import Mistake
from bench.net import Net
from bench.noise import Noise
from bench.points import Points
from bench.systems.base import Space, Step

CURVE = {"dataset": "mnist", "system": "vae", "seed": 0}


def test_an_epoch_s_row_is_the_mean_of_what_was_noted_in_it(tmp_path):
    history = History([8, 2])
    for values in ([1.0, 2.0], [3.0, math.inf]):
        history.note("kl", torch.tensor(values))
    history.close(1, 2)
    history.note("kl", torch.tensor([5.0, 7.0]))
    history.note("a", torch.tensor([0.0, 0.25]))
    history.close(2, 3)
    path = tmp_path / "history.csv"
    histories.write(path, [CURVE | row for row in history.rows])
    assert path.read_text().splitlines() == [
        "dataset,system,dim,seed,quantity,epoch,step,value",
        "mnist,vae,2,0,a,2,3,0.25",
        "mnist,vae,2,0,kl,1,2,",
        "mnist,vae,2,0,kl,2,3,7",
        "mnist,vae,8,0,a,2,3,0",
        "mnist,vae,8,0,kl,1,2,2",
        "mnist,vae,8,0,kl,2,3,5",
    ]


@pytest.mark.parametrize("kept", [False, True])
def test_a_sum_is_of_doubles_in_the_order_of_steps(kept):
    history, expected = History([3]), 0.0
    values = 1e3 * torch.randn(200, 1, generator=torch.Generator().manual_seed(0))
    for index, value in enumerate(values):
        noted = value.clone()
        history.note("kl", noted, kept=kept)
        if not kept:
            noted.zero_()
        expected += value.item()
        # A checkpoint looks on the way.
        if index == 30:
            assert history.sums["kl", 1] == (torch.tensor([expected], dtype=torch.float64), 31)
    history.close(1, 200)
    assert [row["value"] for row in history.rows] == [expected / 200]


def test_a_quantity_of_coordinates_is_told_of_a_cell_s_own():
    history = History([3, 0, 1])
    history.note("mask", torch.tensor([[0.1, 0.2, 0.3, 9], [9, 9, 9, 9], [0.4, 9, 9, 9]]))
    history.note("mask", torch.tensor([[0.3, 0.2, 0.5, 9], [9, 9, 9, 9], [0.6, 9, 9, 9]]))
    history.note("mask", torch.tensor([5.0, 6.0, 7.0]))
    history.close(1, 2)
    assert [(row["dim"], row["quantity"], row["value"]) for row in history.rows] == [
        (3, "mask", 5.0),
        (0, "mask", 6.0),
        (1, "mask", 7.0),
        (3, "mask.001", pytest.approx(0.2)),
        (3, "mask.002", pytest.approx(0.2)),
        (3, "mask.003", pytest.approx(0.4)),
        (1, "mask.001", pytest.approx(0.5)),
    ]


def test_files_are_joined_in_one_order_and_refused_if_strange(tmp_path):
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    row = {"dim": 2, "quantity": "kl", "epoch": 1, "step": 3, "value": 1 / 3}
    histories.write(a, [CURVE | row])
    histories.write(b, [CURVE | row | {"seed": 1}, CURVE | row | {"epoch": 2, "value": None}])
    histories.write(c, histories.read(b, a).to_dict("records"))
    assert c.read_text() == (
        "dataset,system,dim,seed,quantity,epoch,step,value\n"
        "mnist,vae,2,0,kl,1,3,0.333333333\n"
        "mnist,vae,2,0,kl,2,3,\n"
        "mnist,vae,2,1,kl,1,3,0.333333333\n"
    )
    assert cli.main(["history", str(a), str(b), "--out", str(tmp_path / "d.csv")]) == 0
    assert (tmp_path / "d.csv").read_bytes() == c.read_bytes()
    with pytest.raises(Mistake, match="two rows of one epoch"):
        histories.read(a, c)
    a.write_text("x,y\n1,2\n")
    with pytest.raises(Mistake, match=r"a.csv: .*history"):
        histories.read(a)
    assert histories.read().empty


def test_the_trainer_notes_losses_and_their_terms_by_epoch():
    """Of a VAE at a learning rate too small to move it: each epoch has the mean of its steps."""
    split = Points.of(torch.rand(12, 8, generator=torch.Generator().manual_seed(0)))
    cls = systems.load("vae")
    model = cls(Stack([2], 1), Space((8,), False), Net("mlp", (8,)), cls.Options(lr=1e-30))
    history, order = History([2]), training.Order(12, 4, seed=3)
    training.train(model, split, order, 5, seed=2, epoch=order.epoch, history=history)
    rows = {(row["epoch"], row["quantity"]): row["value"] for row in history.rows}
    ends = [(row["epoch"], row["step"]) for row in history.rows if row["quantity"] == "kl"]
    assert ends == [(1, 3), (5 / 3, 5)]
    for epoch, steps in ((1, range(3)), (5 / 3, range(3, 5))):
        losses = [
            float(model.loss(split[order(i, 0)], Step(i, 5, Noise(2, step=i, turn=0))).detach())
            for i in steps
        ]
        assert rows[epoch, "autoencoder"] == pytest.approx(sum(losses) / len(losses), rel=1e-6)
        total = rows[epoch, "reconstruction"] + rows[epoch, "kl"]
        assert rows[epoch, "autoencoder"] == pytest.approx(total, rel=1e-6)


def test_where_there_are_few_epochs_the_history_tells_of_parts_of_them():
    split = Points.of(torch.rand(12, 8, generator=torch.Generator().manual_seed(0)))
    cls = systems.load("vae")
    model = cls(Stack([2], 1), Space((8,), False), Net("mlp", (8,)), cls.Options())
    history, order = History([2]), training.Order(12, 2, seed=3)
    told = {"epoch": order.epoch, "stretch": 4, "history": history}
    training.train(model, split, order, 9, seed=2, **told)
    ends = [(row["epoch"], row["step"]) for row in history.rows if row["quantity"] == "kl"]
    assert ends == [(4 / 6, 4), (8 / 6, 8), (9 / 6, 9)]
