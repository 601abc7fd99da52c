"""The regression gate: exactness, chance, what is lost, its exit codes and its Markdown."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from records_for_report import cells, u_curve
from scipy import stats

from bench import cli, records
from bench.mistake import Mistake
from bench.report import compare, results
from bench.report.claims import Estimate, Verdict
from bench.report.compare import agreement, chance, charts, directions, verdicts
from bench.report.results import Results

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
DIMS = [2, 4, 6, 8, 12, 24]
METRICS = ["fid", "reconstruction", "latent_divergence", "nac"]


def table(seeds=5, noise=0.02, source=1, factor=1.0, system="aae", **more):
    """Records of one system."""
    return cells(u_curve(seeds=seeds, noise=noise, source=source) * factor, system, **more)


def found(then, now):
    return compare.compare(Results(records.frame(then)), Results(records.frame(now)))


def words(it, **where):
    """The words of the groups that are at a place."""
    rows = it.groups
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return rows["word"].tolist()


@pytest.fixture
def folders(tmp_path):
    """Two copies of a reference that has an environment, its history and three seeds."""
    for name in ("then", "now"):
        shutil.copytree(REFERENCE / "encoders", tmp_path / name)
    return tmp_path / "then", tmp_path / "now"


def edited(folder, change):
    """The folder, with its records changed in place."""
    rows = records.read(folder / "records.csv").to_dict("records")
    records.write(folder / "records.csv", change(rows))
    return folder


def ran(capsys, *arguments):
    """The exit code, and what was printed."""
    code = cli.main(["compare", *map(str, arguments)])
    return code, *capsys.readouterr()


# Exactly.


def one_digit(rows):
    row = next(it for it in rows if it["system"] == "wae-mmd" and it["dim"] == 8)
    row["fid"] = float(f"{row['fid'] * (1 + 2e-8):.9g}")
    return rows


def environment(folder, **values):
    """Change values in a folder's environment."""
    path = folder / "environment.json"
    told = json.loads(path.read_text())
    for described in told.values():
        described |= {name: {value: 6} for name, value in values.items()}
    path.write_text(json.dumps(told))


def test_the_same_bytes_are_the_same(folders, capsys):
    code, out, _ = ran(capsys, *folders)
    assert code == 0
    assert out.startswith("## The same\n")
    assert "digit by digit" in out


def test_one_digit_is_told_in_one_environment_and_is_chance_in_another(folders, capsys):
    then, now = folders
    edited(now, one_digit)
    code, out, _ = ran(capsys, then, now / "records.csv", "--markdown", now / "told.md")
    assert code == 1
    assert "| synthetic-8 · wae-mmd | 8 | fid |" in out
    assert "1 differ" in out
    assert (now / "told.md").read_text() == out
    environment(now, torch="9.9.9")
    code, out, _ = ran(capsys, then, now)
    assert code == 0
    assert "torch is 2.14.1 in the reference and 9.9.9 in the results" in out


@pytest.mark.parametrize("then", [None, {}])
def test_nobody_agrees_with_an_environment_that_was_not_recorded(then):
    assert agreement.disagreement(then, {"a": {"torch": {"2": 1}}})
    assert agreement.disagreement(None, None)


def test_two_values_of_one_environment_agree_with_nothing():
    mixed = {"a": {"threads": {"1": 3, "2": 3}}}
    assert "1 or 2" in agreement.disagreement(mixed, mixed)
    apart = {"a": {"threads": {"1": 3}}, "b": {"threads": {"2": 3}}}
    assert "1 or 2" in agreement.disagreement(apart, apart)
    one, more = ({"a": {"threads": {"1": curves}}} for curves in (3, 4))
    assert not agreement.disagreement(one, more)


def test_an_experiments_digit_is_told():
    frame = pd.DataFrame(
        {"experiment": "mmd", "seed": [0, 1], "quantity": "cost", "setting": [pd.NA, 8]}
        | {"value": [1.0, np.inf]}
    ).astype({"setting": "Int64"})
    alone = {"a": {"torch": {"2": 1}}}
    then = Results(records.frame(table()), environment=alone, experiments=frame)
    assert not compare.compare(then, then).regressed
    now = dataclasses.replace(then, experiments=frame.assign(value=[1.0, 2.0]))
    assert words(compare.compare(then, now), system="cost") == ["changed", "same"]
    gone = compare.compare(then, dataclasses.replace(then, experiments=None))
    assert words(gone, system="cost") == ["lost", "lost"]


