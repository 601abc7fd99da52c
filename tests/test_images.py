"""Image data sets in their real formats, on small files: what is read, and what is refused."""

import gzip
import hashlib
import io
import itertools
import pickle
import re
import shutil
import tarfile
import types
import urllib.error
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from bench import data, downloads
from bench.data import celeba_128, celeba_140, cifar10, fashion_mnist, mnist, prepared

MNIST_TEST = "a0863a96c44e5666edbb30c4071ee79ca0514c621e6349c5967fc78e7305c891"
FASHION_TEST = "9a494dc49efeb996f4076c469b31cd058152067b1594ba6ab85dd739fce3775e"
TENSORS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test downloads anything."""

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(downloads.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(celeba_140, "download_file_from_google_drive", refuse)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def refused(make, *named):
    """The one line with which `make` refuses, which names these."""
    with pytest.raises(data.DataError) as error:
        make()
    message = str(error.value)
    assert "\n" not in message
    for name in named:
        assert str(name) in message
    return message


# The sets in small


def write_idx(folder, sizes, seed):
    """MNIST's format: gzipped, 2 zero bytes, type 8, rank, big-endian sizes, bytes."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    arrays = {}
    for part, size in zip(("train", "t10k"), sizes, strict=True):
        arrays[f"{part}-images-idx3-ubyte.gz"] = rng.integers(0, 256, (size, 28, 28), np.uint8)
        arrays[f"{part}-labels-idx1-ubyte.gz"] = rng.integers(0, 10, size, np.uint8)
    for name, array in arrays.items():
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (folder / name).write_bytes(gzip.compress(head + array.tobytes(), mtime=0))
    return arrays


def small_idx(cls, monkeypatch, root, sizes=(7, 3), seed=0):
    folder = root / cls.source.__name__ / "raw"
    arrays = write_idx(folder, sizes, seed)
    resources = [(name, md5(folder / name)) for name, _ in cls.source.resources]
    monkeypatch.setattr(cls.source, "resources", resources)
    monkeypatch.setattr(mnist, "VALIDATION", 2)
    images, labels, test_images, test_labels = (arrays[name] for name, _ in resources)
    return {
        "train": (images[:5, None], labels[:5]),
        "validation": (images[5:, None], labels[5:]),
        "test": (test_images[:, None], test_labels),
    }


class Python2Pickler(pickle._Pickler):
    """Pickles as CIFAR-10's authors did: bytes and text are both strings, NumPy has its old names.

    (The pickler in C cannot be overridden so.)
    """

    dispatch = dict(pickle._Pickler.dispatch)

    def __init__(self, file):
        super().__init__(file, protocol=2)

    def save_string(self, value):
        content = value if isinstance(value, bytes) else value.encode("ascii")
        self.write(pickle.BINSTRING + len(content).to_bytes(4, "little") + content)
        self.memoize(value)

    def save_global(self, value, name=None):
        module = {"numpy._core.multiarray": "numpy.core.multiarray"}.get(value.__module__)
        module = module or value.__module__
        self.write(pickle.GLOBAL + f"{module}\n{name or value.__qualname__}\n".encode("ascii"))
        self.memoize(value)

    dispatch[bytes] = dispatch[str] = save_string
    dispatch[types.FunctionType] = dispatch[types.BuiltinFunctionType] = save_global
    dispatch[type] = save_global


def python2_pickle(value):
    file = io.BytesIO()
    Python2Pickler(file).dump(value)
    return file.getvalue()


def small_cifar(monkeypatch, root):
    """The folder as extracted; its batches, of 3 images each, and the hashes are small ones."""
    source, rng = cifar10.DataSet.source, np.random.default_rng(1)
    folder = root / source.base_folder
    folder.mkdir()
    images, labels = [], []
    for number, (name, _) in enumerate(source.train_list + source.test_list):
        images.append(rng.integers(0, 256, (3, 3072), np.uint8))
        labels.append(rng.integers(0, 10, 3).tolist())
        content = {
            "batch_label": f"batch {number}",
            "labels": labels[-1],
            "data": images[-1],
            "filenames": ["a.png", "b.png", "c.png"],
        }
        (folder / name).write_bytes(python2_pickle(content))
    meta = {"label_names": list("abcdefghij")}
    (folder / source.meta["filename"]).write_bytes(python2_pickle(meta))
    monkeypatch.setattr(source, "meta", {**source.meta, "md5": md5(folder / "batches.meta")})
    for part in ("train_list", "test_list"):
        known = [[name, md5(folder / name)] for name, _ in getattr(source, part)]
        monkeypatch.setattr(source, part, known)
    monkeypatch.setattr(cifar10, "VALIDATION", 4)
    points, classes = np.concatenate(images).reshape(-1, 3, 32, 32), np.concatenate(labels)
    cuts = {"train": slice(0, 11), "validation": slice(11, 15), "test": slice(15, 18)}
    return {split: (points[cut], classes[cut]) for split, cut in cuts.items()}


