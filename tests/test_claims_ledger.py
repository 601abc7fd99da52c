"""The ledger: every claim is whole, a new one is one file, and mistakes in one are told."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from records_for_report import cells, curve

from bench import records
from bench.mistake import Mistake
from bench.report import claims
from bench.report.claims import forms

FOLDER = Path(claims.__file__).with_name("ledger")

TOY = """
source: {authors: Toy, title: Better than a toy, place: figure 0}
statement: The toy is better than the VAE.
form: better-than
about: {bases: [toy]}
column: fid
better: lower
dims: all
against: {bases: [vae]}
statistic: The difference.
test: It lies below 0.
threshold: 0
fewest_seeds: 3
"""


def test_every_claim_has_a_form_a_threshold_and_words():
    for claim in claims.ledger():
        assert claim["form"] in forms.names()
        assert re.fullmatch(r"[a-z0-9-]+", claim["id"])
        for word in ("Reproduced:", "Not reproduced:", "Inconclusive otherwise"):
            assert word in claim["test"], claim["id"]
        assert claim["fewest_seeds"] >= 3
        if claim["about"].get("bases") == ["mask-aae"]:
            assert "“centred”" in claim["note"]


def test_every_form_has_a_claim():
    assert {claim["form"] for claim in claims.ledger()} == set(forms.names())


def test_the_order_is_by_source_and_name():
    found = [(it["source"]["authors"], it["source"]["title"], it["id"]) for it in claims.ledger()]
    assert found == sorted(found)
    assert {it["id"] for it in claims.ledger()} == {path.stem for path in FOLDER.glob("*.yaml")}


def test_a_new_claim_is_one_file(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "ledger")
    (tmp_path / "ledger" / "toy-is-better.yaml").write_text(TOY)
    toy, vae = curve(*[[1, 1, 1, 1, 1 + e] for e in (0, 0.1, 0.2)]), curve(*[[2] * 5] * 3)
    rows = cells(toy, "toy") + cells(vae, "vae")
    table = records.frame(rows)
    found = claims.judge(table, folder=tmp_path / "ledger")
    (one,) = (it for it in found if it.claim == "toy-is-better")
    assert (one.system, one.verdict, one.seeds) == ("toy", "reproduced", (0, 1, 2))
    assert [it for it in found if it.claim != "toy-is-better"] == claims.judge(table)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("threshold: 0", "threshold: little", "threshold: found 'little'; allowed: a number"),
        ("threshold: 0\n", "", "threshold: found nothing; allowed: a number"),
        ("form: better-than", "form: best", "form: found 'best'; allowed: one of better-than, "),
        ("column: fid", "column: fidd", "column: found 'fidd'"),
        ("column: fid\n", "", "column: found nothing"),
        ("better: lower", "better: greener", "allowed: lower or higher"),
        ("dims: all", "dims: some", "dims: found 'some'; allowed: all, largest, from-n"),
        ("bases: [toy]", "base: [toy]", "about"),
        ("threshold: 0", "threshold: 0\nlevel: 1", "level: found an unknown key"),
        ("threshold: 0", "threshold: 0\nthreshold: 1", "the key again"),
        ("form: better-than", "form: u-shape", "found an unknown key"),
        ("source: {authors: Toy", "source: {author: Toy", "source"),
    ],
)
def test_a_mistake_in_a_claim_names_file_and_key(tmp_path, old, new, words):
    assert old in TOY
    (tmp_path / "toy.yaml").write_text(TOY.replace(old, new))
    with pytest.raises(Mistake, match=re.escape(words)) as error:
        claims.ledger(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'toy.yaml'}: ")


def test_a_claim_that_is_no_mapping_is_refused(tmp_path):
    (tmp_path / "toy.yaml").write_text("- 1")
    with pytest.raises(Mistake, match=r"toy\.yaml: the file: found \[1\]"):
        claims.ledger(tmp_path)


def test_the_threshold_of_the_prior_is_that_of_two_sets_of_prior_draws():
    # The standard deviation of the MMD between N prior draws and N others, sqrt(8 E k²) / N for the
    # centred kernel k, by Gretton et al., A Kernel Two-Sample Test, 2012, theorem 12's variance.
    rng, scales = np.random.default_rng(0), np.array([0.1, 0.2, 0.5, 1, 2, 5, 10])
    x = rng.normal(size=(800, 2))
    squares = ((x[:, None] - x[None]) ** 2).sum(-1)
    kernel = sum(4 * s / (4 * s + squares) for s in scales)
    np.fill_diagonal(kernel, np.nan)
    rows = np.nanmean(kernel, 1)
    centred = kernel - rows[:, None] - rows + np.nanmean(kernel)
    deviation = np.sqrt(8 * np.nanmean(centred**2)) / 2000
    path = FOLDER / "encoders-match-the-prior.yaml"
    threshold = yaml.safe_load(path.read_text(encoding="utf-8"))["threshold"]
    assert 4 < threshold / deviation < 5
