"""Files from outside, such as data sets and published weights: looked for, downloaded, checked.

Every such file has a pinned hash, and nothing of it is used before its bytes have been compared.
"""

import functools
import hashlib
import http.client
import io
import os
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import platformdirs
from tqdm import tqdm

from bench import store
from bench.mistake import Mistake

__all__ = ["DataError", "check", "from_web", "read", "root", "verified"]

TIMEOUT_S = 10
CHUNK_BYTES = 2**20
SMALL_BYTES = 4 * 2**20  # arrive before a progress bar could be read


class DataError(Mistake):
    """Data are missing, cannot be had, or are not what they should be: one line that says which."""


def root(root: str | Path | None = None) -> Path:
    """The folder of downloaded files: `root`, else the environment variable `BENCH_DATA`, else
    `autoencoder-bench` in the user's cache directory."""
    root = root or os.environ.get("BENCH_DATA")
    return Path(root or platformdirs.user_cache_dir("autoencoder-bench", appauthor=False))


def from_web(url: str, path: Path) -> None:
    """Write what a URL answers to `path`, a chunk at a time; progress goes to a terminal.

    Raises:
        OSError, http.client.HTTPException: it cannot be had.
    """
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, path.open("wb") as file:
        total = getattr(answer, "length", None)
        # None: shown on a terminal only.
        hidden = True if total is not None and total < SMALL_BYTES else None
        bar = {"total": total, "unit": "B", "unit_scale": True, "disable": hidden}
        with tqdm(desc=url.rsplit("/", 1)[-1], **bar) as progress:
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                progress.update(len(chunk))


def check(path: Path, stream: BinaryIO, expected: str) -> None:
    """Compare the rest of a binary stream with the hash `expected`, as in `verified`.

    Raises:
        DataError: it has another; the message names `path`.
    """
    kind, found = _hash(stream, expected)
    if found != expected:
        raise DataError(
            f"{path} is truncated, altered or another file: its {kind} is {found}, "
            f"expected {expected}"
        )


def verified(
    path: str | Path,
    expected: str,
    sources: Iterable[str] = (),
    advice: str = "",
    get: Callable[[str, Path], None] = from_web,
) -> Path:
    """The path of one file with the expected hash, downloaded if it is missing.

    It is hashed as a stream, so that it may be larger than the memory. A file that is there is
    never replaced, whatever it holds.

    Arguments:
        path: where it is, or will be.
        expected: its MD5 (32 hexadecimal digits) or SHA-256 (64).
        sources: where to download it from, tried in this order: for `from_web`, URLs.
        advice: what to do where there is neither, as the end of a sentence.
        get: called with a source and a temporary path to write; raises OSError or
            http.client.HTTPException where it cannot.

    Raises:
        DataError: it is missing and cannot be downloaded, or is not the file expected.
    """
    path = Path(path)
    try:
        if not path.exists():
            _download(path, expected, sources, advice, get)
        with path.open("rb") as stream:
            check(path, stream, expected)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    return path


def read(
    path: str | Path,
    expected: str,
    sources: Iterable[str] = (),
    advice: str = "",
    get: Callable[[str, Path], None] = from_web,
) -> bytes:
    """The content of one file, as `verified`: the bytes returned are those that were hashed."""
    path = Path(path)
    try:
        if not path.exists():
            _download(path, expected, sources, advice, get)
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    check(path, io.BytesIO(content), expected)
    return content


def _download(path, expected, sources, advice, get) -> None:
    problems = []
    for source in sources:
        try:
            with store.atomic(path) as temporary:
                get(source, temporary)
                with temporary.open("rb") as stream:
                    kind, found = _hash(stream, expected)
                if found != expected:
                    raise OSError(f"sent another file: its {kind} is {found}, not {expected}")
            return
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{source}: {' '.join(str(error).split())}")
    why = f" and cannot be downloaded ({'; '.join(problems)})" if problems else ""
    raise DataError(f"{path} is missing{why}{advice and '; '}{advice}")


def _hash(stream: BinaryIO, like: str) -> tuple[str, str]:
    kind, function = {32: ("MD5", hashlib.md5), 64: ("SHA-256", hashlib.sha256)}[len(like)]
    function = functools.partial(function, usedforsecurity=False)
    return kind, hashlib.file_digest(stream, function).hexdigest()
