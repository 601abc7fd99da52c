"""Forms of tests on made-up records and histories whose right verdict is known."""

import numpy as np
import pandas as pd
import pytest
from records_for_report import DIMS, cells, curve, u_curve

from bench import records
from bench.report import claims
from bench.report.claims.every import Comparison, every

NOISE = (-0.01, 0.0, 0.01)


def table(distances, system, base=None, metric=None, **more):
    """Rows of a system, whose `metric` [seeds, dims] is another column than the distance."""
    rows = cells(distances, system, base, **more)
    for column, values in (metric or {}).items():
        for row in rows:
            if row["status"] == "done":
                row[column] = values.loc[row["seed"], row["dim"]]
    return rows


def level(value, seeds=3, dims=DIMS):
    """About the same value in all cells, [seeds, dims]."""
    return pd.DataFrame({m: [value + NOISE[s % 3] for s in range(seeds)] for m in dims})


def verdict(rows, claim, system, history=None):
    found = claims.judge(records.frame(rows), history)
    (one,) = (it for it in found if (it.claim, it.system) == (claim, system))
    return one


# All of several comparisons.


def comparison(*values, at="m = 2"):
    return Comparison("x", at, pd.Series(values, range(len(values)), dtype=float), (2,))


def test_every_asks_all_intervals_to_lie_inside():
    good, wide = comparison(1.0, 1.1, 1.2), comparison(-1.0, 1.0, 3.0)
    assert every("x", [good], low=0)[0] == "reproduced"
    assert every("x", [good, wide], low=0)[0] == "inconclusive"
    assert every("x", [good], low=-1, high=1)[0] == "inconclusive"
    assert every("x", [good], high=0)[0] == "not reproduced"


def test_every_corrects_what_speaks_against_it():
    # −1 ± .9 at 95 %, which a correction for three comparisons widens past 0.
    one = comparison(*(-1 + shift * 0.9 / 2.484 for shift in (-1, 0, 1)))
    assert every("x", [one], low=0)[0] == "not reproduced"
    assert every("x", [one], low=0, family=3)[0] == "inconclusive"
    assert every("x", [one, comparison(1, 1.1, 1.2), comparison(2, 2.1, 2)], low=0)[0] == (
        "inconclusive"
    )


def test_every_with_an_equal_value_is_not_better_and_one_seed_is_nothing():
    assert every("x", [comparison(0, 0, 0)], high=0)[0] == "inconclusive"
    assert every("x", [comparison(0, 0, 0)], -1, 0)[0] == "reproduced"
    assert every("x", [comparison(5)], low=0)[0] == "inconclusive"
    assert every("x", [comparison(np.nan)], low=0)[0] == "inconclusive"


def test_every_shows_ratios_of_logarithms():
    logs = comparison(*np.log([2.0, 2.1, 2.2]))
    _, finding, (one,) = every("x", [logs], low=np.log(1.5), logs=True)
    assert one.value == pytest.approx(np.exp(np.mean(np.log([2.0, 2.1, 2.2]))))
    assert "Clearly above 1.5" in finding


# Curves.


def test_a_model_without_a_code_is_on_no_curve():
    falling = pd.DataFrame({m: level(v, dims=[m])[m] for m, v in {2: 50, 4: 60, 8: 70}.items()})
    with_none = falling.assign(**{"0": 300.0}).rename(columns=int)
    for distances in (falling, with_none):
        rows = cells(distances, "aae", true_dim=None)
        assert verdict(rows, "u-shape", "aae").verdict == "not reproduced"
        rows = cells(distances, "aae") + cells(level(1.0, dims=[0, 8]), "wae-mmd")
        assert "8 is an end of the dimensions 2, 4, 8" in verdict(rows, "u-shape", "aae").finding


