"""Data sets: sizes, fingerprints, the generator's mathematics; missing and altered files."""

import gzip
import hashlib
import http.client
import io
import json
import math
import shutil
import subprocess
import sys
import types
import urllib.error

import numpy as np
import pytest
import torch

from bench import data, downloads
from bench.data import mnist, synthetic_8

FILES = [name for name, _ in mnist.DataSet.source.resources]


@pytest.fixture(scope="module", params=["synthetic-8", "synthetic-16"])
def synthetic(request):
    return data.load(request.param)


def test_names_are_sorted_and_import_no_torch():
    program = (
        "import sys; from bench import data; data.DataError; print(*data.names());"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert names == sorted(names)
    assert set(names) >= {"celeba-128", "celeba-140", "cifar10", "fashion-mnist", "mnist"}
    assert set(names) >= {"synthetic-16", "synthetic-8"}


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="no data set 'mnits'; there are celeba-128, celeba-140"):
        data.load("mnits")


@pytest.mark.parametrize("name", [it for it in data.names() if not data.kind(it).files()])
def test_what_is_made_is_as_stated_and_the_same_every_time(name):
    made, kind = data.load(name), data.kind(name)
    assert kind.name == name
    for split, size in kind.sizes.items():
        points, labels = getattr(made, split), made.labels(split)
        assert points.shape == (size, *kind.shape)
        assert points.dtype in (torch.float32, torch.uint8)
        assert (labels is not None) == kind.labelled
        batch = made.batch(split, slice(None))
        assert batch.isfinite().all()
        low, high = kind.value_range or (-math.inf, math.inf)
        assert low <= batch.min() < batch.max() <= high
    assert data.load(name).fingerprint() == made.fingerprint()


# Synthetic


def test_synthetic_shapes_and_standardisation(synthetic):
    assert synthetic.shape == (128,)
    assert synthetic.value_range is None
    assert synthetic.train.shape == (50_000, 128)
    assert synthetic.validation.shape == synthetic.test.shape == (10_000, 128)
    assert synthetic.train.dtype == torch.float32
    assert synthetic.labels("train") is None
    train = synthetic.train.double()
    torch.testing.assert_close(train.mean(0), torch.zeros(128).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        train.std(0, correction=0), torch.ones(128).double(), atol=1e-6, rtol=0
    )
    assert synthetic.test.mean(0).abs().max() < 0.05  # standardised by train, not by itself
    assert synthetic.test.mean(0).abs().max() > 1e-4


def test_synthetic_bytes_are_everyones():
    """Whoever changes these changes every number ever measured on the data."""
    for name, expected in {
        "synthetic-8": "c0b2a19b11f6174fbe055fe74c9d27e373f53dcd4c6d83b4aeccc6738d6113f4",
        "synthetic-16": "ef39b2f456f27e8fa57e29bfc2a998ff8efb90ca9674f5bb5e9f092f0468c944",
    }.items():
        assert data.load(name).fingerprint()["sha256"]["train"] == expected


def test_synthetic_net_is_exact_so_that_no_order_of_summation_changes_it():
    """Each layer in 64-bit integers, where sums are exact, against float64."""
    made = synthetic_8.DataSet()
    z, weights = made._latents("test")[:300], made._weights()
    exact = (z * 2**16).numpy().astype(np.int64)
    for layer, weight in enumerate(weights):
        exact = (exact @ (weight * 2**16).numpy().astype(np.int64)) / 2.0**16
        if layer < len(weights) - 1:
            exact = np.where(exact > 0, exact, (exact / 2**16) * 0.2 * 2**16)
        exact = np.round(exact).astype(np.int64)
    found = synthetic_8._net(weights, z)
    np.testing.assert_array_equal((found * 2**16).numpy().astype(np.int64), exact)


def test_synthetic_weights_keep_the_scale_of_their_layers():
    """He-normal for slope 0.2, and 1 / fan-in for the last, linear layer."""
    first, second, last = synthetic_8.DataSet()._weights()
    assert first.shape == (8, 128)
    for weight, gain in ((first, 2 / 1.04), (second, 2 / 1.04), (last, 1.0)):
        expected = math.sqrt(gain / len(weight))
        assert weight.std().item() == pytest.approx(expected, rel=0.1)


def test_every_latent_dimension_matters_and_there_are_no_more(synthetic):
    """The Jacobian of f has rank n, and no direction of z is nearly lost."""
    weights, z = synthetic._weights(), synthetic._latents("test")[:50]
    for point in z:
        jacobian = torch.eye(synthetic.true_dim, dtype=torch.float64)
        for weight in weights[:-1]:
            point = point @ weight
            jacobian = (jacobian @ weight) * torch.where(point > 0, 1.0, 0.2)
            point = torch.nn.functional.leaky_relu(point, 0.2)
        values = torch.linalg.svdvals(jacobian @ weights[-1])
        assert values[-1] > 0.1 * values[0]


