"""A model's samples, block by block, and what is kept of generated points under a protocol."""

import numpy as np
import torch
from torch import Tensor

from bench.distances import stretched
from bench.features import Extractor
from bench.real import blocks
from bench.study import Evaluation
from bench.systems.base import Autoencoder

__all__ = ["Kept", "finite", "generate"]


class Kept:
    """What is kept of points that come in blocks: their features.

    Arguments:
        protocol: says whether each point is stretched first.
        extractor: the protocol's.
    """

    def __init__(self, protocol: Evaluation, extractor: Extractor):
        self.protocol, self.extractor = protocol, extractor
        self._features: list[np.ndarray] = []

    def add(self, x: Tensor) -> None:
        """Points [N, data]."""
        x = stretched(x) if self.protocol.stretch else x
        self._features.append(self.extractor(x))

    @property
    def features(self) -> np.ndarray:
        """Of all points [N, D]."""
        return np.concatenate(self._features)


def generate(
    model: Autoencoder, prior: Tensor, protocol: Evaluation, extractor: Extractor
) -> tuple[list[Kept], Tensor]:
    """What is kept of each cell's samples, decoded from prior draws [cells, N, width].

    Returns:
        It, by cell, and which cells' samples are finite numbers [cells]. What is kept of other
        cells means nothing.
    """
    kept = [Kept(protocol, extractor) for _ in prior]
    alive = torch.ones(len(prior), dtype=torch.bool)
    for block in blocks(prior.shape[1], torch.Size(model.space.shape).numel()):
        samples = model.decode(prior[:, block])
        alive &= finite(samples)
        for x, own in zip(samples.nan_to_num(), kept, strict=True):
            own.add(x)
    return kept, alive


def finite(values: Tensor) -> Tensor:
    """Whether all of a cell's values are finite numbers [cells]."""
    return values.isfinite().flatten(1).all(1)
