"""Files that are whole or absent, and their hashes."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Damaged", "atomic", "read_sealed", "sha256", "write_sealed", "write_text"]


class Damaged(Exception):
    """A file is not what was written."""


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the path's suffix: what a killed process leaves is not taken for such a file.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_sealed(path: str | Path, data: bytes) -> None:
    """Write `data` after its SHA-256, atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(hashlib.sha256(data).digest() + data)


def read_sealed(path: str | Path) -> bytes:
    """What `write_sealed` wrote.

    Raises:
        Damaged: not a byte of it may differ.
    """
    content = Path(path).read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise Damaged(f"{path}: damaged")
    return content[32:]
