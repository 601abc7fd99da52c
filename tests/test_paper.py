"""The paper study: every kind of cell trains, is measured, and has a cost."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from bench import data, estimate, evaluation, records, runs, study
from bench.data.base import DataSet
from bench.study import Evaluation, Training

ROOT = Path(__file__).parents[1]
PAPER = study.read(ROOT / "workflow" / "config" / "paper.yaml")


def made_up(kind):
    """A few random images in a data set's place."""
    generator = torch.Generator().manual_seed(0)
    return {
        split: (
            torch.randint(0, 256, (8, *kind.shape), dtype=torch.uint8, generator=generator),
            None,
        )
        for split in ("train", "validation", "test")
    }


@pytest.mark.parametrize(("dataset", "system"), PAPER.plans)
def test_every_kind_of_cell_trains_two_steps_and_is_measured(
    dataset, system, tmp_path, monkeypatch
):
    """The study's own nets and options; a batch of 4, and the shipped classifiers' features."""
    kind, plan = data.kind(dataset), PAPER.plan(dataset, system)
    monkeypatch.setattr(kind, "make", lambda self, root: made_up(kind))
    monkeypatch.setattr(kind, "sha256", DataSet.sha256)
    short = dataclasses.replace(plan, training=Training(2, 4))
    it = dataclasses.replace(
        PAPER,
        datasets={dataset: PAPER.datasets[dataset][-1:]},
        plans={(dataset, system): short},
        protocols={study.MAIN: Evaluation(features="classifier", samples=4)},
    )
    (cell,) = {dataclasses.replace(cell, seed=0) for cell in it.cells()}
    runs.train(it, dataset, system, 0, [cell.dim], None, tmp_path)
    (row,) = evaluation.evaluate_curve(it, dataset, system, 0, tmp_path)
    assert row["status"] == "done"
    assert row["net"] == str(plan.net)
    assert row["fid"] > 0
    assert row["caution"]
    records.frame([row])


def test_the_papers_nets_and_budgets_are_those_of_the_sources():
    assert str(PAPER.plan("mnist", "mask-aae").net) == "mlp 1024-1024-1024-1024"
    assert PAPER.plan("mnist", "mask-aae").training == Training(500_000, 64, "constant")
    assert str(PAPER.plan("cifar10", "mask-aae").net) == "flexae"
    assert PAPER.plan("cifar10", "mask-aae").training == Training(130_000, 128, "constant")
    for dataset, epochs, train in (("mnist", 400, 50_000), ("cifar10", 1000, 40_000)):
        plan = PAPER.plan(dataset, "vae-learned-gamma")
        assert str(plan.net) == "infogan"
        assert plan.training == Training(epochs * train // 64, 64)
        assert plan.system.options["lr"] == 1e-4


def test_the_part_that_the_documents_show_has_cells_of_the_whole_study(tmp_path):
    text = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    ((name, content),) = re.findall(r"`([\w/.-]+)`:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / Path(name).name
    path.write_text(content, encoding="utf-8")
    part = study.read(path)
    assert part.name == path.stem
    assert set(part.cells()) < set(PAPER.cells())
    assert part.plans == {key: PAPER.plans[key] for key in part.plans}
    assert part.protocols == PAPER.protocols


def small(dims, **net):
    return dataclasses.replace(
        PAPER,
        seeds=(0, 1),
        datasets={"mnist": dims},
        plans={
            ("mnist", "wae-gan"): dataclasses.replace(
                PAPER.plan("mnist", "wae-gan"),
                net=study.Net(**net),
                training=Training(1000, 50),
            )
        },
        protocols={study.MAIN: Evaluation(samples=2000)},
    )


def test_the_cost_of_a_perceptron_is_that_of_its_products():
    """By hand: 2 operations a weight and row forwards; backwards twice that, but for data."""
    found = estimate.cost(small((4, 8), kind="mlp", hidden=(16,)), "mnist", "wae-gan")
    first, second, critic = 784 * 16, 16 * 32, 32 * 16 + 16 * 8
    encoder, decoder = first + second, second + first
    forward = 2 * 50 * encoder, 2 * 50 * decoder, 2 * 50 * critic
    autoencoder = forward[0] * 3 - 2 * 50 * first + forward[1] * 3 + forward[2] * 2
    adversary = forward[0] + 2 * (3 * forward[2] - 2 * 50 * 32 * 16)
    samples = 2 * 2000 * decoder
    assert found.flops == pytest.approx(4 * (1000 * (autoencoder + adversary) + samples), rel=0.05)


STAGES = """
name: stages
seeds: [0]
datasets: {mnist: {dims: [8]}}
systems: {vae: {}, vamp-vae: {}, two-stage-vae: {width: 16}}
net: {kind: mlp, hidden: [16]}
training: {steps: 1000, batch: 50}
evaluation: {samples: 2}
"""


def test_pseudo_inputs_cost_the_same_whatever_the_batch_and_a_stage_its_share(tmp_path):
    """By hand: of 500, encoded forwards once and backwards twice that, and as much for the density
    of 50 codes, which takes their products and their squares'; the first stage is the VAE for half
    of the steps."""
    path = tmp_path / "stages.yaml"
    path.write_text(STAGES)
    vae, vamp, two = (
        estimate.cost(study.read(path), "mnist", name).flops
        for name in ("vae", "vamp-vae", "two-stage-vae")
    )
    encoder = 784 * 16 + 2 * 16 * 32
    assert vamp - vae == pytest.approx(1000 * 3 * 2 * 500 * (encoder + 50 * 2 * 32))
    assert vae / 2 < two < vae


def test_the_cost_grows_with_cells_but_a_stacks_launches_do_not():
    few = estimate.cost(small((4,), kind="mlp", hidden=(16,)), "mnist", "wae-gan")
    many = estimate.cost(small((1, 2, 3, 4), kind="mlp", hidden=(16,)), "mnist", "wae-gan")
    assert many.flops == pytest.approx(4 * few.flops)
    assert many.hours == few.hours
    alone = estimate.cost(small((1, 2, 3, 4), kind="conv"), "mnist", "wae-gan")
    assert alone.hours >= 4 * estimate.cost(small((4,), kind="conv"), "mnist", "wae-gan").hours * (
        1 - 1e-9
    )
