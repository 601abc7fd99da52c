"""Files are whole or absent: a full disk, a folder that is read-only, a byte that changed."""

import contextlib
import errno
import hashlib
import io
import random
import re
import resource
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from records_for_report import cells, u_curve
from test_cli import VERBS

from bench import cli, curves, data, downloads, records, runs, store, study
from bench.data import prepared
from bench.experiments import base
from bench.features import classifier, fit, inception
from bench.mistake import Mistake
from bench.progress import Keeper
from bench.real import Extractors, Real

STUDY = """
name: tiny
seeds: [0]
datasets: {synthetic-8: {dims: [2]}}
systems: {vae: {}}
experiments: [mmd]
net: {kind: mlp, hidden: [16]}
training: {steps: 3, batch: 64, snapshots: 2}
evaluation: {samples: 200, features: raw}
"""
NUMBERS = [{"experiment": "mmd", "seed": 0, "quantity": "q", "setting": 1, "value": 1.0}]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the verbs read."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "tiny.yaml").write_text(STUDY)
    it = study.read(folder / "tiny.yaml")
    runs.train(it, "synthetic-8", "vae", 0, [2], None, folder / "models")
    base.write(folder / "numbers.csv", NUMBERS)
    (folder / "none").mkdir()
    records.write(folder / "own.csv", [])
    (folder / "shown").mkdir()
    rows = cells(u_curve(dims=[2, 8]), "aae") + cells(u_curve(dims=[2, 8], source=1), "vae")
    records.write(folder / "shown" / "records.csv", rows)
    return folder


@pytest.fixture
def quick(monkeypatch):
    """What takes long, or needs a network, is made up: it writes nothing."""
    monkeypatch.setattr(base, "replicates", lambda *about: NUMBERS)
    monkeypatch.setattr(fit, "examples", lambda *about: (None, None))
    monkeypatch.setattr(fit, "fit", lambda *about: {"weight": torch.zeros(9)})
    monkeypatch.setattr(fit, "accuracy", lambda *about: 1.0)
    monkeypatch.setattr(inception, "fetch", lambda: None)


def commands(made, out):
    """Of each verb that writes, a command that writes below `out`."""
    path, shown = str(made / "tiny.yaml"), str(made / "shown" / "records.csv")
    points = [path, "--dataset", "synthetic-8"]
    curve = [*points, "--system", "vae", "--seed", "0"]
    models = ["--models", str(made / "models")]
    it = {
        "data": points,
        "features": [*points, "--extractor", "raw"],
        "train": [*curve, "--cells", str(out / "cells")],
        "join": [str(made / "models")],
        "evaluate": [*curve, *models],
        "gallery": [*curve, *models],
        "collect": [path, str(made / "own.csv")],
        "history": [str(made / "models" / "history.csv")],
        "environment": [str(made / "models" / "environment.json")],
        "costs": [path, str(made / "none")],
        "experiment": [path, "--name", "mmd"],
        "experiments": [str(made / "numbers.csv")],
        "tables": [shown],
        "figures": [shown],
        "claims": [shown],
        "report": [shown],
        "classifier": ["digits"],
        "weights": [],
    }
    it = {verb: [*more, "--out", str(out / verb)] for verb, more in it.items()}
    more = ["--update", "--markdown", str(out / "told.md")]
    it["compare"] = [str(out / "compare" / "records.csv"), str(made / "shown"), *more]
    return it


WRITING = sorted(commands(Path("made"), Path("out")))


def test_every_verb_that_writes_is_tried():
    assert set(WRITING) == set(VERBS) - {"cells"}


def files(folder):
    """The bytes of all files below a folder, by name; the folder's own name is none of them."""
    own = str(folder).encode()
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().replace(own, b"")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def told(verb, made, out):
    """The exit status of a verb, and the last line it said on stderr, after those of progress."""
    error = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(error):
        status = cli.main([verb, *commands(made, out)[verb]])
    return status, (error.getvalue().splitlines() or [""])[-1]


def refused(verb, made, out, reason):
    """A verb ends in one line that names what it cannot write, and why."""
    status, line = told(verb, made, out)
    assert status == 2
    assert re.fullmatch(rf"bench: error: {re.escape(str(out))}/[^.][^:]*: {reason}", line), line


@contextlib.contextmanager
def largest(size):
    """No file can grow beyond so many bytes, as on a disk that is full then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("verb", WRITING)
def test_a_write_that_fails_is_told_in_one_line_and_leaves_whole_files_only(verb, made, tmp_path):
    whole = tmp_path / "whole"
    assert told(verb, made, whole)[0] == 0
    expected = files(whole)
    for size in (0, max(map(len, expected.values())) - 1):
        out = tmp_path / str(size)
        with largest(size):
            refused(verb, made, out, "File too large")
        assert files(out).items() <= expected.items()
        assert told(verb, made, out)[0] == 0
        assert files(out) == expected


@pytest.fixture
def mounted(tmp_path):
    """A small file system of its own, which is full or read-only."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]

    def mounting(how):
        options = {"full": "size=16k", "read-only": "ro"}[how]
        command = [*mount, options, "tmpfs", str(folder)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a file system is not allowed here")
        if how == "full":
            (folder / "filling").write_bytes(bytes(2**14))
        return folder

    yield mounting
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["full", "read-only"])
@pytest.mark.parametrize("verb", WRITING)
def test_a_full_disk_and_a_read_only_one_are_told(verb, how, made, mounted):
    folder = mounted(how)
    before = files(folder)
    reason = {"full": "No space left on device", "read-only": "Read-only file system"}[how]
    refused(verb, made, folder, reason)
    assert files(folder) == before


