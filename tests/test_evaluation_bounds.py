"""Bounds on the likelihood, and dimensions of codes and data, as columns of records."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import torch

from bench import evaluation, likelihood, metrics, records, runs, study, systems
from bench.cells import Stack
from bench.data.base import DataSet
from bench.mistake import Mistake
from bench.noise import Noise
from bench.real import Extractors
from bench.study import Net
from bench.systems import vae
from bench.systems.base import Space

DIMENSIONS = ["pca_dimension", "two_nn", "mle_dimension"]
WIDTH = 6
LIKELIHOOD = study.Evaluation(samples=40, metrics=("likelihood",), draws=3)
INTRINSIC = study.Evaluation(samples=40, metrics=("intrinsic",))


class Vectors(DataSet):
    """Numbers in [0, 1], though it is not said; in the place of synthetic-8."""

    name, shape, sizes = "synthetic-8", (WIDTH,), {"train": 120, "validation": 130, "test": 250}

    def make(self, root):
        generator = torch.Generator().manual_seed(0)
        return {
            split: (torch.rand(count, WIDTH, generator=generator), None)
            for split, count in self.sizes.items()
        }


class Bounded(Vectors):
    value_range = (0.0, 1.0)


def build(name, points, dims=(2, 5), **options):
    cls = systems.load(name)
    space = Space(points.shape, points.bounded())
    model = cls(Stack(dims, seed=1), space, Net("mlp", (8,)), cls.Options(**options)).eval()
    model.fit(points.rows("train"))
    model.settle(points.rows("train"))
    return model


def measured(model, points, protocol=LIKELIHOOD):
    return evaluation.measure(model, protocol, Extractors(points), Noise(7), 11)


@pytest.mark.parametrize("name", systems.names())
def test_systems_with_a_likelihood_have_bounds_and_others_do_not(name):
    points = Bounded()
    model = build(name, points)
    for row in measured(model, points):
        assert row["status"] == "done"
        if isinstance(model, vae.System):
            assert math.isfinite(row["elbo"])
            assert row["elbo"] < row["iwae"]
        else:
            assert not {"elbo", "iwae", "bits"} & row.keys()


def test_bounds_are_those_of_the_whole_split_at_once():
    points = Bounded()
    model = build("vae", points)
    whole = [slice(0, 250)]
    found = likelihood.bounds(model, points.test.__getitem__, whole, Noise(7), 3)
    rows = measured(model, points)
    assert [row["elbo"] for row in rows] == pytest.approx(found.elbo.tolist(), rel=1e-9)
    assert [row["iwae"] for row in rows] == pytest.approx(found.iwae.tolist(), rel=1e-9)


def test_blocks_and_the_split_decide_what_is_read(monkeypatch):
    points = Bounded()
    model = build("mog-vae", points, components=4, kl="sample", posteriors=2)
    expected = pd.DataFrame(measured(model, points))[["elbo", "iwae", "bits"]]
    read, plain = [], points.batch
    monkeypatch.setattr(
        points, "batch", lambda split, index: read.append(split) or plain(split, index)
    )
    monkeypatch.setattr("bench.real._ROWS", 70)
    found = pd.DataFrame(measured(model, points))[["elbo", "iwae", "bits"]]
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)
    assert read.count("test") >= 8  # four blocks of codes, and four of likelihoods
    held_out = dataclasses.replace(LIKELIHOOD, split="validation")
    assert measured(model, points, held_out)[0]["elbo"] != pytest.approx(expected["elbo"][0])


def test_a_cells_bounds_are_the_same_alone_and_in_its_stack():
    points = Bounded()
    rows = measured(build("vae", points, dims=(2, 5)), points)
    (alone,) = measured(build("vae", points, dims=(5,)), points)
    assert alone == rows[1]


def test_all_systems_have_the_same_posterior_draws():
    points, options = Bounded(), {"likelihood": "gaussian", "gamma": 0.3}
    (vae, *_), *others = (
        measured(build(name, points, **options), points) for name in ("vae", "beta-vae", "info-vae")
    )
    for rows in others:
        assert [rows[0][name] for name in ("elbo", "iwae")] == [vae["elbo"], vae["iwae"]]


def test_bits_are_of_densities_of_data_with_a_range_only():
    points = Bounded()
    for name in ("gaussian", "learned-gaussian"):
        row = measured(build("vae", points, likelihood=name), points)[0]
        assert row["bits"] == pytest.approx(8 - row["iwae"] / math.log(2) / WIDTH)
    row = measured(build("vae", points, likelihood="bernoulli"), points)[0]
    assert row["bits"] is None
    assert row["elbo"] < 0
    points = Vectors()
    row = measured(build("vae", points), points)[0]
    assert row["bits"] is None
    assert math.isfinite(row["elbo"])


def test_a_bound_that_is_no_number_is_empty_and_a_diverged_cell_has_none():
    points = Bounded()
    model = build("vae", points)
    with torch.no_grad():
        model.log_gamma[0] = -300  # decoded data are finite, and their density is not
    low, other = measured(model, points)
    assert low["status"] == other["status"] == "done"
    assert not {"elbo", "iwae", "bits"} & low.keys()
    assert math.isfinite(other["elbo"])
    with torch.no_grad():
        model.decoder.layers[0].bias[1] = math.nan
    assert measured(model, points)[1] == {"status": "diverged"}


def test_without_the_metric_there_is_nothing_and_nothing_else_changes():
    points = Bounded()
    model = build("vae", points)
    plain = measured(model, points, study.Evaluation(samples=40))
    both = dataclasses.replace(LIKELIHOOD, metrics=("likelihood", "intrinsic"))
    new = ["elbo", "iwae", "bits", *DIMENSIONS]
    for row, other in zip(measured(model, points, both), plain, strict=True):
        assert {name: value for name, value in row.items() if name not in new} == other
        assert set(row) - set(other) == set(new)


# Dimensions


def test_dimensions_are_those_of_the_splits_codes():
    points = Vectors()
    model = build("mask-aae", points)
    rows = measured(model, points, INTRINSIC)
    for cell, (row, dim) in enumerate(zip(rows, (2, 5), strict=True)):
        codes = model.encode(points.test)[cell, :, :dim].detach().numpy()
        assert row["pca_dimension"] == metrics.pca_dimension(codes)
        assert row["two_nn"] == pytest.approx(metrics.two_nn(codes), rel=1e-4)
        assert row["mle_dimension"] == pytest.approx(metrics.mle_dimension(codes), rel=1e-4)


def test_constant_codes_have_no_dimension_and_one_coordinate_has_one():
    points = Vectors()
    model = build("ae", points, dims=(1,))
    (row,) = measured(model, points, INTRINSIC)
    assert row["pca_dimension"] == 1
    assert row["two_nn"] == pytest.approx(1, abs=0.2)
    model.encode = lambda x, noise=None: torch.ones(1, len(x), 32) * model.exists
    (row,) = measured(model, points, INTRINSIC)
    assert [row[name] for name in DIMENSIONS] == [None] * 3
    assert records.frame([row])[DIMENSIONS].isna().all(axis=None)


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A study of small vectors in the place of synthetic-8, and their data set."""
    monkeypatch.setattr("bench.data.kind", lambda name: Bounded)
    monkeypatch.setattr("bench.data.load", lambda name, root=None: Bounded())
    path = tmp_path / "study.yaml"
    path.write_text(
        "name: made\nseeds: [0, 1]\ndatasets: {synthetic-8: {dims: [2]}}\n"
        "systems: {vae: {}, ae: {}}\nnet: {kind: mlp, hidden: [8]}\n"
        "training: {steps: 2, batch: 8}\n"
        "evaluation: {samples: 100, metrics: [likelihood, intrinsic], draws: 4}\n"
        "protocols: {plain: {metrics: []}}\n"
    )
    return study.read(path)