@pytest.mark.parametrize(
    ("dims", "word"), [((2, 8), "not run"), ((8, 16), "reproduced"), ((2, 16), "not run")]
)
def test_flat_beyond_n_needs_two_dimensions_there(dims, word):
    rows = cells(level(50.0, dims=dims), "mask-aae")
    assert verdict(rows, "flat-beyond-n", "mask-aae").verdict == word


# Systems beside each other.


def two_stage(first, second, **more):
    rows = table(first, "two-stage-vae", **more)
    return rows + table(second, "vae", options={"likelihood": "learned-gaussian"})


def test_better_than_is_judged_at_the_largest_shared_dimension():
    first, second = level(1.0), level(2.0)
    first[2] = 9.0
    one = verdict(two_stage(first, second), "two-stage-better", "two-stage-vae")
    assert one.verdict == "reproduced"
    assert one.estimates[0].value == pytest.approx(-1)
    assert {(it.system, it.dim) for it in one.records} == {("two-stage-vae", 32), ("vae", 32)}
    worse = verdict(two_stage(second, first), "two-stage-better", "two-stage-vae")
    assert worse.verdict == "not reproduced"


def test_better_than_pairs_by_seed():
    # Seeds differ by far more than the systems do, the same way for both.
    seeds = curve(*[[value] * 5 for value in (1, 5, 9)])
    one = verdict(two_stage(seeds, seeds + 0.1 + level(0)), "two-stage-better", "two-stage-vae")
    assert one.verdict == "reproduced"


def test_better_than_needs_shared_seeds_and_whole_rivals():
    lost = {(32, 0): 9}
    rows = table(level(1.0, 4), "two-stage-vae") + table(level(2.0, 4), "vae", diverged=lost)
    one = verdict(rows, "two-stage-better", "two-stage-vae")
    assert one.verdict == "inconclusive"
    assert "vae, m = 32, seed 0: diverged at step 9" in one.finding
    apart = table(level(1.0, 6).iloc[:4], "two-stage-vae") + table(level(2.0, 6).iloc[2:], "vae")
    one = verdict(apart, "two-stage-better", "two-stage-vae")
    assert one.verdict == "inconclusive"
    assert "share 2 of at least 3 seeds at m = 32" in one.finding


def test_a_rival_with_other_options_is_none():
    rows = table(level(1.0), "two-stage-vae")
    rows += table(level(2.0), "vae", options={"likelihood": "bernoulli"})
    one = verdict(rows, "two-stage-better", "two-stage-vae")
    assert one.verdict == "not run"
    assert "vae with likelihood = the default or learned-gaussian" in one.finding


def test_a_density_is_compared_all_else_the_same():
    rows = []
    for kind, gap in (("l2", 1), ("gp", -1)):
        for density, distance in (("gaussian", 3), ("mixture", 3 - gap)):
            options = {"regulariser": kind, "density": density}
            rows += table(level(distance), f"{kind}-{density}", "rae", options=options)
    found = {s: verdict(rows, "mixture-density-better", f"{s}-mixture") for s in ("l2", "gp")}
    assert {s: it.verdict for s, it in found.items()} == {
        "l2": "reproduced",
        "gp": "not reproduced",
    }
    assert {it.system for it in found["l2"].records} == {"l2-mixture", "l2-gaussian"}


def test_best_of_all_cannot_be_shown_without_the_tables_rows_but_can_be_refuted():
    rows = table(level(1.0), "mask-aae") + table(level(2.0), "wae-mmd") + table(level(0.1), "pca")
    one = verdict(rows, "best-fid", "mask-aae")
    assert one.verdict == "inconclusive"
    assert "flow-vae" in one.finding
    rows += table(level(0.5), "aae")
    assert verdict(rows, "best-fid", "mask-aae").verdict == "not reproduced"


