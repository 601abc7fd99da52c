"""Figures, tables and the page: what is in them, and that they are the same bytes every time."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from records_for_report import DIMS, cells, controls, curve, everything, several_protocols, u_curve

from bench import records
from bench.mistake import Mistake
from bench.report import claims, figures, page, tables, ucurve
from bench.report.blocks import blocks as found_blocks
from bench.report.captions import caption
from bench.report.claims import explanations
from bench.report.curves import grids
from bench.report.results import Results
from bench.report.statistics import interval

WRITE_ALL = """
import sys
from pathlib import Path
from bench import records
from bench.mistake import Mistake
from bench.report import claims, figures, page, tables
from bench.report.results import Results
table, out = records.read(sys.argv[1]), Path(sys.argv[2])
tables.write(table, out)
figures.write(Results(table), out)
claims.write(table, out / "claims.json")
page.write(Results(table), out / "report.html")
assert "torch" not in sys.modules
"""


def write_all(table, out):
    tables.write(table, out)
    figures.write(Results(table), out)
    claims.write(table, out / "claims.json")
    page.write(Results(table), out / "report.html")
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_same_bytes_in_two_processes_and_any_order_of_rows_without_torch(tmp_path):
    # Both sides see the numbers as the file has them.
    rows = everything().to_dict("records") + several_protocols("several")
    records.write(tmp_path / "records.csv", rows)
    table = records.read(tmp_path / "records.csv")
    here = write_all(table.sample(frac=1, random_state=1), tmp_path / "here")
    (tmp_path / "there").mkdir()
    command = [sys.executable, "-c", WRITE_ALL, tmp_path / "records.csv", tmp_path / "there"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    there = {path.name: path.read_bytes() for path in sorted((tmp_path / "there").iterdir())}
    assert list(here) == list(there)
    assert [name for name in here if here[name] != there[name]] == []
    names = ("made-up", "several", "unknown")
    kinds = [f"table-{name}.{kind}" for name in names for kind in ("csv", "md", "tex")]
    kinds += [f"ucurve-{name}.{kind}" for name in names for kind in ("png", "svg")]
    kinds += ["protocols-several.png", "protocols-several.svg"]
    kinds += [f"paper-mask-aae-2.{kind}" for kind in ("csv", "md", "tex")]
    assert set(here) == {*kinds, "claims.json", "report.html"}


@pytest.mark.parametrize(
    "write", [tables.write, lambda table, out: figures.write(Results(table), out)]
)
@pytest.mark.parametrize(
    ("column", "value"),
    [("split", "validation"), ("features", "classifier"), ("samples", 999), ("samples", None)]
    + [("resizer", "torch"), ("stretch", True), ("checkpoint", "best-test"), ("stretch", None)],
)
def test_two_protocols_are_refused(write, column, value, tmp_path):
    rows = cells(u_curve(), "wae-mmd") + cells(u_curve(), "aae")
    rows[3][column] = value
    with pytest.raises(Mistake, match=rf"several protocols in one table \(main\): {column}"):
        write(records.frame(rows), tmp_path)
    assert list(tmp_path.iterdir()) == []


PROTOCOL = {
    "split": "test",
    "features": "raw",
    "resizer": None,
    "samples": 1000,
    "checkpoint": "last",
    "stretch": False,
    "draws": None,
}
TRAINING = {"net": "mlp 128-128", "batch": 64, "steps": 3000, "schedule": "falling"}


def test_controls_are_not_trained_and_failed_rows_need_no_protocol():
    rows = cells(u_curve(), "aae", diverged={(8, 0): 3})
    for row in rows:
        if row["status"] == "diverged":
            row |= dict.fromkeys([*PROTOCOL, *TRAINING])
    (grid,) = grids(records.frame(rows + controls(stretch=None, checkpoint=None)))
    assert grid.protocol == PROTOCOL
    assert grid.training == {"aae": TRAINING}


@pytest.mark.parametrize("name", ["stretched", None])
def test_a_data_set_without_the_main_protocol_is_refused(name):
    with pytest.raises(Mistake, match="made-up: no records of the protocol main"):
        grids(records.frame(cells(u_curve(), "aae", protocol=name)))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("base", "vae", "aae has several values of base"),
        ("options", '{"gap": 1}', "aae has several values of options"),
        ("net", "mlp 64", "aae has several values of net"),
        ("batch", 32, "aae has several values of batch"),
        ("steps", None, "aae has several values of steps"),
        ("true_dim", 9, "several values of true_dim"),
    ],
)
def test_records_that_do_not_belong_together_are_refused(column, value, words):
    rows = cells(u_curve(), "aae")
    rows[3][column] = value
    with pytest.raises(Mistake, match=words):
        grids(records.frame(rows))


@pytest.mark.parametrize("value", [None, "gap", "[1]"])
def test_options_are_an_object(value):
    rows = [row | {"options": value} for row in cells(u_curve(), "aae")]
    with pytest.raises(Mistake, match="not a JSON object"):
        grids(records.frame(rows))


def test_controls_alone_are_no_report():
    with pytest.raises(Mistake, match="no trained cells"):
        grids(records.frame(controls()))


def test_all_cells_failed(tmp_path):
    lost = {(dim, seed): 7 for dim in DIMS for seed in range(3)}
    written = write_all(records.frame(cells(u_curve(), "aae", diverged=lost)), tmp_path)
    assert b"diverged 3/3" in written["table-made-up.md"]
    assert written["report.html"].count(b"diverged at step 7") >= 15


# Figures.


def test_figure_files(tmp_path):
    figures.write(Results(everything()), tmp_path)
    with Image.open(tmp_path / "ucurve-made-up.png") as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        assert image.width == 700
    text = (tmp_path / "ucurve-made-up.svg").read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert not re.search(r"<dc:date|Matplotlib v", text)


def test_a_drawing_hides_the_last_bits_of_an_arithmetic_and_names_each_part_once():
    def drawn(factor):
        rows = everything().assign(fid=lambda table: table["fid"] * factor).to_dict("records")
        grid, _ = grids(records.frame(rows))
        return figures.svg(lambda: ucurve.draw(grid))

    text = drawn(1)
    assert drawn(1 + 5e-9) == text  # another sixth decimal
    assert drawn(1 + 1e-3) != text
    names = re.findall(r' id="([^"]+)"', text)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
    assert len(set(names)) == len(names)
    assert {one or other for one, other in used} <= set(names)
    numbers = re.findall(r"-?\d+\.(\d+)", text)
    assert max(map(len, numbers)) == 4


def test_n_is_marked_where_it_is_among_the_dimensions():
    for dims, marked in (([4, 8, 16], True), ([2, 4], False), ([12, 16], False)):
        rows = cells(u_curve(dims=dims), "aae")
        (grid,) = grids(records.frame(rows))
        texts = [it.get_text() for it in ucurve.draw(grid).axes[0].texts]
        assert ("$n$ = 8" in texts) == marked


def test_the_report_takes_the_figures_that_are_drawn(tmp_path):
    figures.write(Results(everything()), tmp_path / "figures")
    page.write(Results(everything()), tmp_path / "anew.html")
    page.write(Results(everything()), tmp_path / "taken.html", tmp_path / "figures")
    assert (tmp_path / "taken.html").read_bytes() == (tmp_path / "anew.html").read_bytes()
    drawn, *_ = sorted(tmp_path.glob("figures/ucurve-*.svg"))
    drawn.write_text("<svg>another</svg>")
    page.write(Results(everything()), tmp_path / "other.html", tmp_path / "figures")
    assert (tmp_path / "other.html").read_bytes() != (tmp_path / "anew.html").read_bytes()


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_figure_shows_every_system_and_the_kept_dimensions():
    known, unknown = (ucurve.draw(grid) for grid in grids(everything()))
    left, right = known.axes
    assert set(legend(known)) == {
        "aae", "mask-aae-paper", "pca", "wae-mmd", "mask-aae-paper: dimensions kept",
    }  # fmt: skip
    assert left.get_yscale() == "log"
    assert right.get_ylabel() == "dimensions kept by the mask"
    assert any("8" in text.get_text() and "n" in text.get_text() for text in left.texts)
    assert not any("$n$" in text.get_text() for text in unknown.axes[0].texts)


def test_figure_is_linear_within_a_factor_of_20_and_has_one_axis_without_masks():
    (grid,) = grids(records.frame(cells(u_curve(), "aae")))
    figure = ucurve.draw(grid)
    assert [axes.get_yscale() for axes in figure.axes] == ["linear"]


def test_controls_never_squash_the_curves():
    rows = cells(u_curve() + 5, "aae")
    bare, controlled = (
        ucurve.draw(grids(records.frame(them))[0]) for them in (rows, rows + controls())
    )
    assert bare.axes[0].get_ylim() == controlled.axes[0].get_ylim()
    assert any(text.get_text() == "↑ noise 300" for text in controlled.axes[0].texts)


def test_a_single_seed_can_be_drawn():
    (grid,) = grids(records.frame(cells(u_curve(seeds=1), "aae")))
    assert legend(ucurve.draw(grid)) == ["aae"]


def test_a_band_that_reaches_below_0_ends_at_the_bottom_of_a_log_axis():
    # Two seeds at 2 and one at 200: a mean of 68, an interval from -216.
    (grid,) = grids(records.frame(cells(curve(*[[d] * len(DIMS) for d in (2, 2, 200)]), "aae")))
    axes = ucurve.draw(grid).axes[0]
    assert axes.get_yscale() == "log"
    (band,) = axes.collections
    lows = band.get_paths()[0].vertices[:, 1]
    assert lows.min() == pytest.approx(axes.get_ylim()[0])
    assert axes.get_ylim() == pytest.approx((2 / 1.5, 300))


# Tables.


def blocks(rows):
    (grid,) = grids(records.frame(rows))
    return {block.metric: block for block in found_blocks(grid)}, grid


def entries(block, label):
    (row,) = (row for row in block.rows if row.label == label)
    return row.entries


def test_entries_are_the_statistics_of_the_records():
    distances = u_curve()
    found, _ = blocks(cells(distances, "aae"))
    for m in distances:
        entry, expected = entries(found["fid"], "aae")[m], interval(distances[m])
        assert (entry.one.low, entry.one.high) == pytest.approx((expected.low, expected.high))
        assert entry.best == (m == 8)
    assert "discovered_mask" not in found
    # The smallest mean is at 8 here too, but not clearly below that at 4.
    near = curve(*([2, 1 + e, 1 + f, 2, 4] for e, f in ((0.2, 0.1), (0.1, 0.3), (0.3, 0))))
    shown = entries(blocks(cells(near, "aae"))[0]["fid"], "aae")
    assert not any(it.best for it in shown.values())
    assert entries(found["latent_divergence"], "aae")[8].text == "0.0100 ± 0"


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        ({0}, r"\d.* ± .*, diverged 1/3"),
        ({0, 1}, r"[\d.]+, diverged 2/3"),
        ({0, 1, 2}, "diverged 3/3"),
    ],
)
def test_failures_are_shown(lost, text):
    found, _ = blocks(cells(u_curve(), "aae", diverged={(16, seed): 9 for seed in lost}))
    assert re.fullmatch(text, entries(found["fid"], "aae")[16].text)


def test_missing_cells_are_shown():
    found, _ = blocks(
        [row for row in cells(u_curve(), "aae") if (row["dim"], row["seed"]) != (4, 1)]
    )
    assert entries(found["fid"], "aae")[4].text.endswith("missing 1/3")


def test_captions():
    _, grid = blocks(cells(u_curve(), "aae") + controls())
    text = caption(grid, "fid")
    for words in (
        "test split, raw features, 1000 samples, net mlp 128-128, batches of 64, 3000 steps, "
        "falling learning rates",
        "3 seeds",
        "95 %",
        "noise 300",
        "held-out real data 0.06",
    ):
        assert words in text
    assert "first 1,000 codes against the prior" in caption(grid, "latent_divergence")
    grid.protocol["samples"] = 10_000
    assert "first 2,000 codes against the prior" in caption(grid, "latent_divergence")
    assert "|C_ij| / sqrt(C_ii C_jj)" in caption(grid, "nac")
    _, alone = blocks(cells(u_curve(seeds=1), "aae"))
    assert "no intervals" in caption(alone, "fid")


def test_table_files(tmp_path):
    tables.write(everything(), tmp_path)
    markdown = (tmp_path / "table-made-up.md").read_text()
    assert "diverged 1/3" in markdown
    latex = (tmp_path / "table-made-up.tex").read_text()
    assert latex.isascii()
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule") == 6
    table = pd.read_csv(tmp_path / "table-made-up.csv").set_index(["metric", "system", "dim"])
    curve = grids(everything())[0].curve("aae")
    assert table.loc[("fid", "aae", 24), "seeds"] == 2
    assert table.loc[("fid", "aae", 8), "mean"] == pytest.approx(curve[8].mean(), rel=1e-5)


def test_wide_tables_are_split(tmp_path):
    dims = list(range(2, 51, 2))
    tables.write(records.frame(cells(u_curve(dims=dims), "aae")), tmp_path)
    lines = (tmp_path / "table-made-up.md").read_text().splitlines()
    heads = [
        [int(m) for m in re.findall(r"\d+", line)] for line in lines if line.startswith("| m ")
    ]
    assert [m for head in heads[:3] for m in head] == dims
    assert max(map(len, heads)) <= 9


# The page.


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.targets, self.tags, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "action", "srcset", "poster", "data"):
                self.targets.append(value)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    page.write(Results(everything()), path)
    return Path(path).read_text()


def test_page_is_self_contained(report):
    links = Links(report)
    assert not re.search(r"https?:|@import|url\(|\bfetch\(|<link", report)
    assert all(target.startswith(("#", "data:image/svg+xml;base64,")) for target in links.targets)
    assert links.tags.count("img") == 2


def test_every_number_leads_to_a_record(report):
    links = Links(report)
    assert len(links.ids) == len(set(links.ids))
    assert {target[1:] for target in links.targets if target.startswith("#")} <= set(links.ids)
    assert len([name for name in links.ids if name.startswith("r-")]) == len(everything())
    assert "r-made-up-aae-24-1" in links.ids


def test_page_shows_verdicts_before_figures_and_all_findings(report):
    text = " ".join(Links(report).text.split())
    for one in claims.judge(everything()):
        assert one.finding in text
    order = [
        report.index(f'<section id="{name}"')
        for name in ("verdicts", "figures", "tables", "records")
    ]
    assert order == sorted(order)
    assert "aae, m = 24, seed 1: diverged at step 812" in text


def test_page_says_how_it_was_trained_and_which_variant(report):
    text = " ".join(Links(report).text.split())
    assert (
        "<td>test</td><td>raw</td><td>–</td><td>1000</td><td>–</td><td>last</td><td>no</td>"
        in report
    )
    trained = "<td>mlp 128-128</td><td>64</td><td>3000</td><td>falling</td>"
    assert f"<td>mask-aae</td>{trained}<td>mask_loss = paper</td>" in report
    assert "mask-aae-paper stands for mask-aae with mask_loss = paper." in text
    noted = {it["id"] for it in claims.ledger() if "mask loss" in it.get("note", "")}
    # Once a claim, however many verdicts it has.
    run = [one for one in claims.judge(everything()) if one.verdict != "not run"]
    shown = {one.claim for one in run if one.claim in noted}
    assert text.count("The default mask loss of this suite is “centred”") == len(shown) > 0
    assert "randomness of training and sampling only" in text


def test_page_groups_verdicts_by_claim_with_a_table_of_all_that_links_to_them(report):
    links, verdicts = Links(report), claims.judge(everything())
    places = {"-".join(filter(None, ["v", it.claim, it.dataset, it.system])): it for it in verdicts}
    assert len(places) == len(verdicts)
    assert [target[1:] for target in links.targets if target[1:] in places] == [
        place
        for group in (True, False)
        for claim in claims.ledger()
        if any(it.claim == claim["id"] for it in verdicts)
        if any(it.claim == claim["id"] and it.verdict != "not run" for it in verdicts) == group
        for place, it in places.items()
        if it.claim == claim["id"]
    ]
    for claim in claims.ledger():
        run = [it for it in verdicts if it.claim == claim["id"] and it.verdict != "not run"]
        assert report.count(f'<article class="claim" id="c-{claim["id"]}">') == bool(run)


def test_page_explains_what_was_not_reproduced_or_says_that_nobody_has(tmp_path, monkeypatch):
    monkeypatch.setattr(explanations, "FOLDER", tmp_path)
    falling = curve(*[[9, 7, 5, 3, 1 + e] for e in (0, 0.01, 0.02)])
    table = records.frame(cells(falling, "aae", dataset="mnist"))
    path, nobody = tmp_path / "report.html", "Nobody has explained it yet."
    page.write(Results(table), path)
    count = path.read_text().count("✗ not reproduced</span>")
    assert path.read_text().count(nobody) == count > 0
    text = "- {claim: u-shape, dataset: mnist, system: aae, text: Too short a <b>training}\n"
    (tmp_path / "made-up.yaml").write_text(text)
    page.write(Results(table), path)
    assert path.read_text().count(nobody) == count - 1
    assert "Too short a &lt;b&gt;training" in path.read_text()


def test_page_shows_the_environment_or_that_there_is_none(report, tmp_path):
    assert "Not recorded" in report
    told = {"5eed": {"python": {"3.11.7": 2}, "threads": {"1": 3, "2": 1}}}
    table = records.frame(cells(u_curve(), "aae"))
    page.write(Results(table, environment=told), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<dt>environment</dt><dd>5eed</dd>" in text
    assert "<dt>python</dt><dd>3.11.7</dd>" in text
    assert "<dt>threads</dt><dd>1 (3 curves), 2 (1 curve)</dd>" in text
    assert "Not recorded" not in text


def test_page_escapes_names(tmp_path):
    table = records.frame(cells(u_curve(), "<script>x</script>", "aae"))
    page.write(Results(table), tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text()
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text
