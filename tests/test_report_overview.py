"""One latent dimension: one table of all metrics, and a dot plot in place of the U-curve."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from records_for_report import cells, controls, u_curve

from bench import records
from bench.report import dots, figures, page, tables
from bench.report.captions import METRICS, caption
from bench.report.curves import grids
from bench.report.overview import only_dim, overview
from bench.report.results import Results
from bench.report.statistics import clearly_smallest


def at(m, *distances):
    return pd.DataFrame({m: distances})


def study(m=16, **more):
    """Four labels of three bases; d is smallest by far, and beta-vae lost a seed."""
    rows = cells(at(m, 5.0, 5.1, 5.2), "b", "vae", fd_infinity=4.0, kid=0.5, **more)
    rows += cells(at(m, 1.0, 1.1, 1.2), "d", "vae", kid=0.1, **more)
    rows += cells(at(m, 30, 32, 31), "beta-vae", diverged={(m, 1): 9}, kid=0.7, **more)
    counts = at(m, 6, 7, 6)
    rows += cells(at(m, 7.0, 7.2, 7.1), "mask-aae", counts=counts, **more)
    return rows


def grid_of(rows):
    (grid,) = grids(records.frame(rows))
    return grid


@pytest.mark.parametrize(
    ("columns", "smallest"),
    [
        ({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5]}, "a"),  # paired: a constant difference
        ({"a": [1, 2, 3], "b": [3, 1.5, 2]}, None),
        ({"b": [9, 9, 9.1], "a": [1, 2, 3], "c": [3, 1, 2.5]}, None),  # second is c, not b
        ({"a": [1, np.nan, np.nan], "b": [9, 9, 9]}, None),  # one shared seed: no interval
        ({"a": [1, np.nan, 3], "b": [np.nan, 9, np.nan]}, None),
        ({"a": [1, 2, 3]}, None),
        ({"a": [1, 1, 1], "b": [1, 1, 1]}, None),
    ],
)
def test_clearly_smallest(columns, smallest):
    assert clearly_smallest(pd.DataFrame(columns, dtype=float)) == smallest


def test_only_dim():
    assert only_dim(grid_of(study())) == 16
    assert only_dim(grid_of(cells(u_curve(), "aae"))) is None
    assert only_dim(grid_of(study() + cells(at(8, 1.0), "aae"))) is None


def test_rows_by_base_then_label_and_columns_as_in_metrics():
    block = overview(grid_of(study() + controls()))
    assert [row.label for row in block.rows] == ["beta-vae", "mask-aae", "b", "d"]
    assert list(block.dims) == [name for name in METRICS if name in block.dims]
    assert {"fid", "fd_infinity", "kid", "discovered_mask", "nac"} <= set(block.dims)
    rows = {row.label: row.entries for row in block.rows}
    assert rows["b"]["fid"].text == "5.10 ± 0.25"
    assert rows["b"]["kid"].text == "0.500 ± 0"
    assert "discovered_mask" not in rows["b"]
    assert rows["mask-aae"]["discovered_mask"].text == "6.33 ± 1.43"
    assert [label for label, own in rows.items() if own["fid"].best] == ["d"]
    assert not any(own[name].best for own in rows.values() for name in own if name != "fid")
    for words in ("m = 16", "noise 300", "paired by seed", "3 seeds"):
        assert words in block.caption
    assert any(told.startswith("nac: NAC. NAC: mean over i ≠ j") for told in block.below)


def test_what_failed_is_told_once_a_row():
    rows = {row.label: row.entries for row in overview(grid_of(study())).rows}
    assert rows["beta-vae"]["fid"].text == "30.5 ± 6.4, diverged 1/3"
    assert rows["beta-vae"]["kid"].text == "0.700 ± 0"
    lost = study() + cells(at(16, 1.0, 1.0, 1.0), "aae", diverged={(16, s): 2 for s in range(3)})
    rows = {row.label: row.entries for row in overview(grid_of(lost)).rows}
    assert rows["aae"]["fid"].text == "diverged 3/3"
    # A system may lack what others have: that is named where it is.
    part = study()
    part[0] = part[0] | {"kid": None}
    rows = {row.label: row.entries for row in overview(grid_of(part)).rows}
    assert rows["b"]["kid"].text == "0.500 ± 0, no kid 1/3"


def test_any_metric_of_the_records_is_a_column():
    rows = [row | {"recall": 0.25} for row in study() if row["status"] == "done"]
    assert "recall" in overview(grid_of(rows)).dims
    assert "recall" not in overview(grid_of(study())).dims


@pytest.mark.parametrize("metric", METRICS)
def test_a_captions_latex_is_ascii(metric):
    grid = grid_of(study() + controls())
    text = caption(replace(grid, protocol=grid.protocol | {"draws": 50}), metric)
    assert tables._escape(f"{METRICS[metric]} {text}").isascii()


def test_files_of_one_dimension(tmp_path):
    table = records.frame(study() + controls())
    tables.write(table, tmp_path)
    figures.write(Results(table), tmp_path)
    page.write(Results(table), tmp_path / "report.html")
    assert {path.name for path in tmp_path.glob("*made-up*")} == {
        *(f"table-made-up.{kind}" for kind in ("md", "tex", "csv")),
        *(f"systems-made-up.{kind}" for kind in ("svg", "png")),
    }
    latex = (tmp_path / "table-made-up.tex").read_text()
    assert latex.isascii()
    assert latex.count(r"\toprule") == 2  # eight columns in two parts
    assert r"fd\_infinity" in latex
    assert "| system " in (tmp_path / "table-made-up.md").read_text()
    # The numbers are as for any study: a line a metric, system and dimension.
    rows = pd.read_csv(tmp_path / "table-made-up.csv").set_index(["metric", "system", "dim"])
    assert rows.loc[("fid", "d", 16), "mean"] == pytest.approx(1.1)
    assert rows.loc[("kid", "b", 16), "seeds"] == 3
    text = (tmp_path / "report.html").read_text()
    assert 'href="#r-made-up-d-16-0"' in text
    assert 'id="r-made-up-d-16-0"' in text


def test_other_protocols_have_their_own_overview():
    test = {"protocol": "stretched", "stretch": True}
    rows = study() + [row | {"fid": 2 * row.get("fid", 0)} | test for row in study()]
    rows = [row | {"fid": None} if row["status"] != "done" else row for row in rows]
    own, others = tables.sections(grid_of(rows))
    assert [block.metric for block in own] == ["overview", "fid_ratio"]
    assert [(block.metric, block.protocol) for block in others] == [("overview", "stretched")]


# The figure.


def test_dots_are_sorted_by_mean_with_what_failed_at_the_end():
    lost = cells(at(16, 1.0, 1.0, 1.0), "aae", diverged={(16, seed): 2 for seed in range(3)})
    grid = grid_of(study() + lost + controls())
    figure = dots.draw(grid)
    left, right = figure.axes
    names = [text.get_text() for text in left.get_yticklabels()]
    assert names == ["d", "b", "mask-aae", "beta-vae", "aae"]
    texts = [text.get_text() for text in right.get_yticklabels()]
    assert texts[0] == "1.10 ± 0.25"
    assert texts[-2:] == ["30.5 ± 6.4, diverged 1/3", "diverged 3/3"]
    assert left.get_xscale() == "log"
    assert "← held-out real data 0.0600   noise 300 →" in left.get_xlabel()
    shown = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "o"]
    assert shown == pytest.approx([1.1, 5.1, 7.1, 30.5])


def test_dots_show_a_control_within_as_a_line():
    rows = study() + [row | {"fid": 6.0} for row in controls() if row["system"] == "noise"]
    axes = dots.draw(grid_of(rows)).axes[0]
    assert any(text.get_text() == "noise 6.00" for text in axes.texts)
    assert axes.get_xlabel() == "Fréchet distance"


def test_a_single_seed_can_be_drawn_as_a_dot_without_a_bar():
    figure = dots.draw(grid_of(cells(at(16, 2.0), "aae")))
    assert [line.get_marker() for line in figure.axes[0].lines] == ["|", "o"]
    assert figure.axes[0].get_xscale() == "linear"


def test_dots_are_the_same_bytes_in_any_order_of_rows():
    table = records.frame(study() + controls())
    (a,), (b,) = grids(table), grids(table.sample(frac=1, random_state=3))
    text = figures.svg(partial(dots.draw, a))
    assert text == figures.svg(partial(dots.draw, b))
    assert ElementTree.fromstring(text).tag.endswith("svg")