def test_best_of_all_is_reproduced_with_all_rows():
    rows = table(level(1.0), "mask-aae")
    for likelihood in ("bernoulli", "gaussian", "learned-gaussian"):
        options = {"likelihood": likelihood}
        rows += table(level(2.0), f"vae-{likelihood}", "vae", options=options)
    for system in ("flow-vae", "wae-mmd", "two-stage-vae", "aae"):
        rows += table(level(2.0), system)
    assert verdict(rows, "best-fid", "mask-aae").verdict == "reproduced"


@pytest.mark.parametrize(
    ("masked", "word"), [(0.05, "reproduced"), (0.2, "not reproduced"), (0.1, "inconclusive")]
)
def test_nac_is_compared_above_n_only(masked, word):
    nac = level(masked)
    nac[[2, 4, 8]] = 0.9
    plain = level(0.1)[::-1].reset_index(drop=True)
    rows = table(u_curve(), "mask-aae", metric={"nac": nac})
    rows += table(u_curve(), "aae", metric={"nac": plain})
    assert verdict(rows, "nac-below-wae", "mask-aae").verdict == word


def test_what_cannot_be_judged_for_any_system_is_said_once():
    rows = table(level(1.0, dims=[16]), "wae-mmd") + table(level(1.0, dims=[16]), "aae")
    found = [it for it in claims.judge(records.frame(rows)) if it.claim == "u-shape"]
    assert [(it.system, it.verdict) for it in found] == [(None, "not run")]


# Counts.


@pytest.mark.parametrize(
    ("last", "word"),
    [([8, 8, 9], "reproduced"), ([13, 13, 14], "not reproduced"), ([8, 10, 12], "inconclusive")],
)
def test_two_capacities_end_at_the_same_count(last, word):
    counts = pd.DataFrame({m: [8, 8, 8] for m in DIMS})
    counts[32] = last
    counts[2] = 1
    rows = cells(u_curve(), "mask-aae", counts=counts)
    assert verdict(rows, "same-count-from-two-capacities", "mask-aae").verdict == word


def rivals_of_the_mask(columns):
    counts = pd.DataFrame({m: [8, 8, 9] for m in DIMS})
    about = {"dataset": "synthetic-8", "true_dim": 8}
    rows = cells(u_curve(), "mask-aae", counts=counts, **about)
    metric = {name: level(value) for name, value in columns.items()}
    return rows + table(u_curve(), "aae", metric=metric, **about)


def test_the_mask_is_closer_to_n_than_every_other_estimate():
    rows = rivals_of_the_mask({"two_nn": 12, "mle_dimension": 4})
    for row in rows:
        if row["system"] == "aae":
            row |= {"discovered_units": 16, "pca_dimension": 14}
    assert verdict(rows, "mask-is-closer-to-n", "mask-aae").verdict == "reproduced"
    exact = [row | {"two_nn": 8.0} if row["system"] == "aae" else row for row in rows]
    assert verdict(exact, "mask-is-closer-to-n", "mask-aae").verdict == "inconclusive"
    lacking = [row | {"two_nn": None} for row in rows]
    one = verdict(lacking, "mask-is-closer-to-n", "mask-aae")
    assert one.verdict == "inconclusive"
    assert "cannot be shown: TwoNN dimension." in one.finding


def test_a_competitor_of_few_dimensions_takes_none_from_the_others():
    rows = rivals_of_the_mask({"two_nn": 8, "mle_dimension": 4})
    about = {"dataset": "synthetic-8", "true_dim": 8}
    rows += table(u_curve(dims=[16]), "vae", metric={"two_nn": level(4, dims=[16])}, **about)
    one = verdict(rows, "mask-is-closer-to-n", "mask-aae")
    assert one.verdict == "inconclusive"
    assert {it.system for it in one.records if it.dim == 32} == {"mask-aae", "aae"}


# Theorem 1 and encoders.