# What cannot be compared.


def other(**values):
    return lambda rows: [row | values for row in rows]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other(study="other"), "study of the reference is encoders, of the results other"),
        (other(samples=77), "samples is 10000 in the reference and 77 in the results"),
        (lambda rows: [row | {"seed": row["seed"] + 9} for row in rows], "no cell in common"),
        (
            lambda rows: [row | ({"steps": 7} if row["steps"] == 3000 else {}) for row in rows],
            "steps is 3000 in the reference and 7",
        ),
    ],
)
def test_what_cannot_be_compared_ends_with_2_and_one_line(folders, capsys, change, told):
    edited(folders[1], change)
    code, out, error = ran(capsys, *folders)
    assert (code, out) == (2, "")
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("column", ["data", "extractor"])
def test_other_data_or_features_cannot_be_compared_where_they_are_recorded(column):
    then = [row | {column: "a"} for row in table()]
    with pytest.raises(Mistake, match=f"{column} is a in the reference and b in the results"):
        found(then, [row | {column: "b"} for row in table()])
    assert not found(then, table()).regressed


def test_no_records_end_with_2(folders, capsys):
    for path in (folders[1] / "absent.csv", folders[1] / "environment.json"):
        code, _, error = ran(capsys, folders[0], path)
        assert code == 2
        assert path.name in error
        assert error.count("\n") == 1


def test_one_seed_and_another_environment_cannot_be_compared():
    with pytest.raises(Mistake, match="chance two seeds"):
        found(table(seeds=1), table(seeds=1))


# What is lost, and what is new.


def test_a_cell_that_is_not_done_any_more_is_a_regression():
    lost = table(diverged={(8, 3): 50, (8, 4): 60})
    it = found(table(), lost)
    assert it.regressed
    assert "3 of 5 seeds, 5 in the reference" in compare.markdown(it)
    assert "| 2 diverged |" in compare.markdown(it)
    absent = [row for row in table() if (row["dim"], row["seed"]) != (8, 3)]
    it = found(table(), absent)
    assert it.regressed
    assert "4 of 5 seeds, 5 in the reference" in compare.markdown(it)
    back = found(lost, table())
    assert back.improved
    assert not back.regressed


def test_new_and_always_failing_cells_are_told_and_raise_no_alarm():
    lost = {(8, 3): 50}
    now = table(diverged=lost) + table(system="wae-mmd", source=2)
    it = found(table(diverged=lost), now)
    assert (it.regressed, it.improved) == (False, False)
    told = compare.markdown(it)
    assert "made-up · wae-mmd | 8 | new | 5 of 5 seeds, 0 in the reference" in told
    assert "made-up · aae | 8 | failed | 4 of 5 seeds, 4 in the reference" in told


def test_a_number_that_no_seed_has_any_more_is_lost():
    now = [row | {"nac": None} if row["dim"] == 8 else row for row in table()]
    it = found(table(), now)
    assert words(it, metric="nac", dim=8) == ["lost"]
    assert it.regressed


# By chance.


def test_p_values_are_those_of_students_tests():
    then, now = table(noise=0.1), table(noise=0.1, source=2)
    rows = found(then, now).groups
    row = rows[(rows["metric"] == "fid") & (rows["dim"] == 8)]
    x, y = (
        [it["fid"] for it in sorted(side, key=lambda it: it["seed"]) if it["dim"] == 8]
        for side in (then, now)
    )
    smaller = min(stats.ttest_ind(x, y).pvalue, stats.ttest_rel(y, x).pvalue)
    assert chance.p_values(row.drop(columns="word"))[0] == pytest.approx(
        min(1, 2 * smaller), rel=1e-12
    )


