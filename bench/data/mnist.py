"""mnist: handwritten digits (LeCun, Cortes and Burges), 28 × 28 grey, from torchvision's own files.

torchvision reads its *unpacked* files without any check and unpacks beside the archives. Here the
archives are checked against torchvision's MD5 sums and decoded in memory: nothing altered is ever
read, and a data root may be read-only.
"""

import gzip
import hashlib
import http.client
import os
import urllib.request
from pathlib import Path

import numpy as np
import platformdirs
import torch
import torchvision

from bench import store
from bench.data import DataError, base

__all__ = ["DataSet"]

VALIDATION = 10_000
TIMEOUT_S = 10


class DataSet(base.DataSet):
    """50,000 images to train on, the last 10,000 of the train file to choose by, 10,000 to test on.

    A data set in the same format is a subclass with another `name` and `source`.
    """

    name = "mnist"
    shape = (1, 28, 28)
    value_range = (0.0, 1.0)
    source = torchvision.datasets.MNIST

    def make(self, root=None):
        """Read from `root`, downloading what is missing.

        Raises:
            DataError: a file is missing and cannot be downloaded, or is truncated or altered.
        """
        images, labels, test_images, test_labels = (
            self._read(root, name, md5) for name, md5 in self.source.resources
        )
        images, test_images = images.unsqueeze(1), test_images.unsqueeze(1)
        labels, test_labels = labels.long(), test_labels.long()
        return {
            "train": (images[:-VALIDATION], labels[:-VALIDATION]),
            "validation": (images[-VALIDATION:], labels[-VALIDATION:]),
            "test": (test_images, test_labels),
        }

    @classmethod
    def folder(cls, root: str | Path | None = None) -> Path:
        """Where the files are, below a data root."""
        root = root or os.environ.get("BENCH_DATA")
        root = root or platformdirs.user_cache_dir("autoencoder-bench", appauthor=False)
        return Path(root) / cls.source.__name__ / "raw"

    def _read(self, root: str | Path | None, name: str, md5: str) -> torch.Tensor:
        path = self.folder(root) / name
        try:
            if not path.exists():
                content = self._download(path, md5)
                with store.atomic(path) as temporary:
                    temporary.write_bytes(content)
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{self.name}: {error}") from None
        found = _md5(content)
        if found != md5:
            raise DataError(f"{path} is truncated or altered: its MD5 is {found}, expected {md5}")
        return _decode(content)

    def _download(self, path: Path, md5: str) -> bytes:
        problems = []
        for mirror in self.source.mirrors:
            try:
                with urllib.request.urlopen(mirror + path.name, timeout=TIMEOUT_S) as answer:
                    content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                problems.append(f"{mirror}: {error}")
                continue
            if _md5(content) == md5:
                return content
            problems.append(f"{mirror} sent another file: its MD5 is {_md5(content)}, not {md5}")
        expected = ", ".join(name for name, _ in self.source.resources)
        raise DataError(
            f"{self.name}: {path.name} is not in {path.parent} and cannot be downloaded "
            f"({'; '.join(problems)}); the folder should hold {expected}"
        )


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _decode(content: bytes) -> torch.Tensor:
    """A gzipped IDX file of bytes: 2 zero bytes, the type (8), the rank, the sizes as big-endian
    32-bit integers, the values."""
    raw = gzip.decompress(content)
    rank = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=rank, offset=4)
    values = np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank)
    return torch.from_numpy(values.reshape(shape).copy())