def archived(monkeypatch, root):
    """Replace CIFAR-10's folder by the archive that is downloaded."""
    source = cifar10.DataSet.source
    archive = root / source.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(root / source.base_folder, source.base_folder)
    shutil.rmtree(root / source.base_folder)
    monkeypatch.setattr(source, "tgz_md5", md5(archive))
    return archive


FACES = {"train": (1, 2, 3), "validation": (4, 5), "test": (6, 7)}


def small_celeba(monkeypatch, root):
    """Seven JPEG faces of CelebA's size in its archive, and its partition list; the faces."""
    folder = root / "celeba"
    folder.mkdir()
    rng, faces, lines = np.random.default_rng(2), {}, []
    with zipfile.ZipFile(folder / celeba_140.ARCHIVE, "w") as archive:
        for part, numbers in enumerate(FACES.values()):
            for number in numbers:
                coarse = Image.fromarray(rng.integers(0, 256, (16, 13, 3), np.uint8))
                file = io.BytesIO()
                coarse.resize((178, 218), Image.Resampling.BICUBIC).save(file, "JPEG")
                archive.writestr(f"img_align_celeba/{number:06}.jpg", file.getvalue())
                faces[number] = np.asarray(Image.open(file))
                lines.append(f"{number:06}.jpg {part}")
    (folder / celeba_140.PARTITION).write_text("\n".join(lines) + "\n")
    known = [
        (file_id, md5(folder / name) if (folder / name).exists() else found, name)
        for file_id, found, name in torchvision.datasets.CelebA.file_list
    ]
    monkeypatch.setattr(torchvision.datasets.CelebA, "file_list", known)
    return faces


@pytest.fixture
def idx(monkeypatch, tmp_path):
    """MNIST and Fashion-MNIST in small, in one data root."""
    return {
        "mnist": small_idx(mnist.DataSet, monkeypatch, tmp_path, seed=0),
        "fashion-mnist": small_idx(fashion_mnist.DataSet, monkeypatch, tmp_path, seed=3),
    }


@pytest.fixture
def cifar(monkeypatch, tmp_path):
    return small_cifar(monkeypatch, tmp_path)


@pytest.fixture
def faces(monkeypatch, tmp_path):
    return small_celeba(monkeypatch, tmp_path)


def same(found, expected):
    for split, (images, labels) in expected.items():
        np.testing.assert_array_equal(getattr(found, split).numpy(), images)
        assert getattr(found, split).dtype == torch.uint8
        np.testing.assert_array_equal(found.labels(split).numpy(), labels)
        assert found.labels(split).dtype == torch.int64


# Every way of being another file, for every file of every set


SPOILT = ("corrupt", "truncated", "empty")


def spoil(path, how):
    content = path.read_bytes()
    middle = len(content) // 2
    spoilt = {
        "corrupt": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "truncated": content[:-1],
        "empty": b"",
    }[how]
    path.write_bytes(spoilt)


def swap(one, other):
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def all_refused(load, files, other):
    """Each of `files` spoilt, exchanged with another, or replaced by another of the set or by
    `other`, which is of another set: `load` refuses it, naming the file, its hash and the one
    expected."""
    whole = {path: path.read_bytes() for path in files}

    def refuses(*paths):
        message = refused(load)
        path = next(path for path in paths if f"{path} " in message)
        assert md5(path) in message
        assert hashlib.md5(whole[path]).hexdigest() in message
        for path in paths:
            path.write_bytes(whole[path])

    for path in files:
        for how in SPOILT:
            spoil(path, how)
            refuses(path)
        path.write_bytes(other.read_bytes())
        refuses(path)
    for one, two in itertools.combinations(files, 2):
        one.write_bytes(whole[two])
        refuses(one)
        two.write_bytes(whole[one])
        refuses(two)
        swap(one, two)
        refuses(one, two)
    load()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_files_that_are_not_the_set_s_are_refused_by_name(idx, tmp_path, name):
    other = {"mnist": fashion_mnist, "fashion-mnist": mnist}[name].DataSet.files(tmp_path)
    files = data.kind(name).files(tmp_path)
    assert len(files) == 4
    all_refused(lambda: data.load(name, tmp_path), files, other[0])
    for mine, theirs in zip(files, other, strict=True):  # the same name in the other set
        whole = mine.read_bytes()
        mine.write_bytes(theirs.read_bytes())
        refused(lambda: data.load(name, tmp_path), mine)
        mine.write_bytes(whole)