def test_error_below_n():
    error = level(1.0)
    error[2], error[4] = 8.0, 1.5
    rows = table(u_curve(), "aae", metric={"reconstruction": error})
    assert verdict(rows, "error-below-n", "aae").verdict == "reproduced"
    error[4] = 1.0
    rows = table(u_curve(), "aae", metric={"reconstruction": error})
    one = verdict(rows, "error-below-n", "aae")
    assert one.verdict == "not reproduced"
    assert one.estimates[-1].dims == (4, 8)


@pytest.mark.parametrize(
    ("slope", "word"), [(0.01, "reproduced"), (-0.01, "not reproduced"), (0, "inconclusive")]
)
def test_divergence_grows_beyond_n(slope, word):
    values = pd.DataFrame({m: [slope * m + e * (m == 16) for e in NOISE] for m in DIMS})
    values[2] = 99.0
    rows = table(u_curve(), "aae", metric={"latent_divergence": values})
    one = verdict(rows, "divergence-grows-beyond-n", "aae")
    assert one.verdict == word
    slopes = np.polyfit([8, 16, 32], values[[8, 16, 32]].to_numpy().T, 1)[0]
    expected = slopes.mean()
    assert one.estimates[0].value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("lost", "word"), [(0, "reproduced"), (3, "inconclusive")])
def test_a_slope_needs_its_seeds_at_all_dimensions(lost, word):
    values = pd.DataFrame({m: [0.01 * m + NOISE[s % 3] / 100 for s in range(5)] for m in DIMS})
    rows = table(u_curve(seeds=5), "aae", metric={"latent_divergence": values})
    gone = [(8, 0), (16, 1), (32, 2)][:lost]
    rows = [row for row in rows if (row["dim"], row["seed"]) not in gone]
    one = verdict(rows, "divergence-grows-beyond-n", "aae")
    assert one.verdict == word
    assert ("has 2 of at least 3." in one.finding) == bool(lost)


@pytest.mark.parametrize(
    ("status", "word"),
    [("missing", "reproduced"), ("timed-out", "reproduced"), ("failed", "inconclusive")],
)
def test_a_job_that_failed_rules_out_reproduced_and_one_that_was_not_run_does_not(status, word):
    error = level(1.0, seeds=5)
    error[2], error[4] = 8.0, 1.5
    rows = table(u_curve(seeds=5), "aae", metric={"reconstruction": error})
    for row in rows:
        if (row["dim"], row["seed"]) == (2, 1):
            row |= {"status": status, "fid": None, "reconstruction": None}
    one = verdict(rows, "error-below-n", "aae")
    assert one.verdict == word
    assert f"aae, m = 2, seed 1: {status}" in one.finding


def test_encoders_match_the_prior():
    near, far = (pd.DataFrame({m: [v, v + 1e-4, v - 1e-4] for m in DIMS}) for v in (0.001, 0.02))
    rows = table(u_curve(), "wae-mmd", metric={"latent_divergence": near})
    options = {"encoder": "gaussian"}
    rows += table(u_curve(), "wae-g", "wae-mmd", options=options, metric={"latent_divergence": far})
    assert verdict(rows, "encoders-match-the-prior", "wae-mmd").verdict == "reproduced"
    assert verdict(rows, "encoders-match-the-prior", "wae-g").verdict == "not reproduced"


@pytest.mark.parametrize(
    ("claim", "base", "dim", "metric", "word"),
    [
        ("one-number-separates-digits", "wae-gan", 1, {"label_accuracy": 0.4}, "reproduced"),
        ("one-number-separates-digits", "wae-gan", 1, {"label_accuracy": 0.3}, "inconclusive"),
        ("one-number-separates-digits", "wae-gan", 1, {"label_accuracy": 0.2}, "not reproduced"),
        ("components-are-distinct", "mog-vae", 10, {"component_separation": 1.2}, "reproduced"),
        ("components-are-distinct", "mog-vae", 10, {"component_separation": 0.8}, "not reproduced"),
    ],
)
def test_a_level_is_above_its_threshold(claim, base, dim, metric, word):
    # At other dimensions, 0 among them, it says the opposite.
    dims, ((column, value),) = [0, dim, 40], metric.items()
    values = level(value, dims=dims)
    values[0] = values[40] = 2.0 if word == "not reproduced" else 0.0
    about = {"dataset": "mnist", "true_dim": None}
    rows = table(level(1.0, dims=dims), base, metric={column: values}, **about)
    one = verdict(rows, claim, base)
    assert one.verdict == word
    assert one.estimates[0].value == pytest.approx(value)
    assert {it.dim for it in one.records} == {dim}


