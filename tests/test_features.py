"""Feature extractors: shapes, bounded batches, the shipped weights, and how they are made."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from bench import downloads, features, metrics, store
from bench.data.base import DataSet
from bench.features import classifier, fit, scenes
from bench.features.batches import in_batches
from bench.mistake import Mistake

SIZES = [("colour", (3, 32, 32)), ("colour", (3, 64, 64))]
SIZES += [("digits", (1, 28, 28)), ("fashion", (1, 28, 28))]


class Images(DataSet):
    name, value_range = "points", (0.0, 1.0)


def kind(which, shape=(1, 28, 28)):
    return type("Points", (Images,), {"shape": shape, "classifier": which})


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def glyphs():
    """40 random images with labels, as they lie in a data set."""
    return (255 * random(40, 1, 28, 28)).to(torch.uint8), torch.arange(40) % 10


def test_names_files_and_what_data_lack_import_no_torch():
    program = "import sys, types; from bench import features; print(*features.names());"
    program += "kind = types.SimpleNamespace(shape=(128,), classifier=None);"
    program += "[(features.files(it), features.lack(it, kind)) for it in features.names()];"
    program += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["classifier", "inception", "raw"]


def test_an_unknown_name_is_refused_with_those_there_are():
    message = "no features 'vgg'; there are classifier, inception, raw"
    for function in (features.load, features.lack, features.files):
        with pytest.raises(KeyError, match=message):
            function("vgg", kind("digits"))


def test_raw_features_are_the_data():
    x = torch.arange(12.0).reshape(3, 4)
    raw = features.load("raw", kind(None, (4,)))
    assert (raw.name, raw.width) == ("raw", None)
    np.testing.assert_array_equal(raw(x), x.numpy())
    assert features.lack("raw", kind(None, (4,))) is None
    assert features.files("raw") == features.files("classifier") == ()


def test_data_without_a_classifier_are_refused():
    assert features.lack("classifier", kind("digits")) is None
    assert features.lack("classifier", kind(None)) == "has no classifier"
    with pytest.raises(Mistake, match="no classifier features: points has no classifier"):
        features.load("classifier", kind(None))


@pytest.mark.parametrize("name", ["classifier", "raw"])
def test_a_resizer_that_would_not_be_used_is_refused(name):
    with pytest.raises(Mistake, match=f"{name} features: resizer bicubic; allowed: None"):
        features.load(name, kind("digits"), "bicubic")


# Batches


@pytest.mark.parametrize("count", [0, 1, 7, 8])
def test_batches_are_bounded_and_in_order(count):
    sizes = []

    def double(part):
        sizes.append(len(part))
        return 2 * part[:, :2]

    x = random(count, 3)
    found = in_batches(double, x, width=2, batch=3)
    np.testing.assert_array_equal(found, 2 * x[:, :2].numpy())
    assert found.dtype == np.float32
    assert sizes == [3] * (count // 3) + [count % 3] * (count % 3 > 0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak there")
def test_50_000_colour_images_need_less_than_2_gb():
    """The whole process: torch, 614 MB of images, and their features.

    (`resource.getrusage` would not do: a process starts with the peak of the one that started it.)
    """
    program = """
import pathlib, torch
from bench.features.classifier import Classifier
torch.set_num_threads(1)
assert Classifier("colour")(torch.full((50_000, 3072), 0.5)).shape == (50_000, 64)
print(pathlib.Path("/proc/self/status").read_text())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peak_kib = int(re.search(r"VmHWM:\s+(\d+) kB", done.stdout)[1])
    assert 600_000 < peak_kib < 2_000_000_000 / 1024


# Classifiers


