"""What records tell of where they come from, which of them are not joined, and what jobs took."""

import json
import re

import pandas as pd
import pytest
from records_for_report import cells, controls, u_curve

from bench import cli, costs, environment, evaluation, provenance, records, runs, study
from bench.mistake import Mistake
from bench.mixed import mixtures
from bench.report import page
from bench.report.results import Results
from bench.shelf import Shelf

STUDY = """
name: tiny
seeds: [0, 1]
datasets: {synthetic-8: {dims: [2, 4]}}
systems: {vae: {}, pca: {}}
net: {kind: mlp, hidden: [8]}
training: {steps: 2}
evaluation: {samples: 50}
"""
MADE = ["cell", "code", "environment", "threads", "device", "data", "extractor"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The study, its shelf, and the records of a curve and of the controls."""
    folder = tmp_path_factory.mktemp("tiny")
    path = folder / "tiny.yaml"
    path.write_text(STUDY)
    it = study.read(path)
    runs.train(it, "synthetic-8", "vae", 0, [2, 4], None, folder / "vae", folder / "cells")
    rows = evaluation.evaluate_curve(it, "synthetic-8", "vae", 0, folder / "vae")
    return path, Shelf(folder / "cells"), rows, evaluation.evaluate_controls(it, "synthetic-8")


def test_a_record_names_its_cell_on_the_shelf_and_all_that_made_it(measured):
    _, shelf, rows, of_controls = measured
    (manifest, _) = kept = sorted(shelf.root.glob("*/*/cell.json"))
    assert {row["cell"] for row in rows} == {path.parent.name[:16] for path in kept}
    determined = json.loads(manifest.read_text())["determined"]
    here = environment.digest(environment.describe())
    for row in rows + of_controls:
        assert row["environment"] == here == environment.digest(determined["environment"])
        assert (row["threads"], row["device"]) == (1, "cpu")
        for name in ("data", "extractor"):
            assert re.fullmatch("[0-9a-f]{16}", row[name])
    assert len({row["data"] for row in rows + of_controls}) == 1
    trainer, system, measurement = rows[0]["code"].split("-")
    assert len({trainer, system, measurement}) == 3
    assert {row["code"] for row in of_controls} == {measurement}
    assert not any("cell" in row for row in of_controls)
    table = records.frame(rows + of_controls)
    assert mixtures(table) == []
    cells_only = table[table["dim"].notna()]
    assert cells_only[MADE].notna().all(axis=None)


def test_measured_in_another_environment_than_trained_names_both(measured):
    cell = {"key": "k" * 64, "made": {"code": "a-b", "environment": "other", "data": "d"}}

    class Extractor:
        identity = "raw"

    here = environment.digest(environment.describe())
    assert provenance.of_cell(cell, Extractor)["environment"] == f"other+{here}"


def told(rows, **made):
    """Rows with what they come of, of which controls have less."""
    made = {"code": "1-2-3", "environment": "a", "data": "d", "extractor": "e"} | made
    return [
        row | made | ({} if "dim" in row else {"code": made["code"].rpartition("-")[2]})
        for row in rows
    ]


def test_what_differs_is_named_and_a_systems_own_code_may():
    one, two = cells(u_curve(), "aae"), cells(u_curve(), "wae-mmd")
    whole = told(one) + told(two, code="1-4-3") + told(controls())
    assert mixtures(records.frame(whole)) == []
    lost = [row | {"status": "failed"} for row in cells(u_curve(seeds=1), "pca")]
    assert mixtures(records.frame(whole + lost)) == []
    for changed, found in (
        ({"environment": "b"}, "different environments: a (30 records), b (6 records)"),
        ({"environment": "a+b"}, "different environments: a (36 records), b (15 records)"),
        ({"code": "7-2-3"}, "different code of the trainer: 1 (15 records), 7 (15 records)"),
        ({"code": "1-2-7"}, "different code of the measurement: 3 (15 records), 7 (21 records)"),
        ({"data": "f"}, "different data of made-up: d (21 records), f (15 records)"),
        ({"extractor": "f"}, "different features of made-up, protocol main: e (21 r"),
    ):
        rows = told(one) + told(two, **{"code": "1-4-3"} | changed) + told(controls())
        if changed == {"environment": "b"}:
            rows = told(one) + told(two, code="1-4-3") + told(controls(), **changed)
        if "code" in changed:
            rows = told(one) + told(two, **changed) + told(controls(), code=changed["code"])
            if changed["code"] == "1-2-7":
                assert mixtures(records.frame(rows))[0].startswith(found)
                continue
        assert any(it.startswith(found) for it in mixtures(records.frame(rows))), found
    half = [row | {"code": "1-5-3"} if row["seed"] == 2 else row for row in told(one)]
    (text,) = mixtures(records.frame(half))
    assert text == "different code of aae: 2 (10 records), 5 (5 records)"
    pairs = told(one, code="1-2+8-3"), told(cells(u_curve(), "other", "aae"), code="1-2+9-3")
    assert mixtures(records.frame(sum(pairs, []))) == []
    pairs[1][0]["code"] = "1-2+8-3"
    (text,) = mixtures(records.frame(sum(pairs, [])))
    assert text == "different code of other and its stage: 2+8 (1 records), 2+9 (14 records)"
    (text, *_) = mixtures(records.frame(told(one) + two))
    assert text == "different environments: a (15 records), unrecorded (15 records)"


def test_mixed_records_are_refused_or_joined_on_demand_and_the_report_says_so(
    measured, tmp_path, capsys
):
    path, _, rows, _ = measured
    other = [row | {"seed": 1, "environment": "e" * 16} for row in rows]
    for name, some in (("a", rows), ("b", other)):
        records.write(tmp_path / f"{name}.csv", some)
    out = tmp_path / "records.csv"
    command = ["collect", str(path), str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert cli.main([*command, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "different environments: " in error
    assert f"{'e' * 16} (2 records)" in error
    assert "--allow-mixed" in error
    assert not out.exists()
    assert cli.main([*command, "--allow-mixed", "--out", str(out)]) == 0
    assert "different environments: " in capsys.readouterr().err
    page.write(Results(records.read(out)), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.index("Mixed records.") < text.index('id="verdicts"')
    page.write(Results(records.frame(rows)), tmp_path / "report.html")
    assert "Mixed records." not in (tmp_path / "report.html").read_text()


def test_a_cell_whose_job_failed_or_was_stopped_is_a_row_that_says_so(measured, tmp_path, capsys):
    path, _, rows, _ = measured
    records.write(tmp_path / "a.csv", rows)
    for name, last in (
        ("train/synthetic-8/vae/1.log", "bench: stopped: by signal SIGTERM"),
        ("evaluate/synthetic-8/pca/0/main.log", "bench: error: a mistake"),
        ("train/synthetic-8/pca/1.log", "all went well"),
    ):
        log = tmp_path / "logs" / name
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"something\n{last}\n")
    out = tmp_path / "records.csv"
    command = ["collect", str(path), str(tmp_path / "a.csv"), "--logs", str(tmp_path / "logs")]
    assert cli.main([*command, "--out", str(out)]) == 0
    assert "2 of 8 records are timed-out\n" in capsys.readouterr().err
    table = records.read(out).set_index(["system", "seed"])["status"]
    found = {key: set(table.loc[key]) for key in table.index}
    assert found == {
        ("vae", 0): {"done"},
        ("vae", 1): {"timed-out"},
        ("pca", 0): {"failed"},
        ("pca", 1): {"missing"},
    }
    page.write(Results(records.read(out)), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "timed-out 1/2" in text
    assert (
        "Not every mean is over all seeds: pca: 0 of 2 seeds; vae: 1 of 2 seeds at m = 2, 4."
        in text
    )
    assert "synthetic-8: pca: all 4 cells failed or missing" in text
    # The table that was joined can be joined again.
    again = ["collect", str(path), str(out), "--out", str(tmp_path / "again.csv")]
    assert cli.main(again) == 0
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()


def test_what_jobs_took_is_joined_and_shown(measured, tmp_path):
    path, _, rows, _ = measured
    header = "s\th:m:s\tmax_rss\tmax_vms\tmean_load\n"
    for name, line in (
        ("train/synthetic-8/vae/0", "7200.5\t2:00:00\t512.25\t1\t1"),
        ("evaluate/synthetic-8/vae/0/main", "0.25\t0:00:00\t-\t-\t0"),
        ("train/synthetic-8/gone/0", "1\t0:00:01\t1\t1\t1"),
    ):
        file = tmp_path / "benchmarks" / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(header + line + "\n")
    out = tmp_path / "costs.csv"
    assert cli.main(["costs", str(path), str(tmp_path / "benchmarks"), "--out", str(out)]) == 0
    assert out.read_text().splitlines()[1:] == [
        "evaluate,synthetic-8,vae,0,main,0.25,",
        "train,synthetic-8,vae,0,,7200.5,512.25",
    ]
    by_stage = costs.by_stage(costs.read(out))
    assert [it["peak"] for it in by_stage] == [None, 512.25]
    page.write(Results(records.frame(rows), costs=costs.read(out)), tmp_path / "report.html")
    assert (
        '<th scope="row">train</th><td>1</td><td>2.00</td>'
        in (tmp_path / "report.html").read_text()
    )
    file.write_text("nothing\n")
    file.rename(tmp_path / "benchmarks" / "train" / "synthetic-8" / "vae" / "0.tsv")
    with pytest.raises(Mistake, match=r"0\.tsv: not a benchmark"):
        costs.collect(study.read(path), tmp_path / "benchmarks")
    pd.DataFrame(columns=["a"]).to_csv(out)
    with pytest.raises(Mistake, match=r"costs\.csv"):
        costs.read(out)
