"""How far generated points are from real ones, on features, under a protocol."""

import numpy as np
import torch
from torch import Tensor

from bench import metrics
from bench.real import Real
from bench.study import Evaluation

__all__ = ["distances", "stretched"]


def distances(generated: np.ndarray, real: Real, protocol: Evaluation, seed: int) -> dict:
    """The columns of a record that compare features of generated points with those of real ones.

    Arguments:
        generated: features [N, D].
        seed: decides the subsets and resamples.
    """
    target, moments = real[protocol.split], real.moments(protocol.split)
    row = {
        "caution": metrics.caution(len(generated), len(target), target.shape[1]),
        "fid": metrics.frechet_distance(*metrics.moments(generated), *moments),
    }
    if "interval" in protocol.metrics:
        row["fid_low"], row["fid_high"] = metrics.frechet_interval(generated, moments, seed=seed)
    if "fd-infinity" in protocol.metrics:
        row["fd_infinity"] = metrics.fd_infinity(generated, moments, seed=seed)
    if "kid" in protocol.metrics:
        row["kid"], row["kid_deviation"] = metrics.kid(generated, target, seed=seed)
    if "neighbours" in protocol.metrics:
        row |= metrics.precision_recall_density_coverage(target, generated)._asdict()
    return row


def stretched(x: Tensor) -> Tensor:
    """Each image [N, D] on its own stretched to the whole of [0, 1]: (x − min) / (max − min).

    Mondal et al.'s public code for MaskAAE does this to generated images, and not to real ones,
    before it measures them. A constant image, for which this is not defined, is left as it is.
    """
    low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    return torch.where(high > low, (x - low) / (high - low), x)