def test_cifar_batches_that_are_not_the_set_s_are_refused_by_name(cifar, tmp_path):
    files = cifar10.DataSet.files(tmp_path)
    assert [file.name for file in files][-2:] == ["data_batch_5", "test_batch"]
    meta = files[0].with_name("batches.meta")
    all_refused(lambda: data.load("cifar10", tmp_path), files, meta)


def test_cifar_archives_that_are_not_the_set_s_are_refused_by_name(cifar, monkeypatch, tmp_path):
    archive = archived(monkeypatch, tmp_path)
    other = tmp_path / "cifar-100-python.tar.gz"
    with tarfile.open(other, "w:gz") as tar:
        tar.add(Path(__file__), "cifar-100-python/train")
    assert cifar10.DataSet.files(tmp_path) == (archive,)
    all_refused(lambda: data.load("cifar10", tmp_path), [archive], other)


@pytest.mark.parametrize("name", ["celeba-140", "celeba-128"])
def test_celeba_files_that_are_not_the_set_s_are_refused_by_name(faces, tmp_path, name):
    files = data.kind(name).files(tmp_path)
    other = tmp_path / "celeba" / "list_attr_celeba.txt"
    other.write_text("7\nSmiling\n000001.jpg 1\n")
    made = tmp_path / "celeba" / "prepared"

    def load():
        shutil.rmtree(made, ignore_errors=True)
        data.load(name, tmp_path)

    all_refused(load, files, other)


def test_a_split_under_another_s_name_in_the_archive_is_refused(cifar, monkeypatch, tmp_path):
    """An archive whose own hash is right, but not those of its members."""
    folder = tmp_path / "cifar-10-batches-py"
    swap(folder / "data_batch_1", folder / "test_batch")
    archive = archived(monkeypatch, tmp_path)
    refused(lambda: data.load("cifar10", tmp_path), archive / folder.name / "data_batch_1")


# MNIST's format


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_sets_are_read_as_they_are(idx, tmp_path, name):
    same(data.load(name, tmp_path), idx[name])


def test_fashion_is_what_torchvision_would_read(real_fashion, tmp_path):
    """torchvision's own reader, on a copy that it may unpack."""
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for archive in fashion_mnist.DataSet.files():
        (raw / archive.stem).write_bytes(gzip.decompress(archive.read_bytes()))
    train, test = (torchvision.datasets.FashionMNIST(tmp_path, train=it) for it in (True, False))
    assert real_fashion.train.shape == (50_000, 1, 28, 28)
    images = torch.cat([real_fashion.train, real_fashion.validation])
    labels = torch.cat([real_fashion.labels("train"), real_fashion.labels("validation")])
    assert torch.equal(images.squeeze(1), train.data)
    assert torch.equal(labels, train.targets)
    assert torch.equal(real_fashion.test.squeeze(1), test.data)
    assert torch.equal(real_fashion.labels("test"), test.targets)


def test_the_real_bytes_are_everyones(real_mnist, real_fashion):
    """Whoever changes these changes every number ever measured on the data."""
    assert real_mnist.sha256("test") == MNIST_TEST
    assert real_fashion.sha256("test") == FASHION_TEST


# CIFAR-10


def test_cifar_from_the_folder_is_what_torchvision_would_read(cifar, tmp_path):
    found = data.load("cifar10", tmp_path)
    same(found, cifar)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, of its old name in the pickles
        theirs = torchvision.datasets.CIFAR10(tmp_path, train=True)
    images = torch.cat([found.train, found.validation]).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(images.numpy(), theirs.data)
    labels = torch.cat([found.labels("train"), found.labels("validation")])
    assert labels.tolist() == theirs.targets