def test_counts_have_at_least_the_variance_of_rounding():
    row = {"metric": "discovered_units", "count_then": 5, "count_now": 5, "pairs": 5}
    row |= {"mean_then": 8.0, "mean_now": 9.0, "mean_pairs": 1.0, "differing": 5}
    row |= {"variance_then": 0.0, "variance_now": 0.0, "variance_pairs": 0.0}
    samples = 2 * stats.t.sf(1 / np.sqrt(2 / 12 / 5), 8)
    assert chance.p_values(pd.DataFrame([row]))[0] == pytest.approx(2 * samples)


def test_adjusted_p_values_are_benjamini_and_hochbergs():
    p = chance.adjusted(np.array([0.01, np.nan, 0.02, 0.9]))
    np.testing.assert_allclose(p, [0.03, np.nan, 0.03, 0.9])


@pytest.mark.parametrize(("factor", "word"), [(1.03, "same"), (1.08, "worse"), (0.92, "better")])
def test_an_effect_below_the_floor_raises_no_alarm(factor, word):
    it = found(table(noise=1e-4), table(noise=1e-4, source=2, factor=factor))
    assert set(words(it, metric="fid")) == {word}
    assert (it.regressed, it.improved) == (word == "worse", word == "better")


def test_every_measured_column_has_a_direction():
    start = list(records.COLUMNS).index("caution")
    measured = {name for name, kind in records.COLUMNS.items() if kind == "Float64"}
    assert measured <= set(directions.BETTER) <= {*list(records.COLUMNS)[start:]}


@pytest.fixture(scope="module")
def moments():
    """Two systems' records, with the mean and deviation over five seeds of all their metrics."""
    table = results.read(REFERENCE / "synthetic" / "records.csv").records
    table = table[(table["dataset"] == "synthetic-8") & table["system"].isin(["aae", "wae-mmd"])]
    table = table[table["dim"].isin(DIMS)].reset_index(drop=True)
    by = table[METRICS].astype(float).groupby([table["system"], table["dim"]])
    return table, by.transform("mean"), by.transform("std")


def study(moments, random, *worse):
    """Records of the same distributions, whose metrics are correlated, 20 % worse where asked."""
    table, mean, deviation = moments
    common = random.standard_normal((len(table), 1))
    noise = 0.6 * common + 0.8 * random.standard_normal(mean.shape)
    values = (mean + deviation * noise).astype("Float64")
    for where in worse:
        values.loc[where, "fid"] *= 1.2
    return Results(table.assign(**values))


def test_null_studies_raise_few_false_alarms(moments):
    random = np.random.default_rng(8)
    alarms = 0
    for _ in range(100):
        it = compare.compare(study(moments, random), study(moments, random))
        alarms += it.regressed or it.improved
    assert alarms <= 5


@pytest.mark.parametrize(("system", "dims"), [("wae-mmd", [8]), ("aae", DIMS)])
def test_a_distance_20_percent_worse_is_caught(moments, system, dims, monkeypatch):
    # What is counted is the alarm on the distance, so verdicts need not be judged.
    monkeypatch.setattr("bench.report.compare.comparison.changes", lambda *_, **__: [])
    random, caught = np.random.default_rng(9), 0
    where = (moments[0]["system"] == system) & moments[0]["dim"].isin(dims)
    for _ in range(30):
        it = compare.compare(study(moments, random), study(moments, random, where))
        caught += "worse" in words(it, system=system, metric="fid")
    assert caught >= 27


# Verdicts.


def judged(monkeypatch, then, now, exactly):
    """The changes between two lists of verdicts."""
    sides = iter([then, now])
    monkeypatch.setattr(verdicts, "judge", lambda *_: next(sides))
    side = Results(records.frame([]))
    return verdicts.changes(side, side, exactly)


def verdict(word, low, high, system="aae"):
    estimate = Estimate("loss", (low + high) / 2, low, high, 0.95, (8,), (0, 1, 2))
    return Verdict("u-shape", "made-up", system, word, "", estimates=(estimate,))


