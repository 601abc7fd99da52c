"""Images too many for the memory: prepared once, written to files, mapped into memory when read.

There is one `.npy` file a split, and beside them a record in JSON of what they were made from and
how, and of each split's shape and SHA-256. The record is written last: without it, nothing is
prepared.
"""

import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from bench import downloads, store
from bench.downloads import DataError

__all__ = ["files", "opened", "write"]

SPLITS = ("train", "validation", "test")


def files(record: Path) -> tuple[Path, ...]:
    """The record, and each split's file beside it."""
    return record, *(_points(record, split) for split in SPLITS)


def write(record: Path, about: dict, splits: dict[str, tuple[tuple, Iterable[np.ndarray]]]) -> None:
    """Write the file of each split, one image at a time, then the record.

    Arguments:
        record: its path, such as `prepared/celeba-140.json`.
        about: what the images were made from and how, for `opened` to compare.
        splits: of each split, the shape (N, C, H, W) and N images, uint8 [C, H, W].

    Raises:
        OSError: a file cannot be written.
    """
    found = {}
    for split in SPLITS:
        shape, images = splits[split]
        digest = hashlib.sha256()
        with store.atomic(_points(record, split)) as temporary, temporary.open("wb") as file:
            file.write(_header(shape))
            for image in images:
                content = np.ascontiguousarray(image).data
                digest.update(content)
                file.write(content)
        found[split] = {"sha256": digest.hexdigest(), "shape": list(shape)}
    store.write_text(record, _text({"about": about, "splits": found}))


def opened(record: Path, about: dict) -> dict[str, tuple[torch.Tensor, str]]:
    """Of each split, the images, uint8 [N, C, H, W], mapped into memory, and their SHA-256.

    Every byte is read once, as a stream, and compared with the record. What is written to the
    tensors does not reach the files.

    Raises:
        DataError: a file is missing, truncated, altered or of another data set or split; or what
            was prepared is not what `about` says.
    """
    try:
        text = record.read_text(encoding="utf-8")
        content = json.loads(text)
        if content["about"] != about:
            raise DataError(f"{record} is of {content['about']}, expected {about}")
        if text != _text(content):
            raise DataError(f"{record} is truncated or altered")
        found = content["splits"]
        return {split: _opened(_points(record, split), **found[split]) for split in SPLITS}
    except (DataError, OSError) as error:
        problem = error
    except (ValueError, KeyError, TypeError):
        problem = f"{record} is truncated or altered"
    raise DataError(f"{problem}; remove {record} to have it prepared anew")


def _points(record: Path, split: str) -> Path:
    return record.with_name(f"{record.stem}-{split}.npy")


def _text(content: dict) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _header(shape: tuple[int, ...]) -> bytes:
    """What stands before an array of bytes in a `.npy` file."""
    header = io.BytesIO()
    about = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, about)
    return header.getvalue()


def _opened(path: Path, sha256: str, shape: list[int]) -> tuple[torch.Tensor, str]:
    with path.open("rb") as stream:
        header = _header(tuple(shape))
        if stream.read(len(header)) != header:
            raise DataError(f"{path} is not the array of {shape} bytes that was prepared")
        downloads.check(path, stream, sha256)
    return torch.from_numpy(np.load(path, mmap_mode="c")), sha256
