"""A model's samples, block by block, and what is kept of generated points under a protocol."""

import numpy as np
import torch
from torch import Tensor

from bench import metrics
from bench.distances import stretched
from bench.features import Extractor
from bench.real import Extractors, blocks
from bench.study import Evaluation
from bench.systems.base import Autoencoder

__all__ = ["Kept", "finite", "generate"]


class Kept:
    """What is kept of points that come in blocks: their features and, for moments, their spread.

    Arguments:
        protocol: says whether each point is stretched first.
        extractor: the protocol's.
    """

    def __init__(self, protocol: Evaluation, extractor: Extractor):
        self.protocol, self.extractor = protocol, extractor
        self._features: list[np.ndarray] = []
        self._spread = metrics.Spread() if "moments" in protocol.metrics else None

    def add(self, x: Tensor) -> None:
        """Points [N, data]."""
        x = stretched(x) if self.protocol.stretch else x
        self._features.append(self.extractor(x))
        if self._spread:
            self._spread.add(x.numpy(force=True))

    @property
    def features(self) -> np.ndarray:
        """Of all points [N, D]."""
        return np.concatenate(self._features)

    def moments(self, extractors: Extractors) -> dict:
        """The columns of a record that compare the points with the protocol's split in the data's
        own coordinates, where they are asked for."""
        if not self._spread:
            return {}
        real = extractors.spread(self.protocol.split)
        return {
            "mean_gap": metrics.mean_gap(self._spread, real),
            "variance_ratio": metrics.variance_ratio(self._spread, real),
        }


def generate(
    model: Autoencoder, prior: Tensor, protocol: Evaluation, extractor: Extractor
) -> tuple[list[Kept], Tensor]:
    """What is kept of each cell's samples, decoded from prior draws [cells, N, width].

    Returns:
        It, by cell, and which cells' samples are finite numbers [cells]. What is kept of other
        cells means nothing.
    """
    kept = [Kept(protocol, extractor) for _ in prior]
    alive = prior.new_ones(len(prior), dtype=torch.bool)
    for block in blocks(prior.shape[1], torch.Size(model.space.shape).numel()):
        samples = model.decode(prior[:, block])
        alive &= finite(samples)
        for x, own in zip(samples.nan_to_num(), kept, strict=True):
            own.add(x)
    return kept, alive


def finite(values: Tensor) -> Tensor:
    """Whether all of a cell's values are finite numbers [cells]."""
    return values.isfinite().flatten(1).all(1)