def homoencoder_codes(c, z, **more):
    about = {"dataset": "mnist", "true_dim": None, "options": {"classes": "labels"}}
    metric = {"label_accuracy_c": level(c, dims=[40]), "label_accuracy_z": level(z, dims=[40])}
    return table(level(1.0, dims=[40]), "vhe", metric=metric, **about | more)


def test_the_class_code_tells_the_class_and_more_than_the_other():
    rows = homoencoder_codes(0.95, 0.5)
    assert verdict(rows, "class-code-tells-the-class", "vhe").verdict == "reproduced"
    one = verdict(rows, "class-code-tells-more", "vhe")
    assert one.verdict == "reproduced"
    assert one.estimates[0].value == pytest.approx(0.45)
    assert "Label accuracy from c minus label accuracy from z: +0.450" in one.finding
    rows = homoencoder_codes(0.6, 0.8)
    assert verdict(rows, "class-code-tells-the-class", "vhe").verdict == "not reproduced"
    assert verdict(rows, "class-code-tells-more", "vhe").verdict == "not reproduced"


def test_a_column_that_was_not_measured_is_not_judged():
    about = {"dataset": "mnist", "true_dim": None, "options": {"classes": "labels"}}
    one = verdict(cells(level(1.0, dims=[40]), "vhe", **about), "class-code-tells-the-class", "vhe")
    assert one.verdict == "not run"
    assert "no label_accuracy_c of vhe in these records" in one.finding
    rows = homoencoder_codes(0.95, 0.5, diverged={(40, seed): 9 for seed in range(3)})
    one = verdict(rows, "class-code-tells-the-class", "vhe")
    assert one.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("gap", "ratio", "word"),
    [
        (0.001, 1e-9, "reproduced"),
        (0.02, 1e-9, "not reproduced"),
        (0.001, 0.5, "not reproduced"),
    ],
)
def test_no_dimension_gives_the_mean(gap, ratio, word):
    dims = [0, 10]
    near = pd.DataFrame({0: [gap, gap * 1.01, gap * 0.99], 10: [0.5] * 3})
    wide = pd.DataFrame({0: [ratio] * 3, 10: [0.9] * 3})
    about = {"dataset": "mnist", "true_dim": None}
    metric = {"mean_gap": near, "variance_ratio": wide}
    rows = table(level(1.0, dims=dims), "mog-vae", metric=metric, **about)
    assert verdict(rows, "no-dimension-gives-the-mean", "mog-vae").verdict == word


def test_without_a_dimension_nothing_is_compared_but_where_it_is_named():
    dims, about = [0, 10], {"dataset": "mnist", "true_dim": None}
    better, plain = (pd.DataFrame({0: [-200.0] * 3, 10: [v, v, v]}) for v in (-90.0, -95.0))
    both = {"options": {"likelihood": "bernoulli"}, **about}
    rows = table(level(1.0, dims=dims), "mog-vae", metric={"iwae": better}, **both)
    rows += table(level(2.0, dims=dims), "vae", metric={"iwae": plain}, **both)
    for claim in ("mixture-prior-likelihood", "mixture-prior-samples"):
        one = verdict(rows, claim, "mog-vae")
        assert one.verdict == "reproduced"
        assert {it.dim for it in one.records} == {10}
    counts = pd.DataFrame({0: [0] * 3, 10: [8] * 3, 20: [9] * 3})
    rows = cells(level(1.0, dims=[0, 10, 20]), "mask-aae", counts=counts, true_dim=None)
    one = verdict(rows, "same-count-from-two-capacities", "mask-aae")
    assert one.verdict == "reproduced"
    assert {it.dim for it in one.records} == {10, 20}


