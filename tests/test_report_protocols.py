"""Several protocols, cautions, new metrics and missing cells, in all that a report consists of."""

import re

import numpy as np
import pandas as pd
import pytest
from records_for_report import (
    DIMS,
    cells,
    controls,
    everything,
    missing,
    several_protocols,
    u_curve,
)
from scipy import stats

from bench import records
from bench.mistake import Mistake
from bench.report import claims, figures, page, panels, tables, ucurve
from bench.report.blocks import blocks
from bench.report.captions import caption
from bench.report.curves import grids
from bench.report.effect import effect
from bench.report.failures import condensed
from bench.report.results import Results
from bench.report.text import marks

SINGULAR = "500 samples of 2048 features: the covariance is singular"


def grid_of(rows):
    (grid,) = grids(records.frame(rows))
    return grid


def row_of(block, label):
    (row,) = (row for row in block.rows if row.label == label)
    return row.entries


# Protocols.


def test_claims_are_judged_on_main_only():
    rows = several_protocols()
    main = [row for row in rows if row["protocol"] == "main"]
    found = claims.judge(records.frame(rows))
    assert found == claims.judge(records.frame(main))
    moved = [row | {"protocol": "main"} for row in rows if row["protocol"] == "stretched"]
    assert found != claims.judge(records.frame(moved))


def test_each_protocol_is_a_grid_of_its_own():
    grid = grid_of(several_protocols())
    assert [it.name for it in grid.others] == ["best-test", "best-validation", "stretched"]
    assert [it.protocol["stretch"] for it in grid.others] == [False, False, True]
    assert grid.protocol["checkpoint"] == "last"
    for it in (grid, *grid.others):
        assert set(it.records["protocol"]) == {it.name}
        assert "Controls: held-out real data 0.06" in caption(it, "fid")
        assert f"Protocol{'' if it is grid else ' ' + it.name}:" in caption(it, "fid")
    stretched = grid.others[-1]
    assert "generated samples stretched" in caption(stretched, "fid")
    assert "the checkpoint best on test" in caption(grid.others[0], "fid")


def test_a_change_is_the_paired_ratio_of_geometric_means():
    entries = row_of(effect(grid_of(several_protocols())), "aae, stretched ÷ main")
    ours, theirs = u_curve(source=1), u_curve(n=16, source=1) * 2
    for m in DIMS:
        test = stats.ttest_rel(np.log(theirs[m]), np.log(ours[m])).confidence_interval(0.95)
        one = entries[m].one
        assert one.mean == pytest.approx(stats.gmean(theirs[m]) / stats.gmean(ours[m]))
        assert (one.low, one.high) == pytest.approx((np.exp(test.low), np.exp(test.high)))


def test_the_effect_shows_each_protocol_of_each_system():
    block = effect(grid_of(several_protocols()))
    names = ["main", "best-test", "best-validation", "stretched"]
    assert [row.label for row in block.rows if "÷" not in row.label] == [
        f"{label}, {name}" for label in ("aae", "wae-mmd") for name in names
    ]
    assert [m for m, it in row_of(block, "aae, main").items() if it.best] == [8]
    assert [m for m, it in row_of(block, "aae, stretched").items() if it.best] == [16]


def test_it_is_said_whether_the_minimum_and_the_order_move():
    told = "\n".join(effect(grid_of(several_protocols())).below)
    assert re.search(r"^aae: smallest mean at m = 8 under main .* m = 16 under str.* moves", told)
    assert re.search(r"wae-mmd: smallest mean at m = 8 under main .* m = 8 under str.* stays", told)
    assert "wae-mmd, aae under stretched. The order changes." in told
    rows = [row for row in several_protocols() if row["protocol"] != "stretched"]
    assert "The order stays." in "\n".join(effect(grid_of(rows)).below)


