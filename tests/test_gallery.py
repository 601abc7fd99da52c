"""Galleries: what trained cells draw, against their nets and SciPy's densities."""

import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save
from scipy.special import softmax
from scipy.stats import norm

from bench import cli, curves, data, gallery, metrics, runs, store, study
from bench.data.base import DataSet

STUDY = """
name: tiny
seeds: [0]
datasets: {mnist: {dims: [2, 5]}}
systems:
  mog-vae: {components: 120, likelihood: bernoulli, weights: learned}
  one: {system: wae-mmd}
  other: {system: wae-mmd}
net: {kind: mlp, hidden: [16]}
training: {steps: 20, batch: 16}
evaluation: {samples: 50}
"""
CODES = """
name: codes
seeds: [0]
datasets:
  fashion-mnist: {dims: [0, 1, 3]}
  synthetic-8: {dims: [2, 5]}
systems: {mask-aae: {}}
net: {kind: mlp, hidden: [16]}
training: {steps: 5, batch: 16}
evaluation: {samples: 50}
"""
SHAPE = (3, 6, 8)


class Images(DataSet):
    """Made-up images with channels, height and width of their own, under the name of others."""

    name, shape, value_range = "mnist", SHAPE, (0, 1)
    sizes = {"train": 200, "validation": 150, "test": 20}

    def make(self, root):
        generator = torch.Generator().manual_seed(0)
        return {
            split: (
                torch.randint(256, (count, *SHAPE), generator=generator).byte(),
                torch.arange(count) % 3 * 2 if self.labelled else None,
            )
            for split, count in self.sizes.items()
        }


class Labelled(Images):
    """The same with the labels 0, 2 and 4, under the name of others."""

    name, labelled = "fashion-mnist", True


class Vectors(Images):
    """The same as vectors without a range, under the name of others."""

    name, shape, value_range = "synthetic-8", (144,), None

    def make(self, root):
        return {
            split: (images.flatten(1) / 255, None)
            for split, (images, _) in super().make(root).items()
        }


@pytest.fixture(scope="module", autouse=True)
def _made_up_images():
    with pytest.MonkeyPatch.context() as patch:
        kind = data.kind
        made_up = {it.name: it for it in (Images, Labelled, Vectors)}
        patch.setattr(data, "kind", lambda name: made_up.get(name) or kind(name))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The study's file, the study, and the folder of its models by system."""
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "tiny.yaml").write_text(STUDY)
    it = study.read(folder / "tiny.yaml")
    for system in it.systems:
        runs.train(it, "mnist", system, 0, [2, 5], None, folder / system)
    return folder / "tiny.yaml", it, folder


def drawn(trained, system, models=None):
    _, it, folder = trained
    return gallery.pictures(it, "mnist", system, 0, models or folder / system)


def as_bytes(values):
    """Values in [0, 1] of one image [C·H·W] as a picture [H, W, C]."""
    images = np.clip(np.rint(values.detach().numpy() * 255), 0, 255).astype(np.uint8)
    return np.moveaxis(images.reshape(-1, *SHAPE), 1, -1)


@torch.no_grad()
def test_components_are_decoded_means_in_the_order_of_their_use(trained):
    _, it, folder = trained
    arrays = drawn(trained, "mog-vae")
    assert arrays["centres"].shape == (2, 100, 6, 8, 3)
    points = Images()
    ((model, _),) = curves.load(it, points, "mog-vae", 0, folder / "mog-vae")
    codes = model.encode(points.batch("validation", slice(None))).double().numpy()
    for cell, dim in enumerate((2, 5)):
        own = load_file(folder / "mog-vae" / f"{dim}.safetensors")
        means, deviations = own["means"].numpy(), np.exp(0.5 * own["log_variances"].numpy())
        logs = norm.logpdf(codes[cell, :, None, :dim], means, deviations).sum(-1)
        use = softmax(logs + own["logits"].numpy(), axis=1).mean(0)
        order = np.argsort(-use)[:100]
        np.testing.assert_allclose(arrays["use"][cell], use[order], rtol=1e-4)
        padded = torch.zeros(2, 120, 32)
        padded[cell, :, :dim] = own["means"]
        expected = as_bytes(model.decode(padded)[cell])[order]
        assert np.array_equal(arrays["centres"][cell], expected)
        assert len(np.unique(expected.reshape(100, -1), axis=0)) > 50


@torch.no_grad()
def test_samples_and_reconstructions_are_images_of_the_nets(trained):
    _, it, folder = trained
    arrays, points = drawn(trained, "one"), Images()
    assert arrays["dims"].tolist() == [2, 5]
    assert arrays["samples"].shape == (2, 64, 6, 8, 3)
    assert set(arrays) == {"dims", "samples", "originals", "reconstructions", "correlation"}
    assert np.array_equal(arrays["originals"], points.test[:8].permute(0, 2, 3, 1).numpy())
    ((model, _),) = curves.load(it, points, "one", 0, folder / "one")
    decoded = model.decode(model.encode(points.batch("test", slice(8))))
    for cell in range(2):
        assert np.array_equal(arrays["reconstructions"][cell], as_bytes(decoded[cell]))
    first, second = arrays["samples"][:, :32], arrays["samples"][:, 32:]
    assert not np.array_equal(first, second)


def test_systems_see_the_same_noise(trained):
    one, other = drawn(trained, "one"), drawn(trained, "other")
    assert np.array_equal(one["samples"], other["samples"])
    assert not np.array_equal(one["samples"][0], one["samples"][1])


def rewritten(path, parameters, about):
    """A cell's file that says something else."""
    store.write_sealed(path, lambda told: save(parameters, {"cell": told}), about)