def test_gaussian_encoders_degrade_less():
    steep, gentle = u_curve(), np.sqrt(u_curve())
    for gaussian, point, word in (
        (gentle, steep, "reproduced"),
        (steep, gentle, "not reproduced"),
    ):
        rows = table(point, "wae-mmd")
        rows += table(gaussian, "wae-g", "wae-mmd", options={"encoder": "gaussian"})
        one = verdict(rows, "gaussian-encoders-degrade-less", "wae-g")
        assert one.verdict == word
        both = [np.log(it[32] / it[8]) for it in (gaussian, point)]
        assert one.estimates[0].value == pytest.approx(np.exp((both[0] - both[1]).mean()))


# Histories.


def history(values, system, quantity, dim=40):
    """Rows from values [seeds, epochs]."""
    return [
        {"dataset": "mnist", "system": system, "dim": dim, "seed": seed, "quantity": quantity}
        | {"epoch": epoch, "step": epoch * 10, "value": value}
        for seed, row in values.iterrows()
        for epoch, value in row.items()
    ]


def homoencoder(nats, ratio=None, epochs=60):
    about = {"dataset": "mnist", "true_dim": None, "options": {"likelihood": "bernoulli"}}
    distances = level(1.0, dims=[40])
    rows = cells(distances, "vhe", **about) + cells(distances, "vae", **about)
    told = [np.linspace(0, 1, epochs)] * 3
    told = pd.DataFrame(told, columns=range(1, epochs + 1)).add(pd.Series(NOISE), axis=0)
    lines = history(told * 0 + 100 + told, "vae", "autoencoder")
    lines += history(told + 100 + nats, "vhe", "autoencoder")
    if ratio is not None:
        start, end = ratio
        lines += history(start + (end - start) * told, "vhe", "gradient.z")
        lines += history(told * 0 + 1, "vhe", "gradient.c")
    return rows, pd.DataFrame(lines)


@pytest.mark.parametrize(("nats", "word"), [(-2.0, "reproduced"), (2.0, "not reproduced")])
def test_fewer_nats_at_the_last_epoch(nats, word):
    rows, told = homoencoder(nats)
    one = verdict(rows, "homoencoder-needs-fewer-nats", "vhe", told)
    assert one.verdict == word
    assert one.estimates[0].value == pytest.approx(nats)
    assert "epoch 60" in one.finding
    assert [(it.system, it.dim, it.seeds) for it in one.records] == [
        ("vhe", 40, (0, 1, 2)),
        ("vae", 40, (0, 1, 2)),
    ]


def test_no_history_a_short_one_or_a_lost_seed():
    rows, told = homoencoder(-2.0)
    claim = "homoencoder-needs-fewer-nats"
    assert verdict(rows, claim, "vhe").verdict == "not run"
    short = verdict(rows, claim, "vhe", told[told["epoch"] < 50])
    assert "49 of at least 50 epochs" in short.finding
    one = verdict(rows, claim, "vhe", told[(told["seed"] > 0) | (told["system"] == "vae")])
    assert one.verdict == "inconclusive"
    assert "vhe, m = 40, seed 0: no autoencoder in the history" in one.finding


def test_a_failed_cell_with_a_whole_history_is_left_out_and_rules_out_reproduced():
    rows, told = homoencoder(-2.0)
    for row in rows:
        if (row["system"], row["seed"]) == ("vhe", 2):
            row |= {"status": "diverged", "step": 600, "fid": None}
    one = verdict(rows, "homoencoder-needs-fewer-nats", "vhe", told)
    assert one.verdict == "inconclusive"
    assert one.records[0].seeds == (0, 1)
    assert "seed 2: diverged" in one.finding