@pytest.mark.parametrize(("factor", "words"), [(0.9, "looks better"), (1.2, "looks worse")])
def test_what_choosing_on_test_data_gains(factor, words):
    rows = cells(u_curve(), "aae")
    for name, its in (("best-validation", 1), ("best-test", factor)):
        rows += cells(u_curve(source=5) * its, "aae", protocol=name, checkpoint=name)
    told = [line for line in effect(grid_of(rows)).below if line.startswith("Chosen on test")]
    assert len(told) == 2
    ratio = f"{factor:.3f}" if factor < 1 else f"{factor:.2f}"
    assert "best-test ÷ best-validation, ratio of geometric means" in told[0]
    assert f"aae {ratio} [{ratio}, {ratio}] ({words})" in told[0]
    assert "best-test ÷ main" in told[1]


def test_a_gain_bears_the_cautions_of_both_sides():
    rows = cells(u_curve(), "aae", protocol="best", checkpoint="best-test", caution=SINGULAR)
    rows += cells(u_curve() * 2, "aae")
    (line,) = (it for it in effect(grid_of(rows)).below if it.startswith("Chosen on test"))
    assert "aae 0.500 [0.500, 0.500] † (looks better)" in line


def test_checkpoints_are_compared_under_like_protocols_only():
    rows = cells(u_curve(), "aae")
    rows += cells(u_curve(), "aae", protocol="best", checkpoint="best-test", stretch=True)
    assert not any("Chosen on test" in line for line in effect(grid_of(rows)).below)


def test_one_seed_has_a_ratio_without_an_interval():
    rows = cells(u_curve(seeds=1), "aae")
    rows += cells(u_curve(seeds=1) * 2, "aae", protocol="double", samples=10)
    assert row_of(effect(grid_of(rows)), "aae, double ÷ main")[8].text == "2.00"


def test_lost_cells_have_no_ratio():
    distances = u_curve()
    distances.loc[1, 4] = -1e-9
    rows = cells(distances, "aae", diverged={(8, seed): 5 for seed in range(3)})
    rows += cells(u_curve(), "aae", protocol="other", samples=10, diverged={(16, 0): 5})
    entries = row_of(effect(grid_of(rows)), "aae, other ÷ main")
    assert entries[4].text.endswith("lost 1/3")
    assert entries[8].text == "lost 3/3"
    assert entries[16].one.seeds == (1, 2)


def test_a_protocol_need_not_have_every_system():
    rows = cells(u_curve(), "aae") + cells(u_curve() * 2, "vae")
    rows += cells(u_curve() * 3, "vae", protocol="other", samples=10)
    grid = grid_of(rows)
    assert [row.label for row in effect(grid).rows] == [
        "aae, main", "vae, main", "vae, other", "vae, other ÷ main",
    ]  # fmt: skip
    assert "aae, vae under main; vae under other. The order stays." in effect(grid).below[-1]
    assert len(panels.draw(grid).axes) == 2


def test_without_further_protocols_there_is_no_effect():
    assert effect(grid_of(cells(u_curve(), "aae"))) is None


def test_what_another_protocol_leaves_as_it_is_is_not_shown_again():
    shown, others = tables.sections(grid_of(several_protocols()))
    assert [block.metric for block in shown][-2:] == ["reconstruction", "fid_ratio"]
    assert [(block.metric, block.protocol) for block in others] == [
        ("fid", "best-test"), ("fid", "best-validation"), ("fid", "stretched"),
    ]  # fmt: skip


def test_tables_of_several_protocols(tmp_path):
    tables.write(records.frame(several_protocols()), tmp_path)
    latex = (tmp_path / "table-made-up.tex").read_text()
    assert latex.isascii()
    labels = re.findall(r"\\label{(.*)}", latex)
    assert len(labels) == len(set(labels)) == 9
    table = pd.read_csv(tmp_path / "table-made-up.csv")
    keys = ["metric", "system", "dim", "protocol"]
    assert not table.duplicated(keys).any()
    table = table.set_index(keys)
    ratio = table.loc[("fid_ratio", "aae", 4, "best-test")]
    assert (ratio["mean"], ratio["low"], ratio["high"]) == pytest.approx((0.855,) * 3)
    assert np.isnan(ratio["half_width"])
    assert table.loc[("fid", "aae", 8, "stretched"), "stretch"]
    assert "## Effect of the protocol" in (tmp_path / "table-made-up.md").read_text()