def test_the_row_of_real_data_has_the_dimensions_of_the_data_and_noise_has_none(made):
    table = records.frame(evaluation.evaluate_controls(made, "synthetic-8"))
    test = Bounded().test.numpy()
    real = table[(table["system"] == "real") & (table["protocol"] == "main")]
    assert len(real) == 2
    assert (real["pca_dimension"] == metrics.pca_dimension(test)).all()
    assert real["two_nn"].to_numpy() == pytest.approx(metrics.two_nn(test))
    assert real["mle_dimension"].to_numpy() == pytest.approx(metrics.mle_dimension(test))
    assert table.drop(real.index)[DIMENSIONS].isna().all(axis=None)
    assert table[["elbo", "iwae", "bits"]].isna().all(axis=None)


def test_draws_belong_to_the_protocol(made, tmp_path):
    rows = []
    for system in made.systems:
        runs.train(made, "synthetic-8", system, 0, [2], 2, tmp_path / system)
        rows += evaluation.evaluate_curve(made, "synthetic-8", system, 0, tmp_path / system)
    table = records.frame(rows).set_index(["protocol", "system"])
    assert table.loc["main", "draws"].tolist() == [4, 4]
    assert table.loc["plain", "draws"].isna().all()
    assert table.loc[("main", "vae"), ["elbo", "iwae", "bits"]].notna().all()
    assert table.loc[("main", "ae"), ["elbo", "iwae", "bits"]].isna().all()
    assert table.loc["plain", ["elbo", *DIMENSIONS]].isna().all(axis=None)
    assert table.loc["main", DIMENSIONS].notna().all(axis=None)
    records.write(tmp_path / "records.csv", rows)
    read = records.read(tmp_path / "records.csv")
    assert np.allclose(read["elbo"].dropna(), records.frame(rows)["elbo"].dropna(), rtol=1e-8)
    assert set(records.complete(read, made)["draws"].dropna()) == {4}
    for change, words in (
        ({"draws": 50}, "protocol main has draws 50, and the study 4"),
        ({"draws": None}, "protocol main has draws .*, and the study 4"),
        ({"protocol": "plain"}, "protocol plain has draws 4, and the study None"),
    ):
        with pytest.raises(Mistake, match=words):
            records.complete(records.frame([rows[0] | change]), made)
