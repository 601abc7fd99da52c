"""What a split's codes say: of how many dimensions they are, and of the labels of their points."""

from collections.abc import Mapping

import numpy as np

from bench import metrics
from bench.study import Evaluation

__all__ = ["columns", "dimensions"]


def columns(
    codes: np.ndarray,
    protocol: Evaluation,
    seed: int,
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    parts: Mapping[str, np.ndarray] | None = None,
) -> dict:
    """The columns of a record that are about codes [N, m] alone.

    Arguments:
        seed: decides which codes are looked at, where there are too many.
        mask: the mask's values [m], where there is one.
        labels: integers [N], where the data have them.
        parts: for each part of the code, by name, which coordinates are its own: booleans [m].
    """
    active = None if mask is None else mask >= metrics.MASK_THRESHOLD
    row = {
        "nac": metrics.nac(codes, active),
        "discovered_mask": None if mask is None else metrics.active_dimensions(mask),
        "discovered_units": metrics.active_units(codes),
    }
    if "intrinsic" in protocol.metrics:
        row |= dimensions(codes, seed)
    if "labels" in protocol.metrics:
        row["label_accuracy"] = metrics.label_accuracy(codes, labels, seed=seed)
        row["label_variance"] = metrics.label_variance(codes, labels)
        for name, own in (parts or {}).items():
            accuracy = metrics.label_accuracy(codes[:, own], labels, seed=seed)
            row[f"label_accuracy_{name}"] = accuracy
    return row


def dimensions(x: np.ndarray, seed: int) -> dict:
    """The columns of a record that say how many dimensions points [N, D] have."""
    return {
        "pca_dimension": metrics.pca_dimension(x, seed=seed),
        "two_nn": metrics.two_nn(x, seed=seed),
        "mle_dimension": metrics.mle_dimension(x, seed=seed),
    }