@pytest.mark.parametrize("how", ["said by its file", "seen in what it draws"])
def test_a_diverged_cell_is_left_out(trained, tmp_path, how):
    _, _, folder = trained
    for dim in (2, 5):
        path = folder / "mog-vae" / f"{dim}.safetensors"
        about, content = store.read_sealed(path)
        parameters = load(content)
        if dim == 2 and how == "said by its file":
            about["diverged"] = 3
        elif dim == 2:
            parameters["means"][0] = torch.nan
        rewritten(tmp_path / path.name, parameters, about)
    arrays, whole = drawn(trained, "mog-vae", tmp_path), drawn(trained, "mog-vae")
    assert arrays["dims"].tolist() == [5]
    for name in ("samples", "reconstructions", "centres", "use"):
        assert np.array_equal(arrays[name], whole[name][1:]), name
    assert np.array_equal(arrays["originals"], whole["originals"])


def test_a_file_has_the_same_bytes_each_time_and_no_date(trained, tmp_path):
    path, _, folder = trained
    files = [tmp_path / "one" / "mog-vae.npz", tmp_path / "mog-vae.npz"]
    for file in files:
        verb = ["gallery", str(path), "--dataset", "mnist", "--system", "mog-vae", "--seed", "0"]
        assert cli.main([*verb, "--models", str(folder / "mog-vae"), "--out", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    with zipfile.ZipFile(files[0]) as archive:
        assert {it.date_time for it in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    with np.load(files[0], allow_pickle=False) as file:
        expected = drawn(trained, "mog-vae")
        assert set(file) == set(expected)
        for name in file:
            np.testing.assert_array_equal(file[name], expected[name])


# Codes.


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """The study of the masked system, and the folder of its models by data set."""
    folder = tmp_path_factory.mktemp("codes")
    (folder / "codes.yaml").write_text(CODES)
    it = study.read(folder / "codes.yaml")
    for dataset, dims in it.datasets.items():
        runs.train(it, dataset, "mask-aae", 0, dims, None, folder / dataset)
    return it, folder


def told(masked, dataset, models=None):
    it, folder = masked
    return gallery.pictures(it, dataset, "mask-aae", 0, models or folder / dataset)


def codes_of(masked, points):
    """The codes [cells, N, width] of the test split."""
    it, folder = masked
    ((model, _),) = curves.load(it, points, "mask-aae", 0, folder / points.name)
    with torch.no_grad():
        return model.encode(points.batch("test", slice(None))).double().numpy()


def test_correlations_and_masks_are_the_cells_own(masked):
    arrays, z = told(masked, "synthetic-8"), codes_of(masked, Vectors())
    assert set(arrays) == {"dims", "correlation", "mask"}
    assert arrays["correlation"].shape == (2, 5, 5)
    for cell, m in enumerate((2, 5)):
        own = arrays["correlation"][cell]
        expected = np.abs(np.corrcoef(z[cell, :, :m].T))
        np.testing.assert_allclose(own[:m, :m], expected, rtol=1e-4, atol=1e-6)
        assert np.isnan(own[m:]).all()
        assert np.isnan(own[:, m:]).all()
        raw = load_file(masked[1] / "synthetic-8" / f"{m}.safetensors")["masking.raw"].numpy()
        np.testing.assert_allclose(arrays["mask"][cell, :m], 1 - np.exp(-raw), rtol=1e-5)
        assert np.isnan(arrays["mask"][cell, m:]).all()


def test_quantiles_are_of_each_coordinate_by_label(masked):
    arrays, z = told(masked, "fashion-mnist"), codes_of(masked, Labelled())
    assert arrays["dims"].tolist() == [0, 1, 3]
    assert arrays["labels"].tolist() == [0, 2, 4]
    assert arrays["quantiles"].shape == (3, 3, 3, 5)
    labels = np.arange(20) % 3 * 2
    for cell, m in enumerate((0, 1, 3)):
        own = arrays["quantiles"][cell]
        assert np.isnan(own[m:]).all()
        for i in range(m):
            for k, label in enumerate((0, 2, 4)):
                expected = np.quantile(z[cell, labels == label, i], [0.05, 0.25, 0.5, 0.75, 0.95])
                np.testing.assert_allclose(own[i, k], expected, rtol=1e-5, atol=1e-7)
    assert np.isnan(arrays["correlation"][0]).all()
    assert arrays["correlation"][1, 0, 0] == pytest.approx(1)


def test_cells_in_stacks_of_their_own_give_the_same(masked, monkeypatch):
    """As convolutional cells are: each is loaded alone, at a width of its own."""
    whole = told(masked, "fashion-mnist")
    monkeypatch.setattr(curves, "stacks", lambda *curve: [[cell] for cell in curve[-1]])
    arrays = told(masked, "fashion-mnist")
    assert arrays.keys() == whole.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, whole[name], err_msg=name)


def test_a_constant_coordinate_has_no_correlation():
    codes = np.random.default_rng(0).normal(size=(50, 4))
    codes[:, 2] = 7
    found = metrics.correlation(codes)
    rest = [0, 1, 3]
    np.testing.assert_allclose(found[np.ix_(rest, rest)], np.abs(np.corrcoef(codes[:, rest].T)))
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()
    assert metrics.correlation(codes[:, :0]).shape == (0, 0)


def test_a_curve_that_diverged_whole_has_arrays_without_cells(masked, tmp_path):
    for path in (masked[1] / "synthetic-8").glob("*.safetensors"):
        about, content = store.read_sealed(path)
        rewritten(tmp_path / path.name, load(content), about | {"diverged": 3})
    arrays = told(masked, "synthetic-8", tmp_path)
    assert {name: it.shape for name, it in arrays.items()} == {
        "dims": (0,),
        "correlation": (0, 0, 0),
    }