def test_cifar_from_the_archive_is_the_same_and_writes_nothing(cifar, monkeypatch, tmp_path):
    archive = archived(monkeypatch, tmp_path)
    same(data.load("cifar10", tmp_path), cifar)
    assert list(tmp_path.rglob("*")) == [archive]


def test_cifar_with_a_file_missing_from_its_folder_is_read_from_the_archive(
    cifar, monkeypatch, tmp_path
):
    folder = tmp_path / "cifar-10-batches-py"
    shutil.copytree(folder, tmp_path / "kept")
    archived(monkeypatch, tmp_path)
    (tmp_path / "kept").rename(folder)
    (folder / "data_batch_3").unlink()
    same(data.load("cifar10", tmp_path), cifar)


def test_cifar_missing_says_which_files_go_where(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    load = lambda: data.load("cifar10", tmp_path)  # noqa: E731
    refused(load, tmp_path / "cifar-10-python.tar.gz", "no network", folder, "data_batch_1")
    assert not folder.exists()


def test_cifar_is_downloaded_once_to_where_torchvision_would(cifar, monkeypatch, tmp_path):
    archive = archived(monkeypatch, tmp_path)
    served = archive.rename(tmp_path / "served")
    asked = []

    def online(url, timeout):
        asked.append(url)
        return served.open("rb")

    monkeypatch.setattr(downloads.urllib.request, "urlopen", online)
    for _ in range(2):
        same(data.load("cifar10", tmp_path), cifar)
    assert asked == [cifar10.DataSet.source.url]
    assert archive.read_bytes() == served.read_bytes()


class Runs:
    """Unpickled, it would call a function."""

    def __reduce__(self):
        return print, ("this code ran",)


def test_nothing_unpickled_runs_code(cifar, monkeypatch, tmp_path, capsys):
    """Not even from a file with the right hash."""
    source = cifar10.DataSet.source
    path = tmp_path / source.base_folder / "data_batch_1"
    path.write_bytes(pickle.dumps({"data": Runs(), "labels": []}, protocol=2))
    pickle.loads(path.read_bytes())
    assert capsys.readouterr().out == "this code ran\n"
    known = [["data_batch_1", md5(path)], *source.train_list[1:]]
    monkeypatch.setattr(source, "train_list", known)
    refused(lambda: data.load("cifar10", tmp_path), path, "print")
    assert capsys.readouterr().out == ""


def test_pickles_of_nothing_but_numbers_are_not_read_before_their_hash(
    cifar, monkeypatch, tmp_path
):
    path = tmp_path / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(python2_pickle({"data": np.zeros((1, 3072), np.uint8), "labels": [1]}))
    monkeypatch.setattr(cifar10, "_Unpickler", None)
    monkeypatch.setattr(pickle, "Unpickler", None)
    files = cifar10.DataSet.files(tmp_path)
    assert path in files
    refused(lambda: data.load("cifar10", tmp_path), path, md5(path))


# CelebA


@pytest.mark.parametrize(
    ("kind", "left", "top", "resize"),
    [(celeba_140, 19, 39, "LANCZOS"), (celeba_128, 25, 45, "BILINEAR")],
)
def test_celeba_is_cropped_and_resized_as_its_source_does(
    faces, tmp_path, kind, left, top, resize, capsys
):
    """The crops as the sources' code writes them for 178 × 218 images, on arrays."""
    found = kind.DataSet(tmp_path)
    for split, numbers in FACES.items():
        images = getattr(found, split)
        assert images.shape == (len(numbers), 3, 64, 64)
        assert images.dtype == torch.uint8
        assert found.labels(split) is None
        for image, number in zip(images, numbers, strict=True):
            middle = faces[number][top : 218 - top, left : 178 - left]
            small = Image.fromarray(middle).resize((64, 64), Image.Resampling[resize])
            np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), np.asarray(small))
    assert "preparing" in capsys.readouterr().err
    digest = hashlib.sha256(found.test.numpy().tobytes()).hexdigest()
    assert found.fingerprint()["sha256"]["test"] == digest
    assert found.fingerprint()["sizes"] == {"train": 3, "validation": 2, "test": 2}


