"""How well codes tell the labels of their points."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import drawn, finite

__all__ = ["label_accuracy", "label_variance"]


def label_accuracy(
    codes: ArrayLike,
    labels: ArrayLike,
    neighbours: int = 5,
    folds: int = 5,
    most: int = 10_000,
    seed: int = 0,
) -> float | None:
    """The share of points whose label is that of most of their nearest neighbours.

    Cover and Hart, "Nearest neighbor pattern classification" (1967), by cross-validation: the
    neighbours of a point are of the other folds, in Euclidean distance, of the codes as they are. A
    tie of labels goes to the smallest. Folds have the labels in equal shares; they are cut in the
    order of the points, by no draw. Codes that say nothing get the share of the most frequent label
    at best, and about 1/C of C equally frequent ones.

    Arguments:
        codes: [N, D].
        labels: integers [N].
        neighbours: at least 1 and below N (1 − 1/folds).
        folds: at least 2.
        most: where N is above it, so many points are drawn without replacement.
        seed: of that draw.

    Returns:
        A number in [0, 1], or None where it is undefined: no coordinate, a single label, or a label
        of fewer points than folds.

    Raises:
        ValueError: not [N, D] and [N] of one N, a value that is not finite, or an option out of
            range.
    """
    codes, labels = _labelled(codes, labels)
    rows = drawn(len(codes), most, seed)
    codes, labels = finite("codes", codes[rows], 2), labels[rows]
    counts = np.unique(labels, return_counts=True)[1]
    if codes.shape[1] == 0 or len(counts) < 2 or counts.min() < folds:
        return None
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    # Near the origin fewer digits of a distance are lost.
    codes = codes - codes.mean(axis=0)
    search = KNeighborsClassifier(neighbours, algorithm="brute")
    found = cross_val_predict(search, codes, labels, cv=StratifiedKFold(folds))
    return float(np.mean(found == labels))


def label_variance(codes: ArrayLike, labels: ArrayLike) -> float | None:
    """The share of the codes' total variance that lies between labels: the correlation ratio η².

    Pearson, "On the general theory of skew correlation and non-linear regression" (1905), with
    squared norms for squares: Σ_c N_c ‖mean of label c − mean‖² / Σ_i ‖code i − mean‖². Labels that
    say nothing of the code have (C − 1) / (N − 1) of it on average.

    Arguments:
        codes: [N, D], N at least 2.
        labels: integers [N].

    Returns:
        A number in [0, 1], or None where it is undefined: no coordinate, or all codes are the same.

    Raises:
        ValueError: not [N, D] and [N] of one N, fewer than two points, or a value that is not
            finite.
    """
    codes, labels = _labelled(codes, labels)
    codes = finite("codes", codes, 2, least=2)
    if (codes == codes[0]).all():
        return None
    codes = codes - codes.mean(axis=0)
    _, group, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), codes.shape[1]))
    np.add.at(sums, group, codes)
    return float((sums**2 / counts[:, None]).sum() / (codes**2).sum())


def _labelled(codes: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or labels.shape != codes.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"codes [N, D] and integers [N] expected, got shapes {codes.shape}, {labels.shape} "
            f"({labels.dtype})"
        )
    return codes, labels
