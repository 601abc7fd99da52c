"""What lies beside a table of records: strictly read, drawn, and shown on the page."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from records_for_report import cells, u_curve

from bench import history as histories
from bench import records
from bench.mistake import Mistake
from bench.published import Mark
from bench.report import epochs, figures, page, results, sheets
from bench.report.curves import grids

DIMS = [4, 16, 32]
LOSSES = {"vae": 101.0, "homoencoder": 99.0, "gaussian": -1000.0, "aae": 0.1}


def curves(count=12, seeds=3, dims=DIMS, losses=None, dataset="made-up"):
    """A history: losses that fall by 1 / epoch, with KL terms of all but aae."""
    rows = []
    for system, end in (losses or LOSSES).items():
        for dim in dims:
            for seed in range(seeds):
                for epoch in range(1, count + 1):
                    values = {"autoencoder": end + dim / 100 + 10 / epoch + seed / 10}
                    if system == "homoencoder":
                        values |= {"kl.z": 20.0 + seed, "kl.c": 4.0 - 3 / epoch}
                        values |= {"gradient.z": 1 + seed + 0.8 / epoch, "gradient.c": 1.0 + seed}
                    elif system != "aae":
                        values["kl"] = 25.0
                    where = {"dataset": dataset, "system": system, "dim": dim, "seed": seed}
                    where |= {"epoch": epoch, "step": 100 * epoch}
                    rows += [where | {"quantity": q, "value": v} for q, v in values.items()]
    table = pd.DataFrame(rows, columns=list(histories.COLUMNS)).astype(histories.COLUMNS)
    return table.sort_values(histories.KEY, ignore_index=True)


def pictures(dims=DIMS, components=0, source=0):
    """A gallery of random images, of two rows less than columns and three channels."""
    random = np.random.default_rng(source)

    def images(*counts):
        return random.integers(0, 256, (*counts, 6, 8, 3), dtype=np.uint8)

    own = {"dims": np.array(dims), "samples": images(len(dims), 64)}
    own |= {"reconstructions": images(len(dims), 8), "originals": images(8)}
    if components:
        use = -np.sort(-random.dirichlet(np.ones(components), len(dims)).astype(np.float32))
        own |= {"centres": images(len(dims), components), "use": use}
    return own


def table():
    return records.frame(
        row for name in LOSSES for row in cells(u_curve(dims=DIMS), name, dataset="made-up")
    )


def everything():
    gallery = {
        ("made-up", "vae"): pictures(components=13),
        ("made-up", "aae"): pictures(source=1),
        ("made-up", "gone"): pictures(components=4, source=2),
        ("elsewhere", "vae"): pictures(),
    }
    return results.Results(table(), curves(), gallery)


def write(folder, whole):
    """The files that `results.read` reads."""
    records.write(folder / "records.csv", whole.records.to_dict("records"))
    whole.history.to_csv(folder / "history.csv", index=False)
    for (dataset, system), arrays in whole.gallery.items():
        path = folder / "gallery" / dataset / f"{system}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)
    return folder / "records.csv"


# Reading.


def test_what_lies_beside_records_is_read(tmp_path):
    whole = everything()
    found = results.read(write(tmp_path, whole))
    pd.testing.assert_frame_equal(found.history, whole.history)
    assert found.gallery.keys() == whole.gallery.keys()
    for key, arrays in whole.gallery.items():
        assert all(np.array_equal(found.gallery[key][name], it) for name, it in arrays.items())
    (tmp_path / "history.csv").unlink()
    assert results.read(tmp_path / "records.csv").history is None


def test_a_value_that_was_not_finite_is_empty(tmp_path):
    history = curves()
    history.loc[3, "value"] = np.nan
    history.to_csv(tmp_path / "history.csv", index=False)
    assert histories.read(tmp_path / "history.csv")["value"].isna().sum() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda it: it.drop(columns="step"),
            "history of training are dataset, system",
        ),
        (lambda it: it.assign(more=1), "the columns of a history of training"),
        (lambda it: it[[*it.columns[1:], "dataset"]], "the columns of a history of training"),
        (lambda it: it.assign(epoch="x"), "not a history of training"),
        (lambda it: it.assign(epoch=0), "epochs are above 0"),
        (lambda it: it.assign(system=None), "only a value may be empty"),
        (lambda it: it.assign(value=np.inf), "no finite number is left empty"),
        (lambda it: pd.concat([it, it[:1]]), "two rows of one epoch"),
    ],
)
def test_another_history_is_refused(tmp_path, change, words):
    path = tmp_path / "history.csv"
    change(curves(count=3, seeds=1)).to_csv(path, index=False)
    with pytest.raises(Mistake, match=rf"history\.csv: .*{words}"):
        histories.read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"use": None}, "its arrays are centres"),
        ({"more": np.zeros(3)}, "its arrays are"),
        ({"dims": np.array([4])}, "arrays of different cells or images"),
        ({"samples": np.zeros((3, 64, 6, 8, 3))}, "arrays of different cells or images"),
        ({"samples": np.zeros((3, 64, 6, 6, 3), np.uint8)}, "arrays of different cells or images"),
        ({"dims": np.array([{}] * 3)}, "not a gallery"),
        (b"", "not a gallery"),
        (b"PK", "not a gallery"),
    ],
)
def test_another_gallery_is_refused(tmp_path, change, words):
    path = write(tmp_path, everything())
    bad = tmp_path / "gallery" / "made-up" / "vae.npz"
    if isinstance(change, bytes):
        bad.write_bytes(change)
    else:
        arrays = pictures(components=13) | change
        np.savez(bad, **{name: it for name, it in arrays.items() if it is not None})
    with pytest.raises(Mistake, match=rf"vae\.npz: .*{words}"):
        results.read(path)


# What is drawn.


def names(whole):
    (grid,) = grids(whole.records)
    return [f"{one.kind}-{one.of}" for one in figures.drawn(grid, whole)]


def test_each_data_set_has_the_figures_of_what_there_is():
    whole = everything()
    assert names(whole) == [
        "ucurve-made-up", "samples-made-up", "centres-made-up-vae", "training-made-up",
        "contributions-made-up",
    ]  # fmt: skip
    assert names(results.Results(whole.records)) == ["ucurve-made-up"]
    plain = {"vae": 101.0}
    assert names(results.Results(whole.records, curves(losses=plain)))[1:] == ["training-made-up"]
    none = {"aae": 0.1}
    assert names(results.Results(whole.records, curves(losses=none))) == ["ucurve-made-up"]
    assert names(results.Results(whole.records, curves(count=2))) == ["ucurve-made-up"]
    other = curves(dataset="elsewhere")
    assert names(results.Results(whole.records, other)) == ["ucurve-made-up"]
    empty = {("made-up", "vae"): pictures(dims=[])}
    assert names(results.Results(whole.records, None, empty)) == ["ucurve-made-up"]


def test_the_same_bytes_in_another_process_without_torch(tmp_path):
    path = write(tmp_path, everything())
    read = results.read(path)
    figures.write(read, tmp_path / "here")
    page.write(read, tmp_path / "here" / "report.html")
    out = tmp_path / "there"
    calls = [["figures", path, "--out", out], ["report", path, "--out", out / "report.html"]]
    code = (
        "import sys; from bench import cli; "
        f"codes = [cli.main(call) for call in {[[*map(str, call)] for call in calls]}]; "
        "sys.exit(any(codes) or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    here, there = (
        {it.name: it.read_bytes() for it in (tmp_path / name).iterdir()}
        for name in ("here", "there")
    )
    assert here == there
    drawn = {f"{name}.{kind}" for name in names(read) for kind in ("svg", "png")}
    assert set(here) == drawn | {"report.html"}


def test_the_page_shows_them_with_captions(tmp_path):
    page.write(everything(), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count("<img") == text.count("<figcaption>") == 5
    captions = [re.sub("<.*?>", "", it) for it in re.findall("<figcaption>(.*?)</fig", text)]
    for words in (
        "decoded draws",
        "made-up-vae: the learned prior",
        "training loss",
        "class code c",
    ):
        assert sum(words in caption for caption in captions) == 1, words
    assert "gone" not in " ".join(captions)


# Figures by epoch.


def labelled(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def test_training_shows_means_over_seeds_and_the_largest_two_dimensions():
    figure = epochs.training("made-up", curves())
    below, above = figure.axes
    assert set(labelled(below)) == {"gaussian, $m$ = 16", "gaussian, $m$ = 32"}
    assert {name.split(",")[0] for name in labelled(above)} == {"vae", "homoencoder"}
    line = labelled(above)["vae, $m$ = 16"]
    steps = np.arange(1, 13)
    assert line.get_xdata().tolist() == steps.tolist()
    np.testing.assert_allclose(line.get_ydata(), 101.16 + 10 / steps + 0.1)
    band = max(above.collections, key=lambda it: it.get_paths()[0].vertices[:, 1].max())
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(101.32 + 10 + 0.2)
    assert above.get_ylim()[1] < 101.32 + 10
    assert above.get_ylim()[1] > 101.32 + 10 / 2 + 0.2


def test_training_of_less_than_an_epoch_is_drawn():
    history = curves().assign(epoch=lambda it: it["epoch"] / 40)
    _, above = epochs.training("made-up", history).axes
    line = labelled(above)["vae, $m$ = 16"]
    assert line.get_xdata().tolist() == (np.arange(1, 13) / 40).tolist()
    assert above.get_ylim()[1] < 101.32 + 10


def test_a_seed_that_diverged_leaves_the_others_mean():
    history = curves(losses={"vae": 100.0}, dims=[16])
    lost = (history["seed"] == 2) & (history["epoch"] > 6) & (history["quantity"] == "autoencoder")
    history.loc[lost, "value"] = np.nan
    figure = epochs.training("made-up", history)
    values = labelled(figure.axes[0])["vae"].get_ydata()
    assert values[5] == pytest.approx(100.16 + 10 / 6 + 0.1)
    assert values[6] == pytest.approx(100.16 + 10 / 7 + 0.05)
    assert figure.get_suptitle() == "made-up, $m$ = 16"


def test_marks_from_the_literature_are_in_the_panel_of_their_size():
    marks = [Mark("VAE, published", 50, 101.1), Mark("VAE, published", 100, 99.8)]
    below, above = epochs.training("made-up", curves(50), marks).axes
    assert "VAE, published" not in labelled(below)
    mark = labelled(above)["VAE, published"]
    assert mark.get_xydata().tolist() == [[50, 101.1], [100, 99.8]]
    assert above.get_ylim()[0] < 99.8
    marks.append(Mark("of no epoch", None, 99))
    _, shorter = epochs.training("made-up", curves(49), marks).axes
    assert "VAE, published" not in labelled(shorter)


def test_contributions_are_kl_terms_and_the_ratio_of_gradients():
    left, right = epochs.contributions("made-up", curves(dims=[16])).axes
    steps = np.arange(1, 13)
    np.testing.assert_allclose(labelled(left)["homoencoder: c"].get_ydata(), 4 - 3 / steps)
    np.testing.assert_allclose(labelled(left)["homoencoder: z"].get_ydata(), 21.0)
    ratio = np.mean([1 + 0.8 / steps / (1 + seed) for seed in range(3)], axis=0)
    np.testing.assert_allclose(labelled(right)["homoencoder"].get_ydata(), ratio)
    (level,) = (it for it in right.lines if it.get_label().startswith("_"))
    assert set(level.get_ydata()) == {1}


def test_without_gradients_there_is_no_panel_of_them():
    history = curves(dims=[16])
    history = history[~history["quantity"].str.startswith("gradient")]
    assert len(epochs.contributions("made-up", history).axes) == 1


# Sheets.


def pixels(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def test_samples_are_a_row_a_system_at_the_largest_dimension_up_to_16():
    gallery = {label: pictures(source=i) for i, label in enumerate(("aae", "pca", "vhe"))}
    gallery["vae"] = pictures(dims=[4, 32], source=3)
    figure = sheets.samples("made-up", gallery)
    (axes,) = figure.axes
    assert "$m$ = 16" in axes.get_title()
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["aae", "pca", "vhe", "vae: none"]
    picture = pixels(figure)
    for row, arrays in enumerate(gallery.values()):
        for column in range(10):
            shown = picture[8 * row :, 10 * column :][:6, :8]
            expected = arrays["samples"][1, column] if row < 3 else 255
            assert (shown == expected).all()
    assert len(picture) == 4 * 8


@pytest.mark.parametrize(("count", "down", "across"), [(1, 8, 8), (2, 3, 10), (3, 3, 10)])
def test_of_few_systems_there_are_more_samples(count, down, across):
    gallery = {f"system {i}": pictures(source=i) for i in range(count)}
    figure = sheets.samples("made-up", gallery)
    picture, (axes,) = pixels(figure), figure.axes
    high = len(picture) // count
    for i, arrays in enumerate(gallery.values()):
        for row, column in np.ndindex(down, across):
            shown = picture[i * high + 8 * row :, 10 * column :][:6, :8]
            assert np.array_equal(shown, arrays["samples"][1, row * across + column])
        below = picture[i * high + 8 * down - 2 : (i + 1) * high]
        assert len(below) > 2
        assert (below == 255).all()
        # A label is in the middle of its rows.
        assert axes.get_yticks()[i] == i * high + (8 * down - 2) / 2


def test_the_smallest_dimension_is_shown_where_all_are_above_16():
    title = sheets.samples("made-up", {"aae": pictures(dims=[20, 32])}).axes[0].get_title()
    assert title == "made-up: samples at $m$ = 20"


def test_centres_are_in_order_with_their_use():
    arrays = pictures(components=13)
    figure = sheets.centres("made-up, vae", arrays)
    (axes,) = figure.axes
    use = arrays["use"][1]
    assert [text.get_text() for text in axes.texts] == [f"{100 * it:.2f}" for it in use]
    picture = pixels(figure)
    high = picture.shape[0] // 2
    for k in range(13):
        row, column = divmod(k, 10)
        shown = picture[high * row : high * row + 6, 10 * column : 10 * column + 8]
        assert np.array_equal(shown, arrays["centres"][1, k])
        x, y = axes.texts[k].get_position()
        assert 10 * column < x < 10 * column + 8
        assert high * row + 6 < y < high * (row + 1)
    assert (picture[high:, 30:] == 255).all()


def test_grey_images_are_grey():
    arrays = pictures(components=3)
    grey = {name: it[..., :1] if it.ndim > 3 else it for name, it in arrays.items()}
    figure = sheets.centres("made-up, vae", grey)
    assert pixels(figure).ndim == 2
    assert figure.axes[0].images[0].get_clim() == (0, 255)