def test_celeba_is_prepared_once_and_then_needs_its_archive_no_more(faces, tmp_path, capsys):
    sources = celeba_140.DataSet.files(tmp_path)
    first = data.load("celeba-140", tmp_path).fingerprint()
    assert celeba_140.DataSet.files(tmp_path) == sources
    capsys.readouterr()
    sources[0].unlink()
    assert data.load("celeba-140", tmp_path).fingerprint() == first
    assert capsys.readouterr().err == ""
    made = celeba_140.DataSet.files(tmp_path)
    assert [path.name for path in made] == [
        "celeba-140.json",
        "celeba-140-train.npy",
        "celeba-140-validation.npy",
        "celeba-140-test.npy",
    ]
    assert all(path.exists() for path in made)


@pytest.fixture
def made(faces, tmp_path):
    """The prepared files of both crops; no archive."""
    for name in ("celeba-140", "celeba-128"):
        data.load(name, tmp_path)
    shutil.move(tmp_path / "celeba" / celeba_140.ARCHIVE, tmp_path)
    return celeba_140.DataSet.files(tmp_path)


@pytest.mark.parametrize("how", SPOILT)
def test_prepared_files_that_were_altered_are_refused_by_name(made, tmp_path, how):
    for path in made:
        whole = path.read_bytes()
        if path.suffix == ".json":  # one byte of a hash
            at = whole.index(b'"sha256": "') + 11
            altered = whole[:at] + (b"0" if whole[at : at + 1] != b"0" else b"1") + whole[at + 1 :]
            path.write_bytes({"corrupt": altered, "truncated": whole[:-9], "empty": b""}[how])
            refused(lambda: data.load("celeba-140", tmp_path), made[0], "prepared anew")
        else:
            spoil(path, how)
            refused(lambda: data.load("celeba-140", tmp_path), path, "prepared anew")
        path.write_bytes(whole)
    data.load("celeba-140", tmp_path)


@pytest.mark.parametrize(
    ("old", "new"), [(b"3, 64, 64)", b"64, 64, 3)"), (b"|u1", b"|i1"), (b"NUMPY", b"numpy")]
)
def test_prepared_files_with_another_header_are_refused_by_name(made, tmp_path, old, new):
    content = made[1].read_bytes()
    assert content.count(old) == 1
    made[1].write_bytes(content.replace(old, new))
    refused(lambda: data.load("celeba-140", tmp_path), made[1], "prepared anew")


def test_prepared_files_of_another_split_or_set_are_refused_by_name(made, tmp_path):
    record, train, validation, test = made
    load = lambda: data.load("celeba-140", tmp_path)  # noqa: E731
    swap(validation, test)  # of the same size
    refused(load, validation)
    swap(validation, test)
    others = celeba_128.DataSet.files(tmp_path)
    for mine, other in zip(made, others, strict=True):
        swap(mine, other)
        refused(load, mine)
        swap(mine, other)
    for mine, other in zip(made, others, strict=True):
        swap(mine, other)
    refused(load, record, "celeba-128")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_prepared_file_is_named(made, tmp_path, number):
    made[number].unlink()
    refused(lambda: data.load("celeba-140", tmp_path), made[number], "prepared anew")


def test_other_sources_need_other_prepared_files(made, monkeypatch, tmp_path):
    source = torchvision.datasets.CelebA
    known = [(file_id, "0" * 32, name) for file_id, _, name in source.file_list]
    monkeypatch.setattr(source, "file_list", known)
    refused(lambda: data.load("celeba-140", tmp_path), made[0], "0" * 32)


def test_an_interrupted_preparation_is_begun_anew(faces, monkeypatch, tmp_path):
    class Interrupted(Exception):
        pass

    def images(self, archive, split, names):
        if split == "validation":
            raise Interrupted
        return whole(self, archive, split, names)

    whole = celeba_140.DataSet._images
    with monkeypatch.context() as patch:
        patch.setattr(celeba_140.DataSet, "_images", images)
        with pytest.raises(Interrupted):
            data.load("celeba-140", tmp_path)
    found = data.load("celeba-140", tmp_path)
    assert len(found.train) == 3
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_folder_that_cannot_be_written_is_one_line(faces, tmp_path):
    folder = tmp_path / "celeba" / "prepared"
    folder.write_text("a file")
    refused(lambda: data.load("celeba-140", tmp_path), f"{folder} cannot be prepared")