def test_panels_can_be_told_apart_in_grey():
    figure = panels.draw(grid_of(several_protocols()))
    assert [axes.get_title() for axes in figure.axes] == ["aae", "wae-mmd"]
    for axes in figure.axes:
        lines = axes.get_legend_handles_labels()[0]
        assert [line.get_label() for line in lines] == [
            "main", "best-test", "best-validation", "stretched",
        ]  # fmt: skip
        assert len({line.get_marker() for line in lines}) == 4
        assert len({str(line.get_linestyle()) for line in lines}) >= 3
    (left, _) = figure.axes
    filled = [line for line in left.lines if line.get_markerfacecolor() != "white"]
    places = [float(line.get_xdata()[0]) for line in filled if len(line.get_xdata()) == 1]
    assert places == [8, 8, 8, 16]


# New metrics and what a caption claims.


def test_tables_of_the_new_metrics_say_what_they_are():
    found = {"fd_infinity": 0.8, "kid": -0.001, "precision": 0.5}
    grid = grid_of(cells(u_curve(), "aae", **found) + cells(u_curve(), "pca"))
    shown = {block.metric: block for block in blocks(grid)}
    assert "recall" not in shown
    for metric, value in found.items():
        (row,) = shown[metric].rows
        assert row.entries[8].one.mean == pytest.approx(value)
    assert "straight line in 1/N" in shown["fd_infinity"].caption
    assert "cubic kernel" in shown["kid"].caption
    assert "balls of real ones" in shown["precision"].caption


def test_intervals_of_cells_are_in_the_csv_table(tmp_path):
    tables.write(records.frame(cells(u_curve(), "aae", fid_low=1.0, fid_high=1.5)), tmp_path)
    table = pd.read_csv(tmp_path / "table-made-up.csv").set_index("metric")
    assert (table.loc["fid", "bootstrap_half_width"] == 0.25).all()
    assert table.loc["nac", "bootstrap_half_width"].isna().all()


def test_a_caption_claims_no_training_that_systems_do_not_share():
    rows = cells(u_curve(), "aae", net="infogan", steps=10) + cells(u_curve(), "vae")
    rows += cells(u_curve(), "pca", net="mlp 9", batch=1) + missing("wae-mmd")
    text = caption(grid_of(rows), "fid")
    assert (
        "net infogan (aae), net mlp 128-128 (vae), batches of 64, 10 steps (aae), "
        "3000 steps (vae), falling learning rates, pca in closed form." in text
    )


# Cautions.


def test_cautions_have_one_mark_each():
    assert marks(["a", "b", "a"]) == {"a": "†", "b": "‡"}
    assert len(set(marks("abcdefghi").values())) == 9


def test_a_caution_is_told_wherever_its_distance_is_shown(tmp_path):
    rows = cells(u_curve(), "aae", caution=SINGULAR) + cells(u_curve(), "vae")
    rows += controls(caution="Few.")
    grid, table = grid_of(rows), records.frame(rows)
    fid, *_ = blocks(grid)
    assert row_of(fid, "aae")[4].text.endswith("†")
    assert not row_of(fid, "vae")[4].text.endswith("†")
    assert fid.below == (f"† {SINGULAR}.", "‡ Few.")
    assert re.search(r"noise 300 ± [\d.]+ ‡", fid.caption)
    assert "†" in ucurve.draw(grid).axes[0].get_title()
    found = {(one.claim, one.system): one.finding for one in claims.judge(table)}
    finding = found["u-shape", "aae"]
    assert f"Caution: {SINGULAR}." in finding
    tables.write(table, tmp_path)
    page.write(Results(table), tmp_path / "report.html")
    assert f"† {SINGULAR}." in (tmp_path / "table-made-up.md").read_text()
    assert f"\\dag{{}} {SINGULAR}." in (tmp_path / "table-made-up.tex").read_text()
    found = pd.read_csv(tmp_path / "table-made-up.csv").set_index(["metric", "system"])
    assert (found.loc[("fid", "aae"), "caution"] == SINGULAR).all()
    assert found.loc[("fid", "vae"), "caution"].isna().all()
    assert f"<p>† {SINGULAR}.</p>" in (tmp_path / "report.html").read_text()


