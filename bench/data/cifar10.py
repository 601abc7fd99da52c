"""cifar10: photographs of ten kinds (Krizhevsky 2009), 32 × 32 RGB, from torchvision's own files.

They are read from the extracted folder if it is whole, else from the archive, in memory. Both are
pickles: each one's MD5 is checked before, and the unpickler knows arrays only, so none runs code.
"""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import torch
import torchvision

from bench import downloads
from bench.data import base
from bench.downloads import DataError

__all__ = ["DataSet"]

VALIDATION = 10_000


class DataSet(base.DataSet):
    """40,000 images to train on (the papers use all 50,000), the last 10,000 of the train files to
    choose by, as many as protocols draw samples, and 10,000 to test on."""

    name = "cifar10"
    shape = (3, 32, 32)
    sizes = {"train": 40_000, "validation": VALIDATION, "test": 10_000}
    value_range = (0.0, 1.0)
    labelled = True
    classifier = "colour"
    source = torchvision.datasets.CIFAR10

    def make(self, root=None):
        """Read from `root`, downloading the archive where there is neither it nor its folder.

        Raises:
            DataError: a file is missing and cannot be downloaded, or is truncated or altered.
        """
        batches = [_decode(path, content) for path, content in self._contents(root)]
        count = len(self.source.train_list)
        images, labels = (torch.cat(parts) for parts in zip(*batches[:count], strict=True))
        test = tuple(torch.cat(parts) for parts in zip(*batches[count:], strict=True))
        return {
            "train": (images[:-VALIDATION], labels[:-VALIDATION]),
            "validation": (images[-VALIDATION:], labels[-VALIDATION:]),
            "test": test,
        }

    @classmethod
    def files(cls, root=None):
        """The batches of the extracted folder if they are all there, else the archive."""
        extracted = cls._extracted(root)
        if all(file.exists() for file in extracted):
            return extracted
        return (downloads.root(root) / cls.source.filename,)

    @classmethod
    def _extracted(cls, root: str | Path | None) -> tuple[Path, ...]:
        folder = downloads.root(root) / cls.source.base_folder
        return tuple(folder / name for name, _ in cls._batches())

    @classmethod
    def _batches(cls) -> list[list[str]]:
        """File name and MD5 of each batch, those to train on first."""
        return cls.source.train_list + cls.source.test_list

    def _contents(self, root: str | Path | None) -> list[tuple[Path, bytes]]:
        """Path and content of each batch, checked."""
        files, expected = self._extracted(root), [md5 for _, md5 in self._batches()]
        if self.files(root) == files:
            pairs = zip(files, expected, strict=True)
            return [(file, downloads.read(file, md5)) for file, md5 in pairs]
        archive = downloads.verified(
            downloads.root(root) / self.source.filename,
            self.source.tgz_md5,
            [self.source.url],
            f"it should be there, or {files[0].parent} with {', '.join(f.name for f in files)}",
        )
        contents = []
        with tarfile.open(archive) as tar:
            for name, md5 in self._batches():
                member = f"{self.source.base_folder}/{name}"
                content = tar.extractfile(member).read()
                downloads.check(archive / member, io.BytesIO(content), md5)
                contents.append((archive / member, content))
        return contents


class _Unpickler(pickle.Unpickler):
    """Makes arrays, and what pickles have no names for: numbers, strings, lists, dictionaries."""

    allowed = {
        ("numpy.core.multiarray", "_reconstruct"): np.ndarray(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self.allowed[module, name]


def _decode(path: Path, content: bytes) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 [N, 3, 32, 32] and labels int64 [N] of one batch, a pickle of Python 2."""
    try:
        batch = _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise DataError(f"{path} holds more than arrays: {error}") from None
    images = torch.from_numpy(batch["data"].reshape(-1, *DataSet.shape).copy())
    return images, torch.tensor(batch["labels"], dtype=torch.int64)
