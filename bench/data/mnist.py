"""mnist: handwritten digits (LeCun, Cortes and Burges), 28 × 28 grey, from torchvision's own files.

torchvision reads its *unpacked* files without any check and unpacks beside the archives. Here the
archives are checked against torchvision's MD5 sums and decoded in memory: nothing altered is ever
read, and a data root may be read-only.
"""

import gzip
from pathlib import Path

import numpy as np
import torch
import torchvision

from bench import downloads
from bench.data import base

__all__ = ["DataSet"]

VALIDATION = 10_000


class DataSet(base.DataSet):
    """50,000 images to train on, the last 10,000 of the train file to choose by, 10,000 to test on.

    A data set in the same format is a subclass with another `name`, `source` and `classifier`.
    """

    name = "mnist"
    shape = (1, 28, 28)
    sizes = {"train": 50_000, "validation": VALIDATION, "test": 10_000}
    value_range = (0.0, 1.0)
    labelled = True
    classifier = "digits"
    source = torchvision.datasets.MNIST

    def make(self, root=None):
        """Read from `root`, downloading what is missing.

        Raises:
            DataError: a file is missing and cannot be downloaded, or is truncated or altered.
        """
        images, labels, test_images, test_labels = map(_decode, self._contents(root))
        images, test_images = images.unsqueeze(1), test_images.unsqueeze(1)
        labels, test_labels = labels.long(), test_labels.long()
        return {
            "train": (images[:-VALIDATION], labels[:-VALIDATION]),
            "validation": (images[-VALIDATION:], labels[-VALIDATION:]),
            "test": (test_images, test_labels),
        }

    @classmethod
    def files(cls, root=None):
        """The four archives: images and labels to train on, images and labels to test on."""
        folder = downloads.root(root) / cls.source.__name__ / "raw"
        return tuple(folder / name for name, _ in cls.source.resources)

    def _contents(self, root: str | Path | None) -> list[bytes]:
        files = self.files(root)
        advice = f"{files[0].parent} should hold {', '.join(file.name for file in files)}"
        return [
            downloads.read(file, md5, [url + file.name for url in self.source.mirrors], advice)
            for file, (_, md5) in zip(files, self.source.resources, strict=True)
        ]


def _decode(content: bytes) -> torch.Tensor:
    """A gzipped IDX file of bytes: 2 zero bytes, the type (8), the rank, the sizes as big-endian
    32-bit integers, the values."""
    raw = gzip.decompress(content)
    rank = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=rank, offset=4)
    values = np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank)
    return torch.from_numpy(values.reshape(shape).copy())
