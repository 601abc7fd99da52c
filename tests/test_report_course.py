"""Figures of masks, the course of training, covariances and codes by label: the data in them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from records_for_report import cells, controls, several_protocols, u_curve
from test_report_beside import labelled, write

from bench import history as histories
from bench import metrics, records
from bench.mistake import Mistake
from bench.report import boxes, course, covariance, figures, masks, page, panels, results, snapshots
from bench.report.capacities import capacities
from bench.report.curves import grids
from bench.report.effect import effect
from bench.report.tables import sections

DIMS = [4, 8, 16, 32]
STEPS = {1: 700, 2: 1400, 3: 2100, 4: 2500}  # by epoch
SNAPSHOTS = [500, 1000, 1500, 2000, 2500]
N = 8


def value(dim, seed, coordinate, epoch):
    """A mask of which N coordinates stay at 1, and the others close, one epoch after the other."""
    return 1.0 if coordinate <= N else max(0.0, 0.9 - 0.3 * epoch - 0.01 * seed)


def history():
    """What MaskAAE, an AAE, WAE-MMD and a VAE tell of three seeds."""
    rows = []
    for dim, seed, epoch in itertools.product(DIMS, range(3), STEPS):
        falls = {"reconstruction": 1 + seed / 10 + dim / epoch, "autoencoder": 2.0}
        told = {
            "aae": falls | {"gap": (seed - 1) / epoch},
            "wae-mmd": falls | {"divergence": 3.0 / epoch},
            "vae": falls | {"kl": 5.0},
            "mask-aae": falls | {"gap": dim - epoch},
        }
        told["mask-aae"] |= {f"mask.{i:03d}": value(dim, seed, i, epoch) for i in range(1, dim + 1)}
        for system, own in told.items():
            where = {"dataset": "made-up", "system": system, "dim": dim, "seed": seed}
            where |= {"epoch": epoch, "step": STEPS[epoch]}
            rows += [where | {"quantity": name, "value": it} for name, it in own.items()]
    table = pd.DataFrame(rows, columns=list(histories.COLUMNS)).astype(histories.COLUMNS)
    return table.sort_values(histories.KEY, ignore_index=True)


def followed(**more):
    """Records of the four systems, and under protocols that follow training; 5 is the last."""
    rows = []
    for system, (k, step) in itertools.product(
        ["aae", "mask-aae", "vae", "wae-mmd"], enumerate([*SNAPSHOTS, None], 1)
    ):
        how = {"snapshot": step or SNAPSHOTS[-1], "steps": SNAPSHOTS[-1], **more}
        if step:
            how |= {"protocol": f"at-{k}", "checkpoint": str(k)}
        rows += cells(u_curve(dims=DIMS) * 1000 / how["snapshot"], system, **how)
    return rows


def gallery(seed=0):
    """What `bench.gallery` writes of codes: an AAE's, and MaskAAE's, which keeps two or three."""
    random = np.random.default_rng(seed)
    found = {}
    for system in ("aae", "mask-aae"):
        width = max(DIMS)
        own = {"dims": np.array(DIMS)}
        own["correlation"] = np.full((len(DIMS), width, width), np.nan, np.float32)
        own["mask"] = np.full((len(DIMS), width), np.nan, np.float32)
        for cell, m in enumerate(DIMS):
            codes = random.normal(size=(100, m)) @ random.normal(size=(m, m))
            own["correlation"][cell, :m, :m] = metrics.correlation(codes)
            own["mask"][cell, :m] = 0.001 * np.arange(m)
            own["mask"][cell, [0, m // 2]] = 0.1, 0.9
        if system == "aae":
            del own["mask"]
        found["made-up", system] = own
    return found


LINE = {"dims": np.array([1]), "correlation": np.ones((1, 1, 1), np.float32)}
LINE |= {"labels": np.arange(2), "quantiles": np.arange(10, dtype=np.float32).reshape(1, 1, 2, 5)}


def table(rows):
    return records.frame(rows)


def grid_of(rows):
    (grid,) = grids(table(rows))
    return grid


def drawn(whole):
    (grid,) = grids(whole.records)
    return [f"{one.kind}-{one.of}" for one in figures.drawn(grid, whole)]


# Which dimensions.


@pytest.mark.parametrize(
    ("dims", "n", "shown"),
    [
        ([2, 8, 16, 32], 8, [8, 16, 32]),
        ([2, 6, 10, 14, 18, 32], 8, [6, 14, 32]),
        ([4], 8, [4]),
        ([0, 10], None, [10]),
        ([0], None, []),
        ([], 8, []),
        ([2, 4, 8, 16, 32], None, [2, 8, 32]),
        ([16, 64], None, [16, 64]),
    ],
)
def test_capacities(dims, n, shown):
    assert capacities(dims, n) == shown


# Protocols that follow training.


def test_protocols_of_numbered_snapshots_are_the_course_and_no_other():
    best, far = {"protocol": "best", "checkpoint": "best-test"}, {"protocol": "far"}
    far |= {"checkpoint": "1", "stretch": True}
    rows = followed() + cells(u_curve(dims=DIMS), "aae", steps=2500, **best)
    rows += cells(u_curve(dims=DIMS), "aae", steps=2500, **far)
    grid = grid_of(rows)
    assert [one.name for one in snapshots.course(grid)] == [f"at-{k}" for k in range(1, 6)]
    assert [one.name for one in snapshots.further(grid)] == ["best", "far"]


def test_distances_by_snapshot_end_with_main_s():
    found = snapshots.distances(grid_of(followed()), "aae", 16)
    assert found.columns.tolist() == SNAPSHOTS
    for step in SNAPSHOTS:
        np.testing.assert_allclose(found[step], u_curve(dims=DIMS)[16] * 1000 / step)
    lost = [row for row in followed() if row["snapshot"] > 500 or row["seed"] != 1]
    found = snapshots.distances(grid_of(lost), "aae", 16)
    assert found[500].isna().tolist() == [False, True, False]


def test_the_course_leaves_tables_and_panels_as_they_are_without_it():
    ways = several_protocols()
    own = [row | {"snapshot": 2500, "steps": 2500} for row in ways]
    for k in range(1, 4):
        own += cells(u_curve(), "aae", protocol=f"at-{k}", checkpoint=str(k), steps=2500)
        own += controls(protocol=f"at-{k}", checkpoint=str(k))
    grid, bare = grid_of(own), grid_of(ways)
    assert len(grid.others) == 3 + len(bare.others)
    assert effect(grid).rows == effect(bare).rows
    names = [[block.title for block in part] for part in sections(grid)]
    assert names == [[block.title for block in part] for part in sections(bare)]
    legends = [
        [text.get_text() for text in panels.draw(it).legends[0].get_texts()] for it in (grid, bare)
    ]
    assert legends[0] == legends[1]
    alone = grid_of(followed())
    assert effect(alone) is None
    assert "protocols-made-up" not in drawn(results.Results(table(followed())))


# What is drawn.


def test_each_figure_is_drawn_where_there_is_something_to_draw():
    whole = results.Results(table(followed()), history(), gallery())
    assert drawn(whole)[1:] == [
        "covariance-made-up", "training-made-up", "course-made-up-aae", "masks-made-up-mask-aae",
        "course-made-up-mask-aae", "course-made-up-wae-mmd",
    ]  # fmt: skip
    short = history()
    short = short[short["epoch"] <= 2]
    plain = {key: it for key, it in gallery().items() if key[1] == "aae"}
    assert drawn(results.Results(table(followed()), short, plain)) == ["ucurve-made-up"]


def test_figures_are_the_same_bytes_in_any_order_of_rows():
    one = results.Results(table(followed()), history(), gallery())
    mixed = (it.sample(frac=1, random_state=1) for it in (one.records, one.history))
    other = results.Results(*mixed, gallery())
    pairs = zip(*(figures.drawn(*grids(it.records), it) for it in (one, other)), strict=True)
    for here, there in pairs:
        if here.kind in ("covariance", "course", "masks"):
            assert figures.svg(here.draw) == figures.svg(there.draw)


def test_the_page_has_a_caption_for_each(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "svg", lambda draw: "<svg/>")
    whole = results.Results(table(followed()), history(), gallery() | {("made-up", "vae"): LINE})
    page.write(whole, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "labels-made-up-vae" in drawn(whole)
    assert text.count("<img") == text.count("<figcaption>") == len(drawn(whole))


# Masks.


def test_masks_are_lines_of_the_first_seed_with_the_count_that_is_kept():
    told = [(m, masks.values(history(), "mask-aae", m, 1)) for m in (8, 16)]
    left, right = masks.draw("made-up, mask-aae", told).axes
    assert [axes.get_title() for axes in (left, right)] == ["$m$ = 8: 8 kept", "$m$ = 16: 8 kept"]
    *lines, threshold = right.lines
    assert set(threshold.get_ydata()) == {metrics.MASK_THRESHOLD}
    assert len(lines) == 16
    closed = [line for line in lines if line.get_linestyle() == "--"]
    assert len(closed) == 8
    for line in lines:
        assert line.get_xdata().tolist() == list(STEPS.values())
        expected = [value(16, 1, 16 if line in closed else 1, epoch) for epoch in STEPS]
        np.testing.assert_allclose(line.get_ydata(), expected)


# The course.


def test_the_course_shows_means_over_seeds_of_all_that_is_known():
    axes = course.draw(grid_of(followed()), history(), "mask-aae").axes
    error, gap, kept, distance = axes
    assert [list(labelled(it)) for it in (error, gap, distance)] == [
        ["$m$ = 8", "$m$ = 16", "$m$ = 32"]
    ] * 3
    assert list(labelled(kept))[:3] == ["$m$ = 8", "$m$ = 16", "$m$ = 32"]
    epochs = np.array([*STEPS])
    line = labelled(error)["$m$ = 16"]
    assert line.get_xdata().tolist() == list(STEPS.values())
    np.testing.assert_allclose(line.get_ydata(), 1.1 + 16 / epochs)
    np.testing.assert_allclose(labelled(gap)["$m$ = 16"].get_ydata(), 16 - epochs)
    # At .9, .6 and .3 less .01 a seed, the others are kept but for the third epoch on.
    assert labelled(kept)["$m$ = 16"].get_ydata().tolist() == [16, 16, 8, 8]
    assert set(labelled(kept)["$n$ = 8"].get_ydata()) == {8}
    line = labelled(distance)["$m$ = 32"]
    assert line.get_xdata().tolist() == SNAPSHOTS
    expected = u_curve(dims=DIMS)[32].mean() * 1000 / np.array(SNAPSHOTS)
    np.testing.assert_allclose(line.get_ydata(), expected)
    heights = error.collections[1].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((1 + 16 / 4, 1.2 + 16))


def test_without_masks_or_snapshots_there_are_two_panels():
    main = [row for row in followed() if row["protocol"] == "main"]
    figure = course.draw(grid_of(main), history(), "wae-mmd")
    error, divergence = figure.axes
    assert divergence.get_ylabel() == "latent divergence"
    np.testing.assert_allclose(labelled(divergence)["$m$ = 8"].get_ydata(), 3 / np.array([*STEPS]))
    assert course.lines(grid_of(main), history(), "vae") == {}


def test_a_gap_of_either_sign_is_whole_and_0_is_marked():
    gap = course.draw(grid_of(followed()), history(), "aae").axes[1]
    low, high = gap.get_ylim()
    assert low < -1
    assert high > 1
    assert any(set(line.get_ydata()) == {0} for line in gap.lines)


def test_the_distance_bears_its_cautions():
    rows = followed(caution="few samples")
    title = course.draw(grid_of(rows), history(), "aae").get_suptitle()
    assert title == "made-up, aae †\n† few samples"
    main = [row for row in rows if row["protocol"] == "main"]
    assert course.draw(grid_of(main), history(), "aae").get_suptitle() == "made-up, aae"


# Covariance.


def test_matrices_are_sorted_by_mask_and_closed_coordinates_are_not_shown():
    own = {label: arrays for (_, label), arrays in gallery().items()}
    grid = grid_of(followed())
    assert covariance.shown(grid, own) == (["aae", "mask-aae"], [8, 16, 32])
    *axes, _ = covariance.draw(grid, own).axes
    plain, masked = axes[2:4]
    matrix = own["aae"]["correlation"][2, :16, :16]
    shown = plain.images[0].get_array()
    np.testing.assert_array_equal(shown.filled(np.nan), matrix)
    off = matrix[~np.eye(16, dtype=bool)].mean()
    assert plain.get_title() == f"NAC {off:.2f}"
    pair = own["mask-aae"]["correlation"][2, 8, 0]
    shown = masked.images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shown[:2, :2], np.array([[1, pair], [pair, 1]], np.float32))
    assert np.isnan(shown[2:]).all()
    assert np.isnan(shown[:, 2:]).all()
    assert masked.get_title() == f"2 kept, NAC {pair:.2f}"
    assert masked.patches[0].get_hatch()


def test_a_cell_that_is_not_there_is_said_to_be_missing():
    own = {label: arrays for (_, label), arrays in gallery().items()}
    own["aae"] = {name: it[:2] for name, it in own["aae"].items()}
    own["aae"]["correlation"] = own["aae"]["correlation"][:, :8, :8]
    titles = [it.get_title() for it in covariance.draw(grid_of(followed()), own).axes[:-1]]
    assert titles[2] == "no cell"
    assert "aae" in titles[0]


# Codes by label.


def test_boxes_are_the_quantiles_of_the_one_dimension():
    codes = np.random.default_rng(2).normal(size=(3, 200)) + np.array([[0], [5], [-5]])
    quantiles = np.full((2, 4, 3, 5), np.nan, np.float32)
    quantiles[0, 0] = np.quantile(codes, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1).T
    arrays = {"dims": np.array([1, 4]), "labels": np.array([0, 3, 7]), "quantiles": quantiles}
    (axes,) = boxes.draw("made-up, vae", arrays).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "3", "7"]
    for k, own in enumerate(codes):
        low, high = np.quantile(own, [0.25, 0.75])
        box = axes.patches[k].get_path().vertices[:, 1]
        assert (box.min(), box.max()) == pytest.approx((low, high), rel=1e-5)
    levels = [line.get_ydata() for line in axes.lines]
    for own in codes:
        for q in (0.05, 0.5, 0.95):
            flat = np.full(2, np.quantile(own, q))
            assert any(np.allclose(it, flat, rtol=1e-5) for it in levels if len(it) == 2)
    assert boxes.line({"dims": np.array([4])} | {"quantiles": quantiles[1:]}) is None
    assert boxes.line({"dims": np.array([1])}) is None


# Reading.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"correlation": None}, "its arrays are dims, mask"),
        ({"labels": np.arange(3)}, "its arrays are correlation, dims, labels, mask"),
        ({"correlation": None, "mask": None}, "its arrays are dims"),
        ({"dims": np.array([4, 8, 16])}, "different cells"),
        ({"mask": np.zeros((4, 5), np.float32)}, "mask is not of its latent dimensions"),
        ({"correlation": np.zeros((4, 32, 32))}, "correlation is not of its latent dimensions"),
        (
            {"labels": np.arange(3), "quantiles": np.zeros((4, 32, 4, 5), np.float32)},
            "quantiles is not of its latent dimensions",
        ),
    ],
)
def test_another_gallery_of_codes_is_refused(tmp_path, change, words):
    arrays = gallery()["made-up", "mask-aae"] | change
    arrays = {name: it for name, it in arrays.items() if it is not None}
    whole = results.Results(table(followed()), history(), {("made-up", "mask-aae"): arrays})
    with pytest.raises(Mistake, match=rf"mask-aae\.npz: not a gallery: .*{words}"):
        results.read(write(tmp_path, whole))