@pytest.mark.parametrize(("which", "shape"), SIZES)
def test_classifier_features_are_the_plain_formula(which, shape):
    """Means of squares, convolution, bias, 2 × 2 maximum and leaky ReLU in NumPy, on one image."""
    weights = {
        name: weight.double().numpy()
        for name, weight in safetensors.torch.load_file(classifier.file(which)).items()
    }

    def leaky(x):
        return np.where(x > 0, x, 0.1 * x)

    def squares(x):
        channels, side, _ = x.shape
        return x.reshape(channels, side // 2, 2, side // 2, 2)

    images = random(3, int(np.prod(shape)))
    x = images[0].double().numpy().reshape(shape)
    if shape[-1] == 64:
        x = squares(x).mean(axis=(2, 4))
    if which == "colour":
        x = 2 * x - 1
    for name in ("conv1", "conv2", "conv3")[: 3 if which == "colour" else 2]:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        size = x.shape[1]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        out = np.zeros((len(weight), size, size)) + bias[:, None, None]
        for i in range(3):
            for j in range(3):
                window = padded[:, i : i + size, j : j + size]
                out += np.einsum("oc,chw->ohw", weight[:, :, i, j], window)
        x = leaky(squares(out).max(axis=(2, 4)))
    expected = leaky(weights["dense.weight"] @ x.ravel() + weights["dense.bias"])
    if which == "colour":
        halves = images[0].double().numpy().reshape(3, 2, shape[1] // 2, 2, shape[2] // 2)
        expected = np.append(expected, 20 * halves.mean(axis=(2, 4)))
    extractor = features.load("classifier", kind(which, shape))
    assert (extractor.name, extractor.width) == ("classifier", 64)
    found = extractor(images)
    assert found.shape == (3, 64)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("which", "shape"), SIZES)
def test_classifier_features_do_not_depend_on_the_batch_size(which, shape):
    images = random(40, int(np.prod(shape)))
    expected = features.load("classifier", kind(which, shape))(images)
    assert np.ptp(expected, axis=0).max() > 0.1 * np.abs(expected).max()
    for batch in (1, 7, 40):
        found = classifier.Classifier(which, batch=batch)(images)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("which", ["digits", "colour"])
@pytest.mark.parametrize("shape", [(5, 128), (5, 1, 28, 28), (784,), (3072,), (5, 27648)])
def test_classifier_refuses_other_shapes(which, shape):
    expected = {
        "digits": "[N, 784] (1 x 28 x 28)",
        "colour": "[N, 3072] (3 x 32 x 32) or [N, 12288] (3 x 64 x 64)",
    }[which]
    with pytest.raises(Mistake, match=re.escape(f"{which} classifier: images {list(shape)}, not ")):
        features.load("classifier", kind(which))(torch.zeros(shape))
    with pytest.raises(Mistake, match=re.escape(expected)):
        features.load("classifier", kind(which))(torch.zeros(shape))


# Weights


@pytest.mark.parametrize("which", classifier.NETS)
def test_shipped_weights_are_the_pinned_ones_and_small(which):
    path = classifier.file(which)
    assert store.sha256(path) == classifier.NETS[which].sha256
    assert path.stat().st_size <= 1_000_000
    weights = safetensors.torch.load_file(path)
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == {
        name: shape
        for layer, weight in classifier.shapes(which).items()
        for name, shape in ((f"{layer}.weight", weight), (f"{layer}.bias", weight[:1]))
    }


def test_the_digit_classifier_stays_as_it_was():
    """Published distances were measured on it."""
    pinned = "b1c3405fbc93df1a584690e0a62875c62aab978cb4d48c13dff285b0aa9f7a3f"
    assert store.sha256(classifier.file("digits")) == pinned


def other(which):
    """The weights of another classifier: of the same shapes, where there are such."""
    return classifier.file({"digits": "fashion", "fashion": "digits", "colour": "digits"}[which])


DAMAGE = {
    "corrupt": lambda content, which: content[:-1] + bytes([content[-1] ^ 1]),
    "truncated": lambda content, which: content[:-100],
    "empty": lambda content, which: b"",
    "swapped": lambda content, which: other(which).read_bytes(),
    "mislabelled": lambda content, which: b"PK\x03\x04" + content,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", classifier.NETS)
def test_weights_that_are_not_the_published_ones_are_refused(tmp_path, which, damage):
    path = tmp_path / f"{which}.safetensors"
    path.write_bytes(DAMAGE[damage](classifier.file(which).read_bytes(), which))
    expected = f"{path} is truncated, altered or another file: its SHA-256 is "
    with pytest.raises(downloads.DataError, match=re.escape(expected)):
        classifier.Classifier(which, path)


def test_missing_weights_are_refused(tmp_path):
    with pytest.raises(downloads.DataError, match=re.escape(f"{tmp_path}/digits.safetensors")):
        classifier.Classifier("digits", tmp_path / "digits.safetensors")


# How they are made


@pytest.mark.parametrize("which", ["colour", "digits"])
def test_fitting_twice_gives_the_same_bytes_on_one_thread_or_two(glyphs, which):
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    try:
        made = []
        for count in (1, 2):
            torch.set_num_threads(count)
            made.append(safetensors.torch.save(fit.fit(which, *glyphs, steps=5, batch=16)))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert made[0] == made[1]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_fitting_learns(glyphs):
    """Random labels of 40 random images can only be found by having learnt them."""
    assert fit.accuracy("digits", fit.fit("digits", *glyphs, steps=1, batch=40), *glyphs) < 0.5
    assert fit.accuracy("digits", fit.fit("digits", *glyphs, steps=150, batch=40), *glyphs) > 0.9


def test_a_second_sets_labels_go_on(real_mnist, real_fashion):
    images, labels = fit.examples("colour", "validation")
    assert images.shape == (20_000, 1, 28, 28)
    assert torch.equal(images[10_000:], real_fashion.validation)
    assert torch.equal(labels[:10_000], real_mnist.labels("validation"))
    assert torch.equal(labels[10_000:], real_fashion.labels("validation") + 10)


def test_an_unknown_classifier_is_refused(tmp_path):
    with pytest.raises(Mistake, match="no classifier 'faces'; there are colour, digits, fashion"):
        fit.train("faces", tmp_path / "faces.safetensors")


def test_training_writes_a_file_and_tells_its_validation_accuracy(
    real_mnist, tmp_path, monkeypatch
):
    monkeypatch.setattr(fit, "STEPS", 20)
    out = tmp_path / "digits.safetensors"
    found = fit.train("digits", out)
    weights = safetensors.torch.load_file(out)
    images, labels = fit.examples("digits", "validation")
    assert torch.equal(images, real_mnist.validation)
    assert found == fit.accuracy("digits", weights, images, labels) > 0.3


@pytest.mark.parametrize(
    ("which", "expected"), [("digits", 0.9902), ("fashion", 0.9043), ("colour", 0.8950)]
)
@pytest.mark.usefixtures("real_mnist", "real_fashion")
def test_classifiers_find_the_labels_of_the_test_split(which, expected):
    weights = safetensors.torch.load_file(classifier.file(which))
    images, labels = fit.examples(which, "test")
    assert fit.accuracy(which, weights, images, labels) == pytest.approx(expected, abs=0.0005)


@pytest.mark.parametrize("which", ["digits", "fashion"])
def test_frechet_on_classifier_features_tells_real_from_noise(which, request):
    real = request.getfixturevalue({"digits": "real_mnist", "fashion": "real_fashion"}[which])
    extractor = features.load("classifier", real)
    test = extractor(real.batch("test", slice(None)))
    held_out = extractor(real.batch("validation", slice(None)))
    noise = extractor(random(10_000, 784))
    floor, ceiling = metrics.fid(held_out, test), metrics.fid(noise, test)
    assert 0 < floor < 2
    assert ceiling > 100 * floor


@pytest.mark.usefixtures("real_mnist", "real_fashion")
def test_frechet_on_colour_features_tells_scenes_from_altered_ones():
    """Grey, blurred, and with the two halves changed over: each far beyond other scenes."""

    def shown(split, seed):
        glyphs = fit.examples("colour", split)[0][::5] / 255
        return scenes.compose(glyphs, torch.Generator().manual_seed(seed))

    def features_of(x):
        return classifier.Classifier("colour")(x.flatten(1))

    test, held_out = shown("test", 0), shown("validation", 1)
    target = features_of(test)
    floor = metrics.fid(features_of(held_out), target)
    assert 0 < floor < 2
    grey = held_out.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    blurred = torch.nn.functional.avg_pool2d(held_out, 3, 1, 1)
    for altered in (grey, blurred, held_out.flip(2)):
        assert metrics.fid(features_of(altered), target) > 10 * floor


# Scenes


def test_scenes_are_images_and_come_from_the_generator_alone():
    state = torch.random.get_rng_state()
    glyphs = random(200, 1, 28, 28)
    once, again, another = (
        scenes.compose(glyphs, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert once.shape == (200, 3, 32, 32)
    assert 0 <= once.min() < 0.01
    assert 0.99 < once.max() <= 1
    assert torch.equal(once, again)
    assert (once - another).abs().mean() > 0.1
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_empty_glyph_leaves_a_ground_whose_colour_changes_evenly():
    ground = scenes.compose(torch.zeros(50, 1, 28, 28), torch.Generator().manual_seed(1))
    for axis in (2, 3):
        assert ground.diff(n=2, dim=axis).abs().max() < 1e-5
    assert ground.diff(dim=2).abs().amax(dim=(1, 2, 3)).median() > 1e-3


def test_a_full_glyph_is_a_square_of_the_promised_sizes_in_the_other_tone():
    seed = torch.Generator().manual_seed
    ground = scenes.compose(torch.zeros(200, 1, 28, 28), seed(1))
    change = scenes.compose(torch.ones(200, 1, 28, 28), seed(1)) - ground
    middle = change[:, :, 16, 16]
    assert (middle.sign() == middle[:, :1].sign()).all()
    # At the exact middle of both gradients it would be 0.25 to 0.75.
    assert middle.abs().min() > 0.2
    assert middle.abs().max() < 0.8
    assert 0.3 < (middle[:, 0] > 0).double().mean() < 0.7
    covered = (change.abs() > 0.02).all(dim=1).double().mean(dim=(1, 2))
    assert 0.75**2 - 0.08 < covered.min() < 0.65
    assert covered.max() > 0.9
