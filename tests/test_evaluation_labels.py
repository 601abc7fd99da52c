"""Columns of records on labels that codes tell, on where samples lie, and on components."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy, norm

from bench import components, evaluation, metrics, records, study, systems
from bench.cells import Stack
from bench.data.base import DataSet
from bench.noise import Noise
from bench.real import Extractors
from bench.study import Net
from bench.systems.base import Space

WIDTH = 6
NAMES = ("labels", "moments", "components")
LABELS = ["label_accuracy", "label_variance"]
PARTS = ["label_accuracy_c", "label_accuracy_z"]
MOMENTS = ["mean_gap", "variance_ratio"]
COMPONENTS = ["component_separation", "components_used"]


class Labelled(DataSet):
    """Numbers in [0, 1] about a centre for each of three labels, in the place of mnist."""

    name, shape, value_range, labelled = "mnist", (WIDTH,), (0.0, 1.0), True
    sizes = {"train": 120, "validation": 130, "test": 250}

    def make(self, root):
        generator = torch.Generator().manual_seed(0)
        centres = torch.rand(3, WIDTH, generator=generator)
        splits = {}
        for split, count in self.sizes.items():
            labels = torch.randint(0, 3, (count,), generator=generator)
            noise = 0.3 * torch.rand(count, WIDTH, generator=generator)
            splits[split] = 0.7 * centres[labels] + noise, labels
        return splits


def build(name, points, dims=(0, 2, 5), **options):
    cls = systems.load(name)
    space = Space(points.shape, points.bounded(), points.labelled)
    model = cls(Stack(dims, seed=1), space, Net("mlp", (8,)), cls.Options(**options)).eval()
    model.fit(points.rows("train"))
    return model


def measured(model, points, names=NAMES, **more):
    protocol = study.Evaluation(samples=40, metrics=names, **more)
    return evaluation.measure(model, protocol, Extractors(points), Noise(7), 11)


@torch.no_grad()
@pytest.mark.parametrize("split", ["test", "validation"])
def test_labels_are_told_by_the_codes_of_the_split_and_by_their_parts(split):
    points = Labelled()
    model = build("vhe", points, classes="labels", class_share=0.4)
    rows = measured(model, points, split=split)
    codes, labels = model.encode(points.batch(split, slice(None))), points.labels(split).numpy()
    for cell, (dim, own) in enumerate([(2, 0), (5, 2)], 1):
        z = codes[cell].numpy()
        whole, first, rest = z[:, :dim], z[:, :own], z[:, own:dim]
        assert rows[cell]["label_accuracy"] == metrics.label_accuracy(whole, labels, seed=11)
        assert rows[cell]["label_variance"] == metrics.label_variance(whole, labels)
        assert rows[cell]["label_accuracy_c"] == metrics.label_accuracy(first, labels, seed=11)
        assert rows[cell]["label_accuracy_z"] == metrics.label_accuracy(rest, labels, seed=11)
    assert rows[1]["label_accuracy_c"] is None  # of two coordinates it has .4 · 2, none
    assert rows[2]["label_accuracy"] > 0.5
    assert [rows[0][name] for name in LABELS + PARTS] == [None] * 4


def test_systems_without_parts_have_none():
    points = Labelled()
    row = measured(build("ae", points), points)[1]
    assert not {*PARTS, *COMPONENTS} & {*row}
    assert row["label_accuracy"] > 0.5


def test_what_is_not_asked_for_is_not_there_and_changes_nothing():
    points = Labelled()
    model = build("mog-vae", points, components=4)
    plain = measured(model, points, ())
    for names in [(name,) for name in NAMES] + [NAMES]:
        for row, without in zip(measured(model, points, names), plain, strict=True):
            assert {key: row[key] for key in without} == without
            added = {key for key in row if key not in without}
            groups = dict(zip(NAMES, (LABELS, MOMENTS, COMPONENTS), strict=True))
            assert added == {key for name in names for key in groups[name]}


@pytest.mark.parametrize("name", ["vhe", "mog-vae"])
def test_a_cells_columns_are_the_same_alone_and_in_its_stack(name):
    points, more = Labelled(), {"components": 4} if name == "mog-vae" else {}
    assert (
        measured(build(name, points, (5,), **more), points)
        == measured(build(name, points, **more), points)[2:]
    )


@torch.no_grad()
@pytest.mark.parametrize("stretch", [False, True])
def test_means_and_variances_are_of_samples_and_split_in_the_datas_coordinates(
    stretch, monkeypatch
):
    monkeypatch.setattr("bench.real._ROWS", 7)
    points = Labelled()
    model = build("vae", points)
    rows = measured(model, points, stretch=stretch)
    samples = model.decode(model.prior(40, Noise(7))).double().numpy()
    if stretch:
        low, high = samples.min(-1, keepdims=True), samples.max(-1, keepdims=True)
        # Without a dimension an untrained net gives one value, which has no range to stretch.
        samples[1:] = ((samples - low)[1:]) / (high - low)[1:]
    x = points.test.double().numpy()
    for row, own in zip(rows, samples, strict=True):
        gap = ((own.mean(0) - x.mean(0)) ** 2).sum() / x.var(0).sum()
        assert row["mean_gap"] == pytest.approx(gap, rel=1e-5)
        ratio = own.var(0).sum() / x.var(0).sum()
        assert row["variance_ratio"] == pytest.approx(ratio, rel=1e-4, abs=1e-12)
    assert rows[0]["variance_ratio"] == pytest.approx(0, abs=1e-12)
    assert rows[1]["variance_ratio"] > 1e-6


@torch.no_grad()
@pytest.mark.parametrize("weights", ["fixed", "learned"])
def test_components_are_those_that_the_splits_codes_use_most(weights, monkeypatch):
    """Against SciPy's densities; the two most used of five components."""
    monkeypatch.setattr(components, "MOST", 2)
    monkeypatch.setattr("bench.real._ROWS", 7)
    points = Labelled()
    model = build("mog-vae", points, components=5, weights=weights)
    for parameter in model.parameters():
        draw = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3))
        parameter += 0.3 * draw * (parameter != 0)
    rows, prior = measured(model, points), model.mixture()
    codes = model.encode(points.test)
    decoded = model.decode(prior.means)
    for cell, dim in enumerate((0, 2, 5)):
        z = codes[cell, :, None, :dim].numpy()
        mean, log = (t[cell, :, :dim].numpy() for t in (prior.means, prior.log_variances))
        logs = norm.logpdf(z, mean, np.exp(log / 2)).sum(-1) + prior.log_weights[cell].numpy()
        shares = softmax(logs, axis=1).mean(0)
        assert rows[cell]["components_used"] == pytest.approx(np.exp(entropy(shares)), rel=1e-4)
        a, b = decoded[cell, np.argsort(-shares, kind="stable")[:2]].double().numpy()
        expected = ((a - b) ** 2).mean() / rows[cell]["reconstruction"]
        assert rows[cell]["component_separation"] == pytest.approx(expected, rel=1e-4, abs=1e-12)
    assert rows[0]["component_separation"] == 0
    assert rows[2]["component_separation"] > 0


