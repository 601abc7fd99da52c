"""Experiments: their mathematics, their table, the claims on them, and what the report shows."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from records_for_report import cells, u_curve
from scipy import stats

from bench import cli, experiments, records, study
from bench.experiments import base, mmd, wasserstein
from bench.mistake import Mistake
from bench.parts.divergences import mmd_imq
from bench.report import claims, estimator, figures, page, primer, results

TRAINED = cells(u_curve(), "pca")
SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10)


def kernel(x, y):
    squares, dim = sum((a - b) ** 2 for a, b in zip(x, y, strict=True)), len(x)
    return sum(2 * dim * s / (2 * dim * s + squares) for s in SCALES)


@pytest.fixture
def small(monkeypatch):
    """Experiments of little work."""
    monkeypatch.setattr(mmd, "BATCHES", (4, 8))
    monkeypatch.setattr(mmd, "_ROWS", 64)
    monkeypatch.setattr(mmd, "_BATCH", 8)
    monkeypatch.setattr(mmd, "_PAIRS", 4)
    monkeypatch.setattr(wasserstein, "_DRAWS", 1_000)
    monkeypatch.setattr(wasserstein, "_POINTS", 50)


# What they compute.


def test_the_population_value_is_the_mean_of_the_kernel_over_many_points():
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 200_000, 3))

    def of_pairs(shift):
        # h(x, y, z) of Gretton et al., whose mean is MMD²: both normals have the same within term.
        one = kernel(x.T, z.T) - kernel((x + shift).T, y.T)
        return 2 * one.mean(), 2 * one.std() / math.sqrt(len(one))

    for shift in (0.5, 1.5):
        mean, error = of_pairs(shift)
        assert mmd.population(3, shift) == pytest.approx(mean, abs=4 * error)
        assert mmd.population(3, shift) > 20 * error
    assert mmd.population(3, 0) == 0


def test_the_v_statistic_is_a_double_loop():
    generator = torch.Generator()
    x, y = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator)
    means = [
        np.mean([kernel(a, b) for a in one.tolist() for b in other.tolist()])
        for one, other in ((x, x), (y, y), (x, y))
    ]
    assert float(mmd.v_statistic(x, y)) == pytest.approx(means[0] + means[1] - 2 * means[2])


@pytest.mark.parametrize("batch", [2, 5])
def test_the_estimate_has_no_bias_with_the_cross_term_s_diagonal_and_the_v_statistic_has(batch):
    generator = torch.Generator().manual_seed(batch)
    shape = (2, 10_000, batch, 3)
    x, y = torch.randn(*shape, generator=generator, dtype=torch.float64)
    for shift in (0.0, 0.5):
        found = mmd_imq(x + shift, y)
        error = float(found.std()) / math.sqrt(len(found))
        true = mmd.population(3, shift)
        assert float(found.mean()) == pytest.approx(true, abs=4 * error)
        # Each diagonal adds k(x, x) − E k(x, x') = Σ 1 − E k(x, x'), over N.
        within = float(kernel(x[:, 0].T, y[:, 0].T).mean())
        bias = 2 * (len(SCALES) - within) / batch
        biased = mmd.v_statistic(x + shift, y)
        assert float(biased.mean()) - true == pytest.approx(bias, abs=5 * error)
        assert bias > 20 * error


def test_sums_of_channels_are_blind_or_wrong_and_flattened_codes_are_neither(monkeypatch):
    monkeypatch.setattr(mmd, "_PAIRS", 50)
    found = mmd._by_channel(0)
    assert abs(found["flat.independent"]) < 0.01 < found["flat.copies"]
    assert abs(found["each.independent"]) < 0.01
    assert abs(found["each.copies"]) < 0.02
    # The sums are N(0, 4 I), whose MMD from N(0, I) is a number; and N(0, 16 I).
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 8, 100_000))
    for codes, scale in (("independent", 2), ("copies", 4)):
        wide, plain, between = (
            kernel(scale * x, scale * y).mean(),
            kernel(y, z).mean(),
            kernel(scale * x, z).mean(),
        )
        true = wide + plain - 2 * between
        assert found[f"summed.{codes}"] == pytest.approx(true, rel=0.05)


def test_the_primer_s_numbers():
    found = {row["quantity"]: row["value"] for row in wasserstein.run(0)}
    assert found["independent.cost"] == pytest.approx(2.25, abs=5 * math.sqrt(10 / 1e6))
    assert found["shift.cost"] == pytest.approx(0.25, rel=1e-12)
    assert found["shift.distance"] == pytest.approx(0.5, rel=1e-12)
    assert found["identity.dual"] == pytest.approx(0.5, abs=5 * math.sqrt(2 / 1e6))
    # Never below but for rounding: any dual bound is one of the samples' distance too.
    assert -1e-12 < found["sorted.distance"] - found["identity.dual"] < 1e-4
    assert found["segments.shift"] == pytest.approx(0.1, rel=1e-12)
    assert found["segments.dual"] == pytest.approx(0.1, rel=1e-12)
    assert 0.1 < found["segments.assignment"] < 0.11
    assert found["segments.kl.p"] == found["segments.kl.q"] == math.inf


def test_samples_are_assigned_at_the_least_cost(monkeypatch):
    monkeypatch.setattr(wasserstein, "_DRAWS", 300)
    monkeypatch.setattr(wasserstein, "_POINTS", 60)
    found = {row["quantity"]: row["value"] for row in wasserstein.run(3)}
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.5, 1, 300), rng.normal(0, 1, 300)
    expected = stats.wasserstein_distance(x, y)
    assert found["sorted.distance"] == pytest.approx(expected, rel=1e-12)
    assert found["identity.dual"] <= found["sorted.distance"]
    heights = rng.uniform(size=(2, 60))
    points = [np.column_stack([np.full(60, at), heights[i]]) for i, at in enumerate((0, 0.1))]
    expected = stats.wasserstein_distance_nd(*points)
    assert found["segments.assignment"] == pytest.approx(expected, rel=1e-6)


# What all have in common.


@pytest.mark.parametrize("name", experiments.names())
def test_an_experiment_says_what_it_computes_and_a_seed_is_a_replicate(name, small):
    module = experiments.load(name)
    first, again, other = (base.replicates(name, 7, seeds) for seeds in ([0], [0, 1], [1]))
    assert first + other == again
    assert first != [row | {"seed": 0} for row in other]
    assert first != base.replicates(name, 8, [0])
    found = base.frame(again)
    assert not found.duplicated(["seed", "quantity", "setting"]).any()
    for quantity in found["quantity"].unique():
        assert re.search(rf"\b{re.escape(quantity)}\b", module.__doc__), quantity
    assert "Source" in module.__doc__


def test_an_unknown_experiment_is_told():
    with pytest.raises(KeyError, match="no experiment 'nothing'; there are mmd, wasserstein"):
        experiments.load("nothing")


def test_the_table_is_one_whatever_the_order_and_refuses_what_is_strange(tmp_path):
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    row = {"experiment": "mmd", "seed": 0, "quantity": "x", "setting": 16, "value": 1 / 3}
    base.write(a, [row | {"setting": 2}, row | {"seed": 1, "value": math.inf}, row])
    base.write(b, [row | {"quantity": "w", "setting": None}])
    assert cli.main(["experiments", str(b), str(a), "--out", str(c)]) == 0
    assert c.read_text() == (
        "experiment,seed,quantity,setting,value\n"
        "mmd,0,w,,0.333333333\n"
        "mmd,0,x,2,0.333333333\n"
        "mmd,0,x,16,0.333333333\n"
        "mmd,1,x,16,inf\n"
    )
    assert base.read(c)["value"].iloc[-1] == math.inf
    assert base.read().empty
    with pytest.raises(Mistake, match="two rows of one quantity"):
        base.read(a, c)
    for value in ("", "-inf"):
        b.write_text(f"experiment,seed,quantity,setting,value\nmmd,0,x,2,{value}\n")
        with pytest.raises(Mistake, match=r"b\.csv: only a setting may be empty, and no value"):
            base.read(b)
    b.write_text("x,y\n1,2\n")
    with pytest.raises(Mistake, match=r"b\.csv: .*experiments"):
        base.read(b)


def test_a_study_names_its_experiments_and_the_verb_takes_one(tmp_path, small, capsys):
    text = (
        "name: toy\nseeds: [1, 3]\ndatasets: {synthetic-8: {dims: [2]}}\nsystems: {pca: {}}\n"
        "net: {kind: mlp, hidden: [8]}\ntraining: {steps: 1}\nexperiments: "
    )
    path, out = tmp_path / "toy.yaml", tmp_path / "out.csv"
    path.write_text(text + "[wasserstein]")
    command = ["experiment", str(path), "--out", str(out), "--name"]
    assert cli.main([*command, "wasserstein"]) == 0
    assert set(base.read(out)["seed"]) == {1, 3}
    assert cli.main([*command, "mmd"]) == 2
    assert "no experiment 'mmd' in the study; it has wasserstein" in capsys.readouterr().err
    path.write_text(text + "[mdm]")
    allowed = r"experiments\[0\]: found 'mdm'; allowed: one of mmd, wasserstein"
    with pytest.raises(Mistake, match=allowed):
        study.read(path)


# Claims on them.


def table(**values):
    """Rows of the experiment mmd: by quantity the values by seed, or by setting and seed."""
    return base.frame(
        {"experiment": "mmd", "seed": seed, "quantity": name.replace("_", ".")}
        | {"setting": setting, "value": value}
        for name, own in values.items()
        for setting, numbers in (own.items() if isinstance(own, dict) else [(None, own)])
        for seed, value in enumerate(numbers)
    )


def judged(folder, rows, **claim):
    whole = {
        "source": {"authors": "Toy", "title": "Toys", "place": "a box"},
        "statement": "It is so.",
        "about": {"experiment": "mmd"},
        "statistic": "A number.",
        "test": "It is so.",
        "threshold": 0.1,
        "fewest_seeds": 3,
    }
    (folder / "toy.yaml").write_text(yaml.safe_dump(whole | claim))
    (one,) = claims.judge(records.frame(TRAINED), experiments=rows, folder=folder)
    return one


@pytest.mark.parametrize(
    ("near", "far", "verdict"),
    [
        ([1.0, 1.01, 1.02], [1.0, 1.01, 0.99], "reproduced"),
        ([1.0, 1.01, 1.02], [1.2, 1.21, 1.22], "not reproduced"),
        ([1.0, 1.01, 1.02], [0.9, 1.0, 1.1], "inconclusive"),
        ([1.0, 1.01], [1.0, 1.01], "inconclusive"),
    ],
)
def test_equal_is_an_interval_within_the_threshold_at_every_setting(tmp_path, near, far, verdict):
    rows = table(a_mean={8: near, 16: far}, other=[5.0] * len(near))
    one = judged(tmp_path, rows, form="quantities-are", equal={"a.mean": 1})
    assert (one.verdict, one.dataset, one.system) == (verdict, "mmd", None)
    seeds = tuple(range(len(near)))
    assert [(it.system, it.dim, it.seeds) for it in one.records] == [
        ("a.mean", 8, seeds),
        ("a.mean", 16, seeds),
    ]
    assert ("Too few seeds: 2 of at least 3." in one.finding) == (len(near) == 2)


def test_equal_to_another_quantity_is_paired_by_seed(tmp_path):
    rows = table(a={8: [1.0, 5.0, 9.0]}, b=[1.01, 5.0, 8.99])
    one = judged(tmp_path, rows, form="quantities-are", equal={"a": "b"})
    assert one.verdict == "reproduced"
    assert one.estimates[0].value == pytest.approx(0)
    assert {it.system for it in one.records} == {"a", "b"}
    assert judged(tmp_path, rows, form="quantities-are", equal={"a": 5}).verdict == "inconclusive"


def test_above_is_by_more_than_the_threshold(tmp_path):
    for value, verdict in ((0.2, "reproduced"), (0.1, "inconclusive"), (0.0, "not reproduced")):
        rows = table(a={8: [value - 0.01, value, value + 0.01], 16: [9.0, 9.1, 9.2]})
        one = judged(tmp_path, rows, form="quantities-are", above={"a": 0})
        assert one.verdict == verdict


def test_what_should_be_infinite_is_so_in_every_replicate_and_nothing_else_is(tmp_path):
    infinite, finite = [math.inf] * 3, [math.inf, 9.0, math.inf]
    form = {"form": "quantities-are", "equal": {"a": 1}, "infinite": ["b"]}
    one = judged(tmp_path, table(a=[1.0, 1.0, 1.0], b=infinite), **form)
    assert one.verdict == "reproduced"
    assert all(math.isfinite(it.value) for it in one.estimates)
    one = judged(tmp_path, table(a=[1.0, 1.0, 1.0], b=finite), **form)
    assert one.verdict == "not reproduced"
    assert "B: finite in some replicate." in one.finding
    one = judged(tmp_path, table(a=infinite, b=infinite), **form)
    assert (one.verdict, one.finding) == ("not run", "Not run: a: infinite, which has no interval.")


def test_a_fall_is_from_each_setting_to_the_next(tmp_path):
    near = np.array([0.99, 1.0, 1.01])
    form = {"form": "quantity-falls", "quantity": "a", "threshold": 1}
    one = judged(tmp_path, table(a={8: 4 * near, 16: 2 * near, 128: 1 * near}), **form)
    assert one.verdict == "reproduced"
    assert [it.value for it in one.estimates] == pytest.approx([0.5, 0.5])
    one = judged(tmp_path, table(a={8: 4 * near, 16: 2 * near, 128: 3 * near[::-1]}), **form)
    assert one.verdict == "not reproduced"
    assert "N = 128 to 16" in one.finding
    one = judged(tmp_path, table(a={8: 4 * near}), **form)
    assert one.verdict == "not run"


def test_a_quantity_that_is_not_told_is_not_run_and_no_experiment_is_silence(tmp_path):
    one = judged(tmp_path, table(a=[1.0]), form="quantities-are", equal={"b": 1})
    assert (one.verdict, one.seeds) == ("not run", ())
    assert one.finding == "Not run: the experiment mmd tells no b."
    about = [it for it in claims.ledger() if "experiment" in it["about"]]
    assert len(about) == 7
    found = claims.judge(records.frame(TRAINED))
    assert not [it for it in found if it.dataset in experiments.names()]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"about": {"bases": ["vae"]}}, "about"),
        ({"about": {"experiment": "mdm"}}, "experiment: found 'mdm'; allowed: one of mmd, wass"),
        ({"equal": {"a": [1]}}, "a number, or the name of another quantity"),
    ],
)
def test_a_mistake_in_a_claim_on_an_experiment_is_told(tmp_path, change, words):
    with pytest.raises(Mistake, match=rf"toy\.yaml: .*{words}"):
        judged(tmp_path, table(a=[1.0]), **{"form": "quantities-are", "equal": {"a": 1}} | change)


# What is shown of them.


@pytest.fixture
def whole(small):
    """Records of a data set and both experiments."""
    rows = [row for name in experiments.names() for row in base.replicates(name, 0, [0, 1, 2])]
    distances = u_curve()
    return results.Results(records.frame(cells(distances, "vae")), experiments=base.frame(rows))


def test_every_claim_on_an_experiment_is_of_quantities_that_it_tells(whole):
    found = claims.judge(whole.records, experiments=whole.experiments)
    found = [it for it in found if it.dataset in experiments.names()]
    assert len(found) == 7
    assert not [it.finding for it in found if it.verdict == "not run"]
    told = set(whole.experiments["quantity"])
    assert {*estimator.QUANTITIES, *primer.QUANTITIES} == told


def test_what_lies_beside_records_is_read(tmp_path, whole):
    records.write(tmp_path / "records.csv", whole.records.to_dict("records"))
    assert results.read(tmp_path / "records.csv").experiments is None
    base.write(tmp_path / "experiments.csv", whole.experiments.to_dict("records"))
    found = results.read(tmp_path / "records.csv").experiments
    pd.testing.assert_frame_equal(found, whole.experiments, rtol=1e-8)


def test_figures_of_experiments_are_those_with_all_their_quantities(tmp_path, whole):
    found = {f"{it.kind}-{it.of}" for it in figures.of_experiments(whole)}
    assert found == {"experiment-mmd", "experiment-wasserstein"}
    first, again = (
        {it.of: figures.svg(it.draw) for it in figures.of_experiments(whole)} for _ in range(2)
    )
    assert first == again
    rows = whole.experiments
    few = results.Results(whole.records, experiments=rows[rows["quantity"] != "shift.true"])
    assert [it.of for it in figures.of_experiments(few)] == ["wasserstein"]
    assert figures.of_experiments(results.Results(whole.records)) == []


def test_the_page_leads_from_verdicts_to_the_numbers(tmp_path, whole):
    page.write(whole, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    targets = set(re.findall(r'id="([^"]+)"', text))
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert links <= targets
    assert {"r-mmd-match.mean-8-2", "r-wasserstein-independent.cost--0"} <= links
    assert len(targets & {f"r-mmd-shift.true--{seed}" for seed in range(3)}) == 3
    assert "A slip of the text" in text
    page.write(results.Results(whole.records), tmp_path / "without.html")
    assert 'id="experiments"' not in (tmp_path / "without.html").read_text()