def test_synthetic_splits_are_different_draws(synthetic):
    assert (
        len({bytes(split[0].numpy()) for split in map(synthetic._latents, synthetic_8.SIZES)}) == 3
    )


def test_batches_of_vectors(synthetic):
    index = torch.tensor([4, 0, 4])
    batch = synthetic.batch("test", index)
    assert batch.dtype == torch.float32
    assert torch.equal(batch, synthetic.test[[4, 0, 4]])


def test_loading_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    data.load("synthetic-8")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_classes_know_how_many_points_their_splits_have(synthetic, real_mnist, real_fashion):
    for it in (synthetic, real_mnist, real_fashion):
        assert type(it).sizes == it.fingerprint()["sizes"]


def test_fingerprint_is_json_and_tells_splits_apart(synthetic):
    found = synthetic.fingerprint()
    assert json.loads(json.dumps(found)) == found
    assert found["sizes"] == {"test": 10_000, "train": 50_000, "validation": 10_000}
    digest = hashlib.sha256(synthetic.test.numpy().tobytes()).hexdigest()
    assert found["sha256"]["test"] == digest
    assert len(set(found["sha256"].values())) == 3


# MNIST's format, on small files


def idx(array):
    """The IDX format as http://yann.lecun.com/exdb/mnist describes it, gzipped."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small data set in MNIST's format: its arrays, class, root and folder; no network."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (7, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte.gz": rng.integers(0, 10, 7, dtype=np.uint8),
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte.gz": rng.integers(0, 10, 3, dtype=np.uint8),
    }
    files = {name: idx(array) for name, array in arrays.items()}

    class Source:
        mirrors = ["https://one.invalid/", "https://two.invalid/"]
        resources = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]

    class DataSet(mnist.DataSet):
        name = "small"
        source = Source

    folder = tmp_path / "Source" / "raw"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    monkeypatch.setattr(mnist, "VALIDATION", 2)
    monkeypatch.setattr(downloads.urllib.request, "urlopen", offline)
    return types.SimpleNamespace(
        arrays=arrays, files=files, DataSet=DataSet, root=tmp_path, folder=folder
    )


def offline(url, timeout):
    raise urllib.error.URLError("no network")


def test_images_labels_and_splits_are_read_as_they_are_in_the_files(small):
    images, labels, test_images, test_labels = small.arrays.values()
    found = small.DataSet(small.root)
    np.testing.assert_array_equal(found.train.numpy(), images[:5, None])
    np.testing.assert_array_equal(found.validation.numpy(), images[5:, None])
    np.testing.assert_array_equal(found.test.numpy(), test_images[:, None])
    assert found.labels("train").dtype == torch.int64
    np.testing.assert_array_equal(found.labels("validation").numpy(), labels[5:])
    np.testing.assert_array_equal(found.labels("test").numpy(), test_labels)


def test_batches_of_images_are_flat_and_between_zero_and_one(small):
    batch = small.DataSet(small.root).batch("train", torch.tensor([3, 1]))
    expected = small.arrays["train-images-idx3-ubyte.gz"][[3, 1]].reshape(2, 784) / 255
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(batch.numpy(), expected, rtol=1e-7)


def test_the_root_is_the_argument_else_the_environment(small, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_DATA", str(small.root))
    assert len(small.DataSet().train) == 5
    with pytest.raises(data.DataError, match="elsewhere"):
        small.DataSet(tmp_path / "elsewhere")
    monkeypatch.delenv("BENCH_DATA")
    monkeypatch.setattr(downloads.platformdirs, "user_cache_dir", lambda *a, **k: str(small.root))
    assert len(small.DataSet().train) == 5


def test_reading_writes_nothing_and_never_reads_unpacked_files(small):
    for name in small.files:
        (small.folder / name.removesuffix(".gz")).write_bytes(b"altered")
    before = sorted(small.root.rglob("*"))
    assert len(small.DataSet(small.root).train) == 5
    assert sorted(small.root.rglob("*")) == before


@pytest.mark.parametrize("name", FILES)
def test_missing_and_not_to_be_had_names_folder_and_files(small, name):
    (small.folder / name).unlink()
    with pytest.raises(data.DataError) as error:
        small.DataSet(small.root)
    message = str(error.value)
    assert "\n" not in message
    assert str(small.folder) in message
    assert "no network" in message
    assert all(file in message for file in FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["truncated", "altered", "empty"])
def test_truncated_and_altered_files_are_refused(small, name, how):
    content = small.files[name]
    spoilt = {
        "truncated": content[:-1],
        "altered": content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        "empty": b"",
    }[how]
    (small.folder / name).write_bytes(spoilt)
    with pytest.raises(data.DataError) as error:
        small.DataSet(small.root)
    message = str(error.value)
    assert "\n" not in message
    assert str(small.folder / name) in message
    assert hashlib.md5(spoilt).hexdigest() in message
    assert hashlib.md5(content).hexdigest() in message
    assert (small.folder / name).read_bytes() == spoilt


def test_missing_files_are_downloaded_from_the_first_mirror_that_has_them(small, monkeypatch):
    shutil.rmtree(small.folder)

    def online(url, timeout):
        mirror, name = url.rsplit("/", 1)
        if mirror == "https://one.invalid":
            offline(url, timeout)
        path = small.root / "served" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(small.files[name])
        return path.open("rb")

    monkeypatch.setattr(downloads.urllib.request, "urlopen", online)
    assert len(small.DataSet(small.root).train) == 5
    assert {p.name: p.read_bytes() for p in small.folder.iterdir()} == small.files


def test_a_download_that_is_another_file_is_not_kept(small, monkeypatch):
    (small.folder / FILES[2]).unlink()
    page = small.root / "page.html"
    page.write_bytes(b"<html>log in first</html>")
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda url, timeout: page.open("rb"))
    with pytest.raises(data.DataError, match="sent another file"):
        small.DataSet(small.root)
    assert not (small.folder / FILES[2]).exists()


def test_a_root_that_cannot_hold_the_files_is_one_line(small):
    page = small.root / "a-file"
    page.write_text("")
    with pytest.raises(data.DataError, match="a-file") as error:
        small.DataSet(page)
    assert "\n" not in str(error.value)


# Any file from outside


@pytest.mark.parametrize("get", [downloads.read, downloads.verified])
def test_a_file_is_checked_by_sha256_too_and_never_replaced(tmp_path, monkeypatch, get):
    path, content = tmp_path / "weights.pth", b"weights"
    path.write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert get(path, expected) == {downloads.read: content, downloads.verified: path}[get]
    path.write_bytes(b"altered")
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(content))
    with pytest.raises(data.DataError, match=f"weights.pth .* SHA-256 .* expected {expected}"):
        get(path, expected, ["https://one.invalid/weights.pth"])
    assert path.read_bytes() == b"altered"
    path.unlink()
    get(path, expected, ["https://one.invalid/weights.pth"])
    assert path.read_bytes() == content


@pytest.mark.parametrize("get", [downloads.read, downloads.verified])
def test_a_file_with_no_source_that_is_missing_or_a_folder_is_named(tmp_path, get):
    with pytest.raises(data.DataError, match="weights.pth is missing; put it there"):
        get(tmp_path / "weights.pth", "0" * 64, advice="put it there")
    with pytest.raises(data.DataError, match=f"{tmp_path} cannot be read"):
        get(tmp_path, "0" * 64)


def test_a_download_that_breaks_off_leaves_nothing_and_the_next_source_is_tried(
    tmp_path, monkeypatch
):
    content = bytes(range(256)) * 9000  # more than one chunk
    path = tmp_path / "file"

    class Broken(io.BytesIO):
        def read(self, size):
            if self.tell():
                raise http.client.IncompleteRead(b"")
            return super().read(size)

    answers = {"https://a.invalid/file": Broken(content)}
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda url, timeout: answers[url])
    expected = hashlib.md5(content).hexdigest()
    with pytest.raises(data.DataError, match="https://a.invalid/file: IncompleteRead"):
        downloads.verified(path, expected, ["https://a.invalid/file"])
    assert list(tmp_path.iterdir()) == []
    answers = {
        "https://a.invalid/file": Broken(content),
        "https://b.invalid/file": io.BytesIO(content),
    }
    downloads.verified(path, expected, list(answers))
    assert path.read_bytes() == content


@pytest.mark.parametrize(("size", "terminal"), [(9e6, True), (9e6, False), (1e3, True)])
def test_large_downloads_show_their_progress_on_a_terminal(
    tmp_path, monkeypatch, capsys, size, terminal
):
    answer = io.BytesIO(bytes(int(size)))
    answer.length = int(size)
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda url, timeout: answer)
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: terminal)
    downloads.from_web("https://one.invalid/large.zip", tmp_path / "large.zip")
    assert ("large.zip" in capsys.readouterr().err) == (terminal and size > 4e6)


# MNIST itself


def test_mnist_is_what_torchvision_would_read(real_mnist, tmp_path):
    """torchvision's own reader, on a copy that it may unpack."""
    torchvision = pytest.importorskip("torchvision")
    found = real_mnist
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for archive in mnist.DataSet.files():
        content = gzip.decompress(archive.read_bytes())
        (raw / archive.stem).write_bytes(content)
    train = torchvision.datasets.MNIST(tmp_path, train=True)
    test = torchvision.datasets.MNIST(tmp_path, train=False)
    images = torch.cat([found.train, found.validation])
    labels = torch.cat([found.labels("train"), found.labels("validation")])
    assert found.train.shape == (50_000, 1, 28, 28)
    assert torch.equal(images.squeeze(1), train.data)
    assert torch.equal(labels, train.targets)
    assert torch.equal(found.test.squeeze(1), test.data)
    assert torch.equal(found.labels("test"), test.targets)
    assert found.true_dim is None
    assert found.value_range == (0.0, 1.0)
