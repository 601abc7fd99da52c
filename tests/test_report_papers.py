"""Papers' tables: which of our cells stand beside a published number, ranks, bold type, files."""

import numpy as np
import pandas as pd
import pytest
import yaml
from records_for_report import cells, missing

from bench import published, records
from bench.report import beside, papers, tables
from bench.report.curves import grids

CLASSIFIER = {"dataset": "mnist", "true_dim": None, "features": "classifier", "samples": 10000}
VAES = {
    "bernoulli": ({"likelihood": "bernoulli"}, 9.0),
    "fixed": ({"likelihood": "gaussian", "gamma": 1.0}, 5.0),
    "learned": ({}, 7.0),
}


def at(*distances, m=16):
    return pd.DataFrame({m: distances})


def study(**how):
    """Three VAEs, a MaskAAE that is best by far, and one of WAE-MMD's two encoders."""
    how = CLASSIFIER | how
    rows = []
    for label, (options, d) in VAES.items():
        rows += cells(at(d, d + 0.1, d - 0.1), label, "vae", options=options, **how)
    counts = at(6, 6, 7)
    rows += cells(at(1.0, 1.1, 1.2), "mask-aae", counts=counts, **how)
    rows += cells(at(3.0, 3.1, 3.2), "aae", **how)
    options = {"encoder": "gaussian"}
    return rows + cells(at(2.0, 2.1, 2.2), "noisy", "wae-mmd", options=options, **how)


def found(rows):
    return {one.id: one for one in papers.papers(grids(records.frame(rows)))}


def block(paper, place=0):
    return paper.parts[place][1]


def texts(block):
    return {
        row.label: {column: entry.text for column, entry in row.entries.items()}
        for row in block.rows
    }


def test_published_beside_ours():
    table = block(found(study())["two-stage-vae-1"])
    rows = texts(table)
    assert rows["VAE, cross-entropy"] == {
        "published": "16.6 ± 0.4",
        "its rank": "1",
        "our rank": "3",
        "ours, classifier features": "9.00 ± 0.25",
        "m": "16 (published: 64)",
        "seeds": "3",
        "label": "bernoulli",
    }
    assert rows["WAE-MMD"]["published"] == "115.0 ± 1.1"
    # The gaussian encoder is not the paper's; GANs have no base.
    for name in ("WAE-MMD", "BEGAN", "2-Stage VAE"):
        assert rows[name]["ours, classifier features"] == "not run"
        assert {"our rank", "its rank", "m", "seeds", "label"}.isdisjoint(rows[name])
    assert [rows[name]["label"] for name in rows if "label" in rows[name]] == list(VAES)
    assert len(rows) == 13


def test_other_features_are_another_scale_and_inceptions_are_not():
    other = block(found(study())["two-stage-vae-1"])
    assert "two scales, whose values cannot be compared" in other.caption
    same = block(found(study(features="inception", resizer="bilinear"))["two-stage-vae-1"])
    assert "ours" in same.dims
    assert "cannot be compared" not in same.caption
    assert "does not carry over from one protocol to another" in same.caption


def test_marks_of_confidence_are_wherever_a_number_is():
    mask = found(study())["mask-aae-1"]
    rows = texts(block(mask))
    assert rows["MaskAAE"]["published"] == "10.5 (unverified)"
    assert rows["VAE, fixed γ"]["published"] == "52.0 ± 0.6 (inferred)"
    assert "unverified: not checked" in block(mask).caption
    assert "rest on the marked numbers" in block(mask).caption
    rest = texts(block(mask, 1))
    assert rest["MaskAAE"]["celeba-128"] == "40.5 (unverified); ours: not run"
    assert rest["VAE + flow"]["cifar10"] == "81.2 ± 2.0 (inferred); ours: not run"
    assert mask.parts[1][0] == "fashion-mnist, cifar10, celeba-128"
    assert set(mask.numbers["confidence"]) == {"inferred", "unverified"}


def test_ranks_are_among_the_systems_that_were_run():
    rows = texts(block(found(study())["mask-aae-1"]))
    ranks = {
        name: (own["its rank"], own["our rank"]) for name, own in rows.items() if "our rank" in own
    }
    # WAE-GAN (12.4) and the 2-Stage VAE (12.6) were not run: 16.6 is the second of those that were.
    assert ranks == {
        "MaskAAE": ("1", "1"),
        "VAE, cross-entropy": ("2", "4"),
        "VAE, fixed γ": ("3", "2"),
        "VAE, learned γ": ("4", "3"),
    }


def test_a_system_of_several_labels_is_not_ranked_and_has_a_row_each():
    options = {"mask_loss": "paper"}
    more = cells(at(4.0, 4.0, 4.0), "mask-paper", "mask-aae", options=options, **CLASSIFIER)
    rows = texts(block(found(study() + more)["mask-aae-1"]))
    assert rows["MaskAAE (mask-aae, m = 16)"]["ours, classifier features"] == "1.10 ± 0.25"
    assert "our rank" not in rows["MaskAAE (mask-paper, m = 16)"]
    assert rows["VAE, cross-entropy"]["its rank"] == "1"