@torch.no_grad()
def test_components_that_are_no_numbers_leave_the_rest_of_a_row():
    points = Labelled()
    model = build("mog-vae", points, components=4)
    model.means[2, 0, 0] = float("inf")
    rows = [evaluation._separated(components.components(model, [model.encode(points.test)]), 2, 1)]
    assert rows == [{}]


def test_controls_have_means_and_variances(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.data.kind", lambda name: Labelled)
    monkeypatch.setattr("bench.data.load", lambda name, root=None: Labelled())
    (tmp_path / "study.yaml").write_text(
        "name: made\nseeds: [0]\ndatasets: {mnist: {dims: [2]}}\nsystems: {ae: {}}\n"
        "net: {kind: mlp, hidden: [8]}\ntraining: {steps: 1, batch: 8}\n"
        "evaluation: {samples: 130, metrics: [labels, moments, components]}\n"
    )
    it = study.read(tmp_path / "study.yaml")
    table = records.frame(evaluation.evaluate_controls(it, "mnist")).set_index("system")
    x = Labelled()
    means = [t.double().mean(0) for t in (x.validation, x.test)]
    total = x.test.double().var(0, correction=0).sum()
    gap = float((means[0] - means[1]).square().sum() / total)
    assert table.loc["real", "mean_gap"] == pytest.approx(gap, rel=1e-6)
    ratio = float(x.validation.double().var(0, correction=0).sum() / total)
    assert table.loc["real", "variance_ratio"] == pytest.approx(ratio, rel=1e-6)
    assert table.loc["noise", "variance_ratio"] == pytest.approx(WIDTH / 12 / float(total), rel=0.1)
    assert table[[*LABELS, *PARTS, *COMPONENTS]].isna().all(axis=None)