@pytest.mark.parametrize(
    ("ratio", "epochs", "word"),
    [
        ((1.8, 1.0), 300, "reproduced"),
        ((1.0, 1.8), 300, "not reproduced"),
        ((1.8, 1.8), 300, "not reproduced"),
        ((1.8, 1.0), 60, "inconclusive"),
        ((1.8, 1.5), 60, "inconclusive"),
        ((1.0, 1.8), 60, "not reproduced"),
    ],
)
def test_the_ratio_falls(ratio, epochs, word):
    rows, told = homoencoder(0, ratio, epochs)
    one = verdict(rows, "homoencoder-ratio-falls", "vhe", told)
    assert one.verdict == word
    assert ("not the end" in one.finding) == (epochs < 300)


# The mask's course.


def course(counts, gaps, dims=(8, 12, 16)):
    """Records, and a history: by epoch so many mask values of .1 or more, and the critic's gap."""
    rows = cells(level(1.0, dims=dims), "mask-aae", dataset="synthetic-8")
    told = []
    for m in dims:
        epochs = range(1, len(counts) + 1)
        values = [np.array(gaps) * (1 + e * np.arange(len(gaps))) for e in NOISE]
        values = pd.DataFrame(values, columns=epochs)
        told += history(values, "mask-aae", "gap", m)
        for i in range(1, m + 1):
            kept = [[0.1 if i <= count else 0.09 for count in counts]] * 3
            mask = pd.DataFrame(kept, columns=epochs)
            told += history(mask, "mask-aae", f"mask.{i:03d}", m)
    return rows, pd.DataFrame(told).assign(dataset="synthetic-8")


@pytest.mark.parametrize(
    ("counts", "gaps", "word"),
    [
        ([12, 9, 8, 8], [0.2, -0.6, 0.1, -0.1], "reproduced"),
        ([12, 9, 8, 8], [0.2, -0.2, 0.4, -0.4], "not reproduced"),
        ([12, 8, 8, 8], [0.2, 0.1, 0.1, 0.4], "inconclusive"),
        ([12, 9, 8, 7], [0.4, 0.4, 0.4, 0.1], "inconclusive"),
        ([8, 8, 8, 8], [0.4, 0.4, 0.1, 0.1], "inconclusive"),
    ],
    ids=["falls", "grows", "stays", "never settles", "never changes"],
)
def test_the_distance_once_the_mask_has_settled(counts, gaps, word):
    rows, told = course(counts, gaps)
    one = verdict(rows, "distance-falls-when-the-mask-settles", "mask-aae", told)
    assert one.verdict == word
    start = counts.index(counts[-1])
    if counts[-2] == counts[-1] != counts[0]:
        assert {it.dim for it in one.records} == {12, 16}  # m > n = 8
        sizes = np.abs(gaps)
        expected = sizes[start:].mean() / sizes[:start].mean()
        assert one.estimates[0].value == pytest.approx(expected, rel=0.01)
        assert f"settled by epoch {start + 1}.00 to {start + 1}.00 of 4.00" in one.finding
    else:
        assert "no settling of mask in the history" in " ".join(one.failures)


def test_a_seed_whose_mask_does_not_settle_rules_out_reproduced():
    rows, told = course([12, 9, 8, 8], [0.2, 0.6, 0.1, 0.1])
    late = (told["seed"] == 1) & (told["quantity"] == "mask.001") & (told["epoch"] == 4)
    told.loc[late & (told["dim"] == 16), "value"] = 0.0
    one = verdict(rows, "distance-falls-when-the-mask-settles", "mask-aae", told)
    assert one.verdict == "inconclusive"
    assert one.failures == ("mask-aae, m = 16, seed 1: no settling of mask in the history",)
    assert verdict(rows, one.claim, "mask-aae").verdict == "not run"