@pytest.mark.parametrize(
    ("then", "now", "exactly", "alarm"),
    [
        (("reproduced", 1, 2), ("not reproduced", 0, 1.5), False, True),
        (("reproduced", 1, 2), ("inconclusive", 0, 1.5), True, True),
        (("reproduced", 1, 2), ("inconclusive", 0, 1.5), False, False),
        (("reproduced", 1, 2), ("inconclusive", 0, 0.5), False, True),
        (("inconclusive", 0, 1), ("reproduced", 1, 2), False, False),
        (("not reproduced", 0, 1), ("not run", 1, 2), True, False),
    ],
)
def test_a_verdict_lost_is_a_regression_but_for_noise(monkeypatch, then, now, exactly, alarm):
    (it,) = judged(monkeypatch, [verdict(*then)], [verdict(*now)], exactly)
    assert (it.then, it.now, it.alarm) == (then[0], now[0], alarm)


def test_a_verdict_that_nobody_gives_any_more_was_not_run(monkeypatch):
    (it,) = judged(monkeypatch, [verdict("reproduced", 1, 2)], [], False)
    assert (it.now, it.alarm) == ("not run", True)
    said_once = dataclasses.replace(verdict("not run", 1, 2), system=None)
    told = judged(monkeypatch, [verdict("not run", 1, 2)], [said_once], False)
    assert told == []


def test_what_was_said_once_is_compared_by_system_and_new_verdicts_are_told(monkeypatch):
    said_once = dataclasses.replace(verdict("not run", 1, 2), system=None)
    now = [verdict("reproduced", 1, 2, it) for it in ("aae", "wae-mmd")]
    for then in ([said_once], []):
        told = judged(monkeypatch, then, now, False)
        assert [(it.system, it.then, it.now) for it in told] == [
            ("aae", "not run", "reproduced"),
            ("wae-mmd", "not run", "reproduced"),
        ]
    told = judged(monkeypatch, now, [said_once], False)
    assert [(it.system, it.alarm) for it in told] == [("aae", True), ("wae-mmd", True)]


# What is written.


def test_the_worst_comes_first_and_everything_fits_a_pull_request():
    then = results.read(REFERENCE / "synthetic" / "records.csv")
    worse = then.records.copy()
    worse["fid"] = worse["fid"] * np.where(worse["dim"].fillna(0) == 8, 3.0, 1.5)
    worse.loc[worse["dim"] == 20, ["status", *METRICS]] = ["diverged"] + [pd.NA] * 4
    it = compare.compare(then, dataclasses.replace(then, records=worse))
    told = compare.markdown(it)
    assert len(told) < 65_000
    assert told.startswith("## Regression\n")
    assert "more." in told
    alarms = it.alarms["relative"].abs()
    assert (alarms.diff().dropna() <= 0).all()
    assert told.index("+200%") < told.index("+50%")


def test_charts_share_a_scale():
    assert charts.sparks([1, 2, 4], [1, 8, np.nan]) == ["▁▃▆", "▁█·"]
    assert charts.sparks([-1, 0, 1]) == ["▁▅█"]
    assert charts.sparks([3, 3], [np.inf, 3]) == ["▁▁", "·▁"]
    assert charts.sparks([np.nan]) == ["·"]


def test_update_rewrites_the_reference(folders, capsys):
    then, now = folders
    edited(now, one_digit)
    (now / "history.csv").unlink()
    code, out, _ = ran(capsys, then, now, "--update")
    assert code == 0
    assert "| synthetic-8 · wae-mmd | 8 | fid |" in out
    assert f"written: {then / 'records.csv'}" in out
    assert (then / "records.csv").read_bytes() == (now / "records.csv").read_bytes()
    assert not (then / "history.csv").exists()
    assert ran(capsys, then, now)[0] == 0


def test_update_makes_a_first_reference_and_takes_another_study(folders, capsys):
    then, now = folders
    first = then.parent / "first"
    assert ran(capsys, first, now, "--update")[0] == 0
    kept = {"records.csv", "history.csv", "environment.json"}
    assert {it.name for it in first.iterdir()} == kept
    edited(now, other(study="other"))
    code, out, _ = ran(capsys, first, now, "--update")
    assert code == 0
    assert "cannot compare" in out
    assert ran(capsys, first, now)[0] == 0


def test_comparing_needs_no_torch():
    code = "import sys, bench.cli, bench.report.compare; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