def test_a_caution_of_another_protocol_is_told_of_the_change():
    rows = cells(u_curve(), "aae")
    rows += cells(u_curve() * 2, "aae", protocol="few", samples=500, caution=SINGULAR)
    grid = grid_of(rows)
    block = effect(grid)
    marked = {row.label: row.entries[8].text.endswith("†") for row in block.rows}
    assert marked == {"aae, main": False, "aae, few": True, "aae, few ÷ main": True}
    assert re.search(r"m = 8 under main \([\d.]+\); m = 8 under few \([\d.]+ †\)", block.below[1])
    assert block.below[0] == f"† {SINGULAR}."
    assert SINGULAR in panels.draw(grid).get_suptitle().replace("\n", " ")
    assert not any("Caution" in one.finding for one in claims.judge(grid.records))


# Missing cells.


@pytest.fixture(scope="module")
def some_missing():
    rows = everything().to_dict("records")
    for name in ("aae", "mask-aae"):
        rows += missing(name, "lost") + missing(name, "lost", protocol="stretched", stretch=True)
    partly = cells(u_curve(), "aae", dataset="partly")
    partly = [row for row in partly if (row["dim"], row["seed"]) != (32, 2)]
    rows += partly + missing("aae", "partly", dims=[32], seeds=3)[2:] + missing("vae", "partly")
    return records.frame(rows)


def test_a_data_set_without_a_trained_cell_is_not_run(some_missing):
    found = claims.judge(some_missing)
    lost = [one for one in found if one.dataset == "lost"]
    told = [(one.claim, one.system) for one in lost]
    assert {("flat-beyond-n", "mask-aae"), ("best-fid", "mask-aae"), ("u-shape", "aae")} < {*told}
    assert len(told) == len({*told})
    assert {one.verdict for one in lost} == {"not run"}
    assert {one.finding for one in lost} == {"Not run: there is no record of a cell of lost."}
    others = [one for one in found if one.dataset in ("made-up", "unknown")]
    assert others == claims.judge(everything())


def test_a_system_without_a_trained_cell_is_not_run():
    rows = cells(u_curve(), "aae") + missing("wae-mmd")
    found = claims.judge(records.frame(rows))
    found = {one.system: one for one in found if one.claim == "u-shape"}
    assert found["aae"].verdict == "reproduced"
    assert found["wae-mmd"].finding == "Not run: there is no record of a cell of wae-mmd."


def test_failures_say_once_what_is_wholly_missing(some_missing):
    told = {it.dataset: [text for text, _ in condensed(it)] for it in grids(some_missing)}
    assert told["lost"] == ["all 30 cells missing"]
    assert told["partly"] == ["aae, m = 32, seed 2: missing", "vae: all 15 cells missing"]
    assert told["made-up"] == ["aae, m = 24, seed 1: diverged at step 812"]


def test_failures_of_another_protocol_are_those_that_main_does_not_have():
    rows = cells(u_curve(), "aae", diverged={(4, 0): 7})
    distances = u_curve()
    distances.loc[1, 8] = np.nan
    rows += cells(distances, "aae", protocol="other", samples=9, diverged={(4, 0): 7})
    assert condensed(grid_of(rows)) == [
        ("aae, m = 4, seed 0: diverged at step 7", ("made-up", "aae", 4, 0, "main")),
        ("other: aae, m = 8, seed 1: no fid", ("made-up", "aae", 8, 1, "other")),
    ]