def test_extracted_faces_are_not_read_and_the_message_says_so(faces, tmp_path):
    archive, partition = celeba_140.DataSet.files(tmp_path)
    with zipfile.ZipFile(archive) as images:
        images.extractall(archive.parent)
    archive.unlink()
    message = refused(
        lambda: data.load("celeba-140", tmp_path), archive, partition.name, "no network"
    )
    assert re.search("extracted folder img_align_celeba .* is not read", message)


def test_what_google_drive_answers_is_one_line(faces, monkeypatch, tmp_path):
    archive, partition = celeba_140.DataSet.files(tmp_path)
    archive.unlink()

    def quota(*args):
        raise RuntimeError("Too many users\nhave viewed this file")

    monkeypatch.setattr(celeba_140, "download_file_from_google_drive", quota)
    load = lambda: data.load("celeba-140", tmp_path)  # noqa: E731
    refused(load, archive, partition.name, archive.parent, "Too many users have viewed")


def test_celeba_is_downloaded_by_torchvision_s_own_means(faces, monkeypatch, tmp_path):
    archive, _ = celeba_140.DataSet.files(tmp_path)
    served = archive.rename(tmp_path / "served")

    def drive(file_id, folder, name):
        assert file_id == "0B7EVK8r0v71pZjFTYXZWM3FlRnM"
        assert not (folder / name).exists()
        shutil.copy(served, folder / name)

    monkeypatch.setattr(celeba_140, "download_file_from_google_drive", drive)
    assert len(data.load("celeba-140", tmp_path).train) == 3
    assert archive.read_bytes() == served.read_bytes()


def resident():
    """Bytes of physical memory this process has."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_prepared_images_stay_out_of_the_memory_until_they_are_asked_for(tmp_path):
    """100 MB of images, written, checked, and read here and there."""
    image, count = np.arange(12_288, dtype=np.int64).astype(np.uint8).reshape(3, 64, 64), 8_000
    few = ((1, 3, 64, 64), [image])
    record = tmp_path / "large.json"
    prepared.write(record, {}, dict.fromkeys(TENSORS, few))  # imports are no part of this
    prepared.opened(record, {})
    before = resident()
    many = ((count, 3, 64, 64), (image for _ in range(count)))
    prepared.write(record, {}, {"train": many, "validation": few, "test": few})
    images, _ = prepared.opened(record, {})["train"]
    rows = images[torch.arange(0, count, 100)]
    assert images.shape == (count, 3, 64, 64)
    assert torch.equal(rows[-1], torch.from_numpy(image))
    assert resident() - before < 20e6
    copy = images.clone()
    assert resident() - before > 90e6, "the measure sees what is in memory"
    del copy


def test_what_is_written_to_mapped_images_does_not_reach_the_file(made, tmp_path):
    found = data.load("celeba-140", tmp_path)
    found.train.zero_()
    assert data.load("celeba-140", tmp_path).train.any()


# All of them


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "celeba-140", "celeba-128"])
def test_batches_are_flat_floats_between_zero_and_one(idx, cifar, faces, tmp_path, name):
    found = data.load(name, tmp_path)
    width = int(np.prod(found.shape))
    for index, picked in ((torch.tensor([2, 0, 2]), [2, 0, 2]), (slice(1, 3), [1, 2])):
        batch = found.batch("train", index)
        assert batch.dtype == torch.float32
        expected = found.train[picked].numpy().reshape(len(picked), width) / 255
        np.testing.assert_allclose(batch.numpy(), expected, rtol=1e-7)
    assert found.name == name
    assert found.bounded()
    assert found.true_dim is None


def test_each_set_names_the_classifier_that_fits():
    assert {name: data.kind(name).classifier for name in data.names()}.items() >= {
        "celeba-128": "colour",
        "celeba-140": "colour",
        "cifar10": "colour",
        "fashion-mnist": "fashion",
        "mnist": "digits",
        "synthetic-16": None,
        "synthetic-8": None,
    }.items()


def test_files_are_below_the_root_and_there_are_none_of_what_is_made(idx, cifar, faces, tmp_path):
    files = {name: data.kind(name).files(tmp_path) for name in data.names()}
    assert all(
        tmp_path in file.parents and file.exists() for found in files.values() for file in found
    )
    read = {"mnist", "fashion-mnist", "cifar10", "celeba-140", "celeba-128"}
    assert {name for name in files if files[name]} >= read
    assert {name for name in files if not files[name]} >= {"synthetic-8", "synthetic-16"}
