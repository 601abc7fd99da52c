"""Features of a data set's real points: computed once per data set, split and extractor."""

from functools import cache
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from bench import features, metrics, store
from bench.data.base import DataSet
from bench.features import Extractor
from bench.mistake import Mistake
from bench.study import Evaluation

__all__ = ["SPLITS", "Extractors", "Real", "blocks"]

SPLITS = ("validation", "test")
"""The splits that samples are compared with."""

_ROWS, _VALUES = 2000, 2**21


def blocks(count: int, width: int) -> list[slice]:
    """Rows 0 to `count` of data with `width` coordinates, in blocks of a few megabytes."""
    rows = max(1, min(_ROWS, _VALUES // width))
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


class Real:
    """Features [N, D] of the splits that samples are compared with, and their moments."""

    def __init__(self, features: dict[str, np.ndarray]):
        self._features = features
        self.moments = cache(lambda split: metrics.moments(self[split]))

    def __getitem__(self, split: str) -> np.ndarray:
        return self._features[split]

    @classmethod
    def compute(cls, points: DataSet, extractor: Extractor) -> "Real":
        """The features of a data set's real points, read block by block."""
        width = torch.Size(points.shape).numel()
        sizes = {"validation": len(points.validation), "test": len(points.test)}
        return cls(
            {
                split: np.concatenate(
                    [extractor(points.batch(split, block)) for block in blocks(sizes[split], width)]
                )
                for split in SPLITS
            }
        )

    def write(self, path: str | Path, points: DataSet, extractor: Extractor) -> None:
        """Save the features, with the names and hashes of what they were computed from."""
        arrays = {split: np.ascontiguousarray(self[split]) for split in SPLITS}
        store.write_sealed(
            path,
            lambda told: safetensors.numpy.save(arrays, {"features": told}),
            _origin(points, extractor),
        )

    @classmethod
    def read(cls, path: str | Path, points: DataSet, extractor: Extractor) -> "Real":
        """The features that `write` saved.

        Raises:
            Mistake: the file has no features, or those of other data or of another extractor, or a
                byte of it is not what was written.
        """
        try:
            origin, content = store.read_sealed(path)
        except (store.Damaged, OSError) as error:
            raise Mistake(f"{path}: no features of real points: {error}") from None
        if origin != _origin(points, extractor):
            raise Mistake(f"{path}: features of {origin}, not of {_origin(points, extractor)}")
        return cls(safetensors.numpy.load(content))


class Extractors:
    """A data set's feature extractors and real features, each made or read once.

    Arguments:
        points: the data set.
        real: a folder with the files <extractor>.safetensors that `Real.write` made; without one
            they are computed.
    """

    def __init__(self, points: DataSet, real: str | Path | None = None):
        self.points, self.folder = points, real
        self._extractors, self._real = {}, {}
        self.spread = cache(self._spread)

    def __call__(self, protocol: Evaluation) -> features.Extractor:
        """The protocol's extractor."""
        name = protocol.extractor
        if name not in self._extractors:
            made = features.load(protocol.features, self.points, protocol.resizer)
            self._extractors[name] = made
        return self._extractors[name]

    def real(self, protocol: Evaluation) -> Real:
        """The features of the data set's real points."""
        name = protocol.extractor
        if name not in self._real:
            if self.folder is None:
                self._real[name] = Real.compute(self.points, self(protocol))
            else:
                path = Path(self.folder, f"{name}.safetensors")
                self._real[name] = Real.read(path, self.points, self(protocol))
        return self._real[name]

    def _spread(self, split: str) -> metrics.Spread:
        """Mean and variance of a split's points in the data's own coordinates."""
        found, count = metrics.Spread(), len(getattr(self.points, split))
        for block in blocks(count, torch.Size(self.points.shape).numel()):
            found.add(self.points.batch(split, block).numpy(force=True))
        return found


def _origin(points: DataSet, extractor: Extractor) -> dict[str, str]:
    own = {"dataset": points.name, "extractor": extractor.identity}
    return own | {split: points.sha256(split) for split in SPLITS}
