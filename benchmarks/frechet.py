"""The Fréchet distance of two sets of 10,000 × 2,048 features, beside pytorch-fid's.

Prints a table of seconds and the ratio, round by round, in turns. Ours counts the moments of both
sets; pytorch-fid's `calculate_frechet_distance` is given them.
"""

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from pytorch_fid.fid_score import calculate_frechet_distance
from tabulate import tabulate

from bench import metrics

COUNT, WIDTH, ROUNDS = 10_000, 2_048, 3


def features(rng: np.random.Generator) -> np.ndarray:
    """Correlated, of unlike scales, none below zero: as the last layer of a network gives."""
    mixed = rng.normal(size=(COUNT, WIDTH)) @ rng.normal(size=(WIDTH, WIDTH))
    return np.maximum(mixed * np.logspace(0, -1.5, WIDTH) / np.sqrt(WIDTH), 0)


def timed(function: Callable[[], float]) -> tuple[float, float]:
    """Its seconds, and its value."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def main() -> None:
    """Time both in turns and print the table."""
    # Its call of SciPy's sqrtm is deprecated.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    rng = np.random.default_rng(0)
    a, b = features(rng), features(rng)
    moments = *metrics.moments(a), *metrics.moments(b)
    ours, theirs, differences = [], [], []
    for _ in range(ROUNDS):
        seconds, found = timed(lambda: metrics.fid(a, b))
        ours.append(seconds)
        seconds, expected = timed(lambda: calculate_frechet_distance(*moments))
        theirs.append(seconds)
        differences.append(abs(found / expected - 1))
    rows = [
        ("bench, moments included", *_spread(ours)),
        ("pytorch-fid, given the moments", *_spread(theirs)),
        ("ratio, round by round", *_spread([x / y for x, y in zip(ours, theirs, strict=True)])),
    ]
    print(f"Fréchet distance of two sets of {COUNT} × {WIDTH} features, {ROUNDS} rounds; seconds:")
    print(tabulate(rows, ["", "median", "least", "most"], floatfmt=".2f"))
    print(f"largest relative difference: {max(differences):.1e}")


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


if __name__ == "__main__":
    main()
