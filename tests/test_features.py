"""Feature extractors: shapes, bounded batches, the shipped weights, and how they are made."""

import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch

from bench import features, metrics, store
from bench.features import digits


@pytest.fixture
def images():
    return torch.rand(40, 784, generator=torch.Generator().manual_seed(0))


def test_names_are_sorted_and_import_no_torch():
    program = "import sys; from bench import features; print(*features.names());"
    program += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["classifier", "raw"]


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="no features 'inception'; there are classifier, raw"):
        features.load("inception")


def test_raw_features_are_the_data():
    x = torch.arange(12.0).reshape(3, 4)
    raw = features.load("raw")
    assert (raw.name, raw.width) == ("raw", None)
    np.testing.assert_array_equal(raw(x), x.numpy())


def test_classifier_features_are_the_plain_formula(images):
    """Convolution, bias, 2 × 2 maximum and leaky ReLU in NumPy, on one image."""
    weights = {
        k: v.double().numpy() for k, v in safetensors.torch.load_file(digits.WEIGHTS).items()
    }

    def leaky(x):
        return np.where(x > 0, x, 0.1 * x)

    x = images[0].double().numpy().reshape(1, 28, 28)
    for name in ("conv1", "conv2"):
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        size = x.shape[1]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        out = np.zeros((len(weight), size, size)) + bias[:, None, None]
        for i in range(3):
            for j in range(3):
                window = padded[:, i : i + size, j : j + size]
                out += np.einsum("oc,chw->ohw", weight[:, :, i, j], window)
        x = leaky(out.reshape(len(weight), size // 2, 2, size // 2, 2).max(axis=(2, 4)))
    expected = leaky(weights["dense.weight"] @ x.ravel() + weights["dense.bias"])
    found = features.load("classifier")(images)
    assert found.shape == (40, 64)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_classifier_features_do_not_depend_on_the_batch_size(images, batch):
    expected = features.load("classifier")(images)
    found = digits.Classifier(batch=batch)(images)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("shape", [(5, 128), (5, 3072), (5, 1, 28, 28), (784,)])
def test_classifier_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="28 x 28 grey"):
        features.load("classifier")(torch.zeros(shape))


def test_shipped_weights_are_the_pinned_ones_and_small():
    assert store.sha256(digits.WEIGHTS) == digits.SHA256
    assert digits.WEIGHTS.stat().st_size <= 1_000_000


def test_altered_weights_are_refused_by_name(tmp_path):
    content = bytearray(digits.WEIGHTS.read_bytes())
    content[-1] ^= 1
    altered = tmp_path / "digits.safetensors"
    altered.write_bytes(content)
    with pytest.raises(ValueError, match="SHA-256") as error:
        digits.Classifier(altered)
    assert str(altered) in str(error.value)


def test_fitting_twice_gives_the_same_bytes_on_one_thread_or_two(images):
    labels = torch.arange(40) % 10
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    try:
        made = []
        for count in (1, 2):
            torch.set_num_threads(count)
            made.append(safetensors.torch.save(digits.fit(images, labels, steps=5, batch=16)))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert made[0] == made[1]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_fitting_learns(images):
    """Random labels of 40 random images can only be found by having learnt them."""
    labels = torch.arange(40) % 10
    assert digits.accuracy(digits.fit(images, labels, steps=1, batch=40), images, labels) < 0.5
    assert digits.accuracy(digits.fit(images, labels, steps=150, batch=40), images, labels) > 0.9


def test_classifier_finds_the_digits_of_the_test_split(real_mnist):
    weights = safetensors.torch.load_file(digits.WEIGHTS)
    found = digits.accuracy(
        weights, real_mnist.batch("test", slice(None)), real_mnist.labels("test")
    )
    assert found == pytest.approx(0.9902, abs=0.0005)


def test_frechet_on_classifier_features_tells_real_from_noise(real_mnist):
    classifier = features.load("classifier")
    assert classifier.width == 64
    test = classifier(real_mnist.batch("test", slice(None)))
    held_out = classifier(real_mnist.batch("validation", slice(None)))
    noise = classifier(torch.rand(10_000, 784, generator=torch.Generator().manual_seed(0)))
    floor, ceiling = metrics.fid(held_out, test), metrics.fid(noise, test)
    assert 0 < floor < 2
    assert ceiling > 100 * floor


def test_training_writes_a_file_and_tells_its_validation_accuracy(
    real_mnist, tmp_path, monkeypatch
):
    whole = digits.fit
    monkeypatch.setattr(digits, "fit", lambda images, labels: whole(images, labels, steps=20))
    out = tmp_path / "digits.safetensors"
    found = digits.train(out)
    weights = safetensors.torch.load_file(out)
    assert {name: tuple(w.shape) for name, w in weights.items()} == {
        name: tuple(w.shape) for name, w in safetensors.torch.load_file(digits.WEIGHTS).items()
    }
    images, labels = real_mnist.batch("validation", slice(None)), real_mnist.labels("validation")
    assert found == digits.accuracy(weights, images, labels) > 0.3
