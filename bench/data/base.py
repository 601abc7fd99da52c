"""What every data set is: three splits of tensors, read in flat batches, with a fingerprint."""

import abc
import hashlib
from functools import partial
from pathlib import Path

import torch

from bench import device
from bench.points import Points, take

__all__ = ["DataSet"]


class DataSet(abc.ABC):
    """Three splits. A data set is one file with one subclass: its constants, and `make`.

    Attributes:
        name: as in `bench.data.names()`.
        true_dim: the number of latent dimensions the data were made from; None where unknown.
        shape: of one point, such as (128,) or (1, 28, 28).
        sizes: how many points each split has, by name.
        value_range: the smallest and largest value a coordinate of a batch can have, or None.
        labelled: whether its points have labels.
        classifier: the shipped classifier whose features fit; None where none does.
        train, validation, test: tensors [N, *shape] on the CPU: float32, or uint8 for images.
    """

    name: str
    true_dim: int | None = None
    shape: tuple[int, ...]
    sizes: dict[str, int]
    value_range: tuple[float, float] | None = None
    labelled: bool = False
    classifier: str | None = None

    def __init__(self, root: str | Path | None = None):
        self._splits = self.make(root)
        self._placed: dict[tuple[str, torch.device], torch.Tensor] = {}
        self.train, self.validation, self.test = (
            self._splits[split][0] for split in ("train", "validation", "test")
        )

    @classmethod
    def bounded(cls) -> bool:
        """Whether every coordinate of a batch lies in [0, 1]."""
        return cls.value_range == (0, 1)

    @classmethod
    def files(cls, root: str | Path | None = None) -> tuple[Path, ...]:
        """The files below a data root that the set is read from, there or not; none if made."""
        return ()

    @abc.abstractmethod
    def make(self, root: str | Path | None) -> dict[str, tuple[torch.Tensor, torch.Tensor | None]]:
        """Points [N, *shape] and labels (int64 [N] or None) of the three splits, by name."""

    def batch(self, split: str, index: torch.Tensor | slice) -> torch.Tensor:
        """Points as float32 [B, prod(shape)]; images scaled from 0..255 to [0, 1].

        They are on the device of this block, to which a split goes once, images as bytes. A slice
        of vectors is a view of the data: read it only.
        """
        points = take(self._here(split), index).flatten(1)
        return points / 255 if points.dtype == torch.uint8 else points

    def _here(self, split: str) -> torch.Tensor:
        where = split, device.current()
        if where not in self._placed:
            self._placed[where] = device.place(self._splits[split][0])
        return self._placed[where]

    def rows(self, split: str) -> Points:
        """A split as numbers by row, on the device of this block."""
        labels = self.labels(split)
        labels = None if labels is None else device.place(labels)
        return Points(partial(self.batch, split), len(getattr(self, split)), labels)

    def labels(self, split: str) -> torch.Tensor | None:
        """Class labels, int64 [N], or None where there are none."""
        return self._splits[split][1]

    def sha256(self, split: str) -> str:
        """The SHA-256 of a split's points, then labels."""
        digest = hashlib.sha256()
        for tensor in self._splits[split]:
            if tensor is not None:
                digest.update(tensor.contiguous().numpy())
        return digest.hexdigest()

    def fingerprint(self) -> dict:
        """Name, shape, and of each split its size and SHA-256."""
        return {
            "name": self.name,
            "sha256": {split: self.sha256(split) for split in sorted(self._splits)},
            "shape": list(self.shape),
            "sizes": {split: len(self._splits[split][0]) for split in sorted(self._splits)},
        }
