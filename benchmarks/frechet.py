"""The Fréchet distance of two sets of 10,000 × 2,048 features, beside pytorch-fid's.

Seconds and the ratio, round by round, in turns. Ours counts the moments of both sets;
pytorch-fid's `calculate_frechet_distance` is given them.
"""

import warnings
from collections.abc import Callable

import numpy as np
from pytorch_fid.fid_score import calculate_frechet_distance

from bench import metrics
from benchmarks.markdown import table
from benchmarks.timing import Settings, in_turns, seconds, spread

__all__ = ["section"]

COUNT, WIDTH, ROUNDS = 10_000, 2_048, 3


def features(rng: np.random.Generator, count: int, width: int) -> np.ndarray:
    """Correlated, of unlike scales, none below zero: as the last layer of a network gives."""
    mixed = rng.normal(size=(count, width)) @ rng.normal(size=(width, width))
    return np.maximum(mixed * np.logspace(0, -1.5, width) / np.sqrt(width), 0)


def section(settings: Settings) -> str:
    """The table of seconds, and how far the two distances are from each other."""
    count, width = (300, 64) if settings.small else (COUNT, WIDTH)
    rounds = min(settings.rounds, ROUNDS)
    # Its call of SciPy's sqrtm is deprecated.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    rng = np.random.default_rng(0)
    a, b = features(rng, count, width), features(rng, count, width)
    moments = *metrics.moments(a), *metrics.moments(b)
    cases = {
        "ours": lambda: _timed(lambda: metrics.fid(a, b)),
        "theirs": lambda: _timed(lambda: calculate_frechet_distance(*moments)),
    }
    found = in_turns("frechet", cases, rounds)
    pairs = list(zip(found["ours"], found["theirs"], strict=True))
    rows = [
        ("bench, moments included", spread(ours for (ours, _), _ in pairs)),
        ("pytorch-fid, given the moments", spread(theirs for _, (theirs, _) in pairs)),
        ("ratio, round by round", spread(ours / theirs for (ours, _), (theirs, _) in pairs)),
    ]
    difference = max(abs(found / expected - 1) for (_, found), (_, expected) in pairs)
    note = f"Two sets of {count} × {width} features; medians (least–most) over {rounds} rounds."
    drawn = table("Fréchet distance", note, ("", "seconds"), rows)
    return f"{drawn}\nLargest relative difference of the two distances: {difference:.1e}\n"


def _timed(function: Callable[[], float]) -> tuple[float, float]:
    """Its seconds, and its value."""
    values = []
    return seconds(lambda: values.append(function())), values[0]
