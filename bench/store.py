"""Files that are whole or absent, and their hashes."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

__all__ = ["Damaged", "atomic", "read_sealed", "sha256", "write_sealed", "write_text"]


_SEAL, _BLANK = "sha256", "0" * 64
"""Where a file's own hash stands in it, and what stands there while the file is hashed."""


class Damaged(Exception):
    """A file is not what was written."""


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends without an error.

    Raises:
        OSError: it cannot be written, as on a full disk; the error names `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the path's suffix: what a killed process leaves is not taken for such a file.
    prefix, temporary = f".{path.name}.", None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        # That of a write knows no name, and nobody knows a temporary one.
        own = error.filename is None or Path(os.fsdecode(error.filename)).name.startswith(prefix)
        if error.errno is None or error.filename2 or not own:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_sealed(path: str | Path, save: Callable[[str], bytes], about: Mapping) -> None:
    """Write tensors with what they are and the SHA-256 of the whole file, atomically.

    Arguments:
        save: makes a safetensors file whose only metadata is the text it is given.
        about: what JSON can say.
    """
    blank = save(json.dumps({**about, _SEAL: _BLANK}, sort_keys=True))
    seal = hashlib.sha256(blank).hexdigest()
    with atomic(path) as temporary:
        temporary.write_bytes(blank.replace(_BLANK.encode(), seal.encode(), 1))


def read_sealed(path: str | Path) -> tuple[dict, bytes]:
    """What the tensors are, and the file's content.

    Raises:
        Damaged: it is not, byte for byte, what `write_sealed` wrote.
    """
    content = Path(path).read_bytes()
    try:
        size = int.from_bytes(content[:8], "little")
        (told,) = json.loads(content[8 : 8 + size])["__metadata__"].values()
        about = json.loads(told)
        seal = about.pop(_SEAL)
        blank = content.replace(seal.encode(), _BLANK.encode(), 1)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Damaged(f"{path}: damaged") from None
    if hashlib.sha256(blank).hexdigest() != seal:
        raise Damaged(f"{path}: damaged")
    return about, content
