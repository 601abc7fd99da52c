"""How much of the one set of features lies among the other, by nearest neighbours."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import alike

__all__ = ["Neighbourhoods", "precision_recall_density_coverage"]

_MEGABYTES = 128  # of distances at a time


class Neighbourhoods(NamedTuple):
    """Fractions in [0, 1]; the density may be above 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real: ArrayLike, generated: ArrayLike, neighbours: int = 5
) -> Neighbourhoods:
    """How much of the generated features lies among the real ones, and the other way round.

    A point's neighbourhood is the closed ball that reaches to the k-th nearest other point of its
    own set, in Euclidean distance.

    - precision: the share of generated points in the neighbourhood of any real point;
    - recall: the share of real points in the neighbourhood of any generated point;
    - density: the number of real neighbourhoods that a generated point is in, over k, on average;
    - coverage: the share of real points with any generated point in their neighbourhood.

    Kynkäänniemi, Karras, Laine, Lehtinen and Aila, "Improved precision and recall metric for
    assessing generative models" (2019), equations 1 and 2; Naeem, Oh, Uh, Choi and Yoo, "Reliable
    fidelity and diversity metrics for generative models" (2020), equations 4 and 5. All depend on
    the numbers of points and on k: compare only at the same.

    Arguments:
        real, generated: [N, D] and [M, D].
        neighbours: k, at least 1 and below N and M.

    Raises:
        ValueError: not two axes, another D, fewer than two rows, a value that is not finite, or
            `neighbours` out of range.
    """
    real, generated = alike(real=real, generated=generated)
    from sklearn.metrics import pairwise_distances_chunked

    if not 1 <= neighbours < min(len(real), len(generated)):
        raise ValueError(f"{neighbours} neighbours in sets of {len(real)} and {len(generated)}")
    real_radii, generated_radii = _radii(real, neighbours), _radii(generated, neighbours)
    held = np.zeros(len(generated), dtype=int)
    recalled, covered = [], []
    # One tile of the distances from real to generated points at a time.
    for tile in pairwise_distances_chunked(real, generated, working_memory=_MEGABYTES):
        radii = real_radii[len(recalled) : len(recalled) + len(tile), None]
        inside = tile <= radii
        held += inside.sum(axis=0)
        covered.extend(inside.any(axis=1))
        recalled.extend((tile <= generated_radii).any(axis=1))
    return Neighbourhoods(
        precision=float(np.mean(held > 0)),
        recall=float(np.mean(recalled)),
        density=float(np.mean(held) / neighbours),
        coverage=float(np.mean(covered)),
    )


def _radii(points: np.ndarray, neighbours: int) -> np.ndarray:
    """The distance from each point to its k-th nearest other."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(points)
    distances, _ = search.kneighbors()
    # The balls are closed: a copy of the point at the rim is inside, whatever the last digit says.
    return distances[:, -1] * (1 + 1e-9)
