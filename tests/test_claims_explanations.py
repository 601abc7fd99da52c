"""Explanations of what was not reproduced: read strictly, shown where they belong, all there."""

import json
import re
from pathlib import Path

import pytest
from records_for_report import cells, curve

from bench import records, study
from bench.mistake import Mistake
from bench.report import claims, results
from bench.report.claims import explanations

ROOT = Path(__file__).parents[1]
SYNTHETIC = ROOT / "results" / "reference" / "synthetic" / "records.csv"
REFERENCE = sorted((ROOT / "results" / "reference").glob("*/records.csv"))
CLAIMS = [claim["id"] for claim in claims.ledger()]
ENTRY = "- {claim: u-shape, dataset: mnist, system: aae, text: Too short a training.}\n"


def by_verdict(table):
    return {(it.claim, it.dataset, it.system): it for it in claims.judge(table)}


def falling(study="toy"):
    """Distances of two systems that only fall with m: no U for either."""
    rows = []
    for system in ("aae", "wae-mmd"):
        values = curve(*[[9, 7, 5, 3, 1 + e] for e in (0, 0.01, 0.02)])
        rows += cells(values, system, dataset="mnist", true_dim=8, study=study)
    return records.frame(rows)


def test_the_explanation_joins_its_verdict_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(explanations, "FOLDER", tmp_path)
    before = by_verdict(falling())
    key = ("u-shape", "mnist", "aae")
    assert before[key].verdict == before["u-shape", "mnist", "wae-mmd"].verdict == "not reproduced"
    assert not any(it.explanation for it in before.values())
    other = next(key for key, it in before.items() if it.verdict != "not reproduced" and key[2])
    text = ENTRY + ENTRY.replace("u-shape", other[0]).replace("aae", other[2])
    (tmp_path / "toy.yaml").write_text(text)
    after = by_verdict(falling())
    assert [key for key, it in after.items() if it.explanation] == [key]
    assert after[key].explanation == "Too short a training."
    claims.write(falling(), tmp_path / "claims.json")
    verdicts = json.loads((tmp_path / "claims.json").read_text())["verdicts"]
    assert [it["explanation"] for it in verdicts if it["explanation"]] == ["Too short a training."]
    assert not any(it.explanation for it in by_verdict(falling("other")).values())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("u-shape", "v-shape", "[0].claim: found 'v-shape'; allowed: one of "),
        ("mnist", "mnits", "[0].dataset: found 'mnits'; allowed: one of "),
        ("text", "texts", "[0].texts: found an unknown key"),
        (
            ", dataset: mnist",
            "",
            "[0].dataset: found nothing; allowed: the name of a data set or an",
        ),
        ("Too short a training.", "''", "[0].text: found ''; allowed: text"),
        ("- ", "", "the file: found {"),
        (ENTRY, ENTRY + ENTRY, "[1]: found u-shape · mnist · aae again; allowed: every verdict"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path, old, new, words):
    assert old in ENTRY
    (tmp_path / "toy.yaml").write_text(ENTRY.replace(old, new))
    with pytest.raises(Mistake, match=re.escape(f"{tmp_path / 'toy.yaml'}: {words}")):
        explanations.read(["toy"], CLAIMS, tmp_path)


def test_explanations_are_of_studies_that_there_are():
    names = {path.stem for path in (ROOT / "workflow" / "config").glob("*.yaml")}
    assert {path.stem for path in explanations.FOLDER.iterdir()} <= names


def default_study():
    """The records of the default study: cells of the whole synthetic grid, trained alike."""
    whole = records.read(SYNTHETIC)
    it = study.read(ROOT / "workflow" / "config" / "default.yaml")
    ((dataset, dims),) = it.datasets.items()
    own = whole["dim"].isna() | (whole["dim"].isin(dims) & whole["system"].isin(it.systems))
    return whole[own & (whole["dataset"] == dataset)].assign(study=it.name)


@pytest.mark.parametrize(
    "path", [*REFERENCE, None], ids=lambda it: it.parent.name if it else "default"
)
def test_what_the_reference_records_do_not_reproduce_is_explained(path):
    """And nothing else: an explanation whose verdict has changed is stale."""
    table = records.read(path) if path else default_study()
    (name,) = table["study"].unique()
    told = results.training(path) if path else None
    # The default study has the experiments of the synthetic one, and the same seeds.
    numbers = results.experiments(path or SYNTHETIC)
    wanted = {
        (it.claim, it.dataset, it.system)
        for it in claims.judge(table, told, numbers)
        if it.verdict == "not reproduced"
    }
    assert set(explanations.read([name], CLAIMS)) == wanted