def test_a_report_with_missing_data_sets_is_whole(some_missing, tmp_path):
    tables.write(some_missing, tmp_path)
    figures.write(Results(some_missing), tmp_path)
    page.write(Results(some_missing), tmp_path / "report.html")
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    assert drawn == {f"ucurve-{name}.svg" for name in ("made-up", "partly", "unknown")}
    for kind in ("md", "tex"):
        text = (tmp_path / f"table-lost.{kind}").read_text()
        assert "All 30 cells are missing: there is no record of a cell of lost." in text
    table = pd.read_csv(tmp_path / "table-lost.csv")
    assert set(table["failed"]) == {"missing 3/3"}
    partly = (tmp_path / "table-partly.md").read_text()
    assert partly.count("missing 3/3") == 5
    assert partly.count("missing 1/3") >= 1
    report = (tmp_path / "report.html").read_text()
    assert "lost: no figure. All 30 cells are missing" in report
    assert "<li>lost: all 30 cells missing</li>" in report


def test_links_of_a_page_with_several_protocols_lead_to_their_records(tmp_path):
    rows = several_protocols()
    page.write(Results(records.frame(rows)), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    assert len([name for name in ids if name.startswith("r-")]) == len(rows)
    assert 'href="#r-made-up-aae-16-0-stretched"' in text
    assert text.count("<img ") == 2


# Likelihoods and dimensions.


def bounded():
    """A system with bounds and dimensions, one with dimensions only, and the controls."""
    dimensions = {"pca_dimension": 7, "two_nn": 6.5, "mle_dimension": 6.25}
    rows = cells(u_curve(), "vae", elbo=-90.5, iwae=-88.25, bits=1.5, **dimensions, draws=30)
    rows += cells(u_curve(), "aae", **dimensions, draws=30)
    for row in controls(draws=30):
        own = {"pca_dimension": 9, "two_nn": 7.5, "mle_dimension": 7.0}
        rows.append(row | (own if row["system"] == "real" else {}))
    return rows


def test_bounds_are_told_with_their_draws_and_only_of_systems_that_have_them():
    found = {block.metric: block for block in blocks(grid_of(bounded()))}
    for metric, text in (("elbo", "-90.5 ± 0"), ("iwae", "-88.2 ± 0"), ("bits", "1.50 ± 0")):
        (row,) = found[metric].rows
        assert row.system == "vae"
        assert row.entries[8].text == text
        assert "k = 30" in found[metric].caption
        assert "Bernoulli" in found[metric].caption
        assert not any(it.best for it in row.entries.values())
    assert "No code length" in found["bits"].caption
    assert "same k" in found["iwae"].caption


def test_dimensions_are_told_beside_the_true_one_and_the_datas_own():
    found = {block.metric: block for block in blocks(grid_of(bounded()))}
    for metric, own in (("pca_dimension", "9 ± 0"), ("two_nn", "7.50 ± 0"), ("mle_dimension", "7")):
        block = found[metric]
        assert [row.system for row in block.rows] == ["aae", "vae"]
        assert "(true dimension 8)" in block.caption
        assert f"Of the split's data in their own coordinates: {own}" in block.caption
        assert not any(it.best for row in block.rows for it in row.entries.values())
    rows = [row for row in bounded() if row["system"] != "real"]
    told = [block.caption for block in blocks(grid_of(rows))]
    assert not any("own coordinates" in one for one in told)


def test_bounds_of_several_numbers_of_draws_are_not_put_together():
    rows = bounded()
    with pytest.raises(Mistake, match="several protocols in one table .main.: draws 30, 50"):
        grids(records.frame([rows[0] | {"draws": 50}, *rows[1:]]))


def test_likelihoods_and_dimensions_are_in_every_kind_of_table(tmp_path):
    tables.write(records.frame(bounded()), tmp_path)
    for kind in ("md", "tex", "csv"):
        text = (tmp_path / f"table-made-up.{kind}").read_text()
        assert "-90.5" in text
    assert text.splitlines()[0].split(",").count("draws") == 1
    latex = (tmp_path / "table-made-up.tex").read_text()
    assert "95 \\% of the codes' variance" in latex
    assert latex.isascii()