@pytest.mark.parametrize(
    ("wanted", "dims", "taken"),
    [(64, [2, 16, 48], [48]), (12, [8, 16], [8]), (16, [8, 16], [16]), (pd.NA, [8, 16], [8, 16])],
)
def test_the_nearest_dimension_is_taken_and_all_where_none_is_known(wanted, dims, taken):
    numbers = (
        published.read().iloc[:1].assign(base="aae", options=pd.NA, dim=pd.array([wanted], "Int64"))
    )
    rows = sum((cells(at(1.0, 2.0, m=m), "aae", **CLASSIFIER) for m in dims), [])
    (grid,) = grids(records.frame(rows))
    assert [line.dim for line in beside.beside(numbers, grid)] == taken


def best(rows):
    return [row.label for row in block(found(rows)["mask-aae-1"]).rows
            if any(entry.best for entry in row.entries.values())]  # fmt: skip


def test_bold_only_where_the_difference_from_the_second_is_beyond_its_interval():
    assert best(study()) == ["MaskAAE"]
    near = [row for row in study() if row["system"] != "mask-aae"]
    near += cells(at(1.0, 9.0, 4.0), "mask-aae", **CLASSIFIER)
    assert np.mean([1, 9, 4]) < 5  # the smallest mean all the same
    assert best(near) == []


def test_what_failed_and_what_is_missing():
    lost = {(16, seed): 5 for seed in range(3)}
    rows = study() + cells(at(1.0, 1.0, 1.0), "two-stage-vae", diverged=lost, **CLASSIFIER)
    gone = missing("flow-vae", dims=[16], **{k: CLASSIFIER[k] for k in ("dataset", "features")})
    rows += [row | {"samples": 10000, "options": "{}"} for row in gone]
    shown = texts(block(found(rows)["two-stage-vae-1"]))
    assert shown["2-Stage VAE"]["ours, classifier features"] == "diverged 3/3"
    assert shown["VAE + flow"]["ours, classifier features"] == "not run"
    assert {"our rank", "seeds"}.isdisjoint(shown["2-Stage VAE"])


def test_samplers_have_a_table_each():
    rows = []
    for density, d in (("gaussian", 6.0), ("mixture", 3.0)):
        rows += cells(at(d, d, d), density, "ae", options={"density": density}, **CLASSIFIER)
    paper = found(rows)["rae"]
    assert texts(block(paper))["AE"]["published"] == "58.73 (unverified)"
    assert texts(block(paper))["AE"]["label"] == "gaussian"
    assert texts(block(paper, 1))["AE"]["published"] == "10.66"
    assert texts(block(paper, 1))["AE"]["label"] == "mixture"
    assert paper.parts[2][0] == "cifar10, celeba-140"
    assert texts(block(paper, 2))["RAE-GP"]["celeba-140, codes from a Gaussian"] == (
        "116.30 (unverified); ours: not run"
    )


def test_the_table_of_capacities_says_that_published_values_are_unknown():
    paper = found(study())["mask-aae-2"]
    nac, kept, _ = (one for _, one in paper.parts)
    assert texts(nac) == {
        "WAE, published": {16: "unknown"},
        "WAE, ours (aae)": {16: "0.100 ± 0"},
        "MaskAAE, published": {16: "unknown"},
        "MaskAAE, ours (mask-aae)": {16: "0.100 ± 0"},
    }
    assert texts(kept)["MaskAAE, ours (mask-aae)"] == {16: "6.33 ± 1.43"}


def test_only_tables_of_which_there_is_a_cell():
    assert found(cells(at(1.0, 2.0), "pca", **CLASSIFIER)) == {}
    assert set(found(cells(at(1.0, 2.0), "aae", **CLASSIFIER))) == {"mask-aae-2"}
    # The crop tells one CelebA from the other.
    flow = cells(at(1.0, 2.0), "flow-vae", **CLASSIFIER | {"dataset": "celeba-140"})
    assert found(flow) == {}


def test_declared_tables_have_published_numbers():
    numbers = published.read()
    path = published.FOLDER.parents[1] / "bench" / "report" / "papers.yaml"
    for one in yaml.safe_load(path.read_text(encoding="utf-8")):
        if "numbers" in one:
            rows = beside.selected(numbers, one["numbers"])
            for choice in one["numbers"]:
                assert set(choice.get("systems", [])) <= set(rows["system"])
                assert choice["paper"] in set(rows["paper"])
            assert set(one.get("samplers", [])) <= set(rows["sampler"])


def test_files(tmp_path):
    tables.write(records.frame(study()), tmp_path)
    names = {path.name for path in tmp_path.glob("paper-*")}
    assert names == {
        f"paper-{name}.{kind}"
        for name in ("mask-aae-1", "mask-aae-2", "two-stage-vae-1", "rae")
        for kind in ("md", "tex", "csv")
    }
    latex = "".join(path.read_text() for path in sorted(tmp_path.glob("paper-*.tex")))
    assert latex.isascii()
    assert r"VAE, fixed $\gamma$ & 52.0 $\pm$ 0.6 (inferred)" in latex
    assert r"\textbf{1.10 $\pm$ 0.25}" in latex
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule")
    labels = [line for line in latex.splitlines() if line.startswith(r"\label")]
    assert len(labels) == len(set(labels))
    assert r"\label{tab:rae-mnist-gaussian-main}" in labels
    rows = pd.read_csv(tmp_path / "paper-two-stage-vae-1.csv").set_index(["dataset", "system"])
    assert len(rows) == 52
    ours = rows.loc[("mnist", "VAE, learned γ")]
    assert (ours["label"], ours["features"], ours["rank"]) == ("learned", "classifier", 2)
    assert ours["mean"] == pytest.approx(7)
    assert rows.loc[("cifar10", "WGAN"), "ours"] == "not run"