def test_an_error_of_another_file_is_not_the_written_ones(tmp_path):
    with pytest.raises(FileNotFoundError) as error, store.atomic(tmp_path / "a") as temporary:
        shutil.copyfile(tmp_path / "absent", temporary)
    assert error.value.filename == str(tmp_path / "absent")
    with pytest.raises(OSError, match="said by another") as error, store.atomic(tmp_path / "a"):
        raise OSError("said by another")
    assert error.value.filename is None
    with pytest.raises(OSError, match="No space left") as error, store.atomic(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert error.value.filename == str(tmp_path / "a")
    assert files(tmp_path) == {}


# Bytes that changed


def flips(content, count=200):
    """The content with one byte changed, at so many places."""
    pick = random.Random(0)
    for _ in range(count):
        changed, place = bytearray(content), pick.randrange(len(content))
        changed[place] = (changed[place] + pick.randrange(1, 256)) % 256
        yield bytes(changed)


def noticed(path, read, words):
    """All changed bytes of a file, in one line that names it."""
    content = path.read_bytes()
    read()
    for changed in flips(content):
        path.write_bytes(changed)
        with pytest.raises(Mistake, match=rf"^{re.escape(str(path))}[^\n]*{words}[^\n]*$"):
            read()
    path.write_bytes(content)
    read()


def test_any_changed_byte_of_a_trained_cell_is_noticed(made, tmp_path):
    shutil.copytree(made / "models", tmp_path / "models")
    it, points = study.read(made / "tiny.yaml"), data.load("synthetic-8")
    path = tmp_path / "models" / "2.safetensors"

    def read():
        list(curves.load(it, points, "vae", 0, path.parent))

    noticed(path, read, "not a trained cell: .*damaged")


def test_any_changed_byte_of_features_is_noticed(made, tmp_path):
    path, points = tmp_path / "raw.safetensors", data.load("synthetic-8")
    protocol = study.read(made / "tiny.yaml").protocols["main"]
    extractors = Extractors(points)
    extractors.real(protocol).write(path, points, extractors(protocol))
    noticed(path, lambda: Real.read(path, points, extractors(protocol)), "damaged")


def test_any_changed_byte_of_a_checkpoint_is_noticed(tmp_path, capsys):
    tensors = {"system.a": np.arange(50.0), "system.b": np.zeros(0)}
    path = tmp_path / "a"
    about = {"key": "another", "done": 3}
    save = safetensors.numpy.save
    store.write_sealed(path, lambda told: save(tensors, {"checkpoint": told}), about)
    assert store.read_sealed(path) == (about, path.read_bytes())
    assert Keeper(path, "a").resume(None) == 0
    assert capsys.readouterr().err == ""  # another training's
    for changed in flips(path.read_bytes()):
        path.write_bytes(changed)
        assert Keeper(path, "a").resume(None) == 0
        assert capsys.readouterr().err == f"{path}: damaged; training from the start\n"


@pytest.mark.parametrize("which", classifier.NETS)
def test_any_changed_byte_of_shipped_weights_is_noticed(which, tmp_path):
    path = tmp_path / "weights.safetensors"
    shutil.copyfile(classifier.file(which), path)
    noticed(path, lambda: classifier.Classifier(which, path), "truncated, altered")


@pytest.mark.parametrize("kind", ["md5", "sha256"])
@pytest.mark.parametrize("use", [downloads.read, downloads.verified])
def test_any_changed_byte_of_a_download_is_noticed(use, kind, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(random.Random(1).randbytes(999))
    pinned = hashlib.new(kind, path.read_bytes()).hexdigest()
    noticed(path, lambda: use(path, pinned), "truncated, altered")


def test_any_changed_byte_of_a_prepared_data_set_is_noticed(tmp_path):
    record = tmp_path / "faces.json"
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 5), dtype=np.uint8)
    splits = dict.fromkeys(prepared.SPLITS, (pixels.shape, pixels))
    prepared.write(record, {"name": "faces"}, splits)
    for path in prepared.files(record):
        content = path.read_bytes()
        for changed in flips(content):
            path.write_bytes(changed)
            with pytest.raises(downloads.DataError, match=r"^[^\n]*faces[^\n]*prepared anew$"):
                prepared.opened(record, {"name": "faces"})
        path.write_bytes(content)
    found = prepared.opened(record, {"name": "faces"})
    assert all((images.numpy() == pixels).all() for images, _ in found.values())
