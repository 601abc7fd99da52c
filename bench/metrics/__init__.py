"""Metrics: pure functions on NumPy arrays. See docs/architecture.md for what each column means."""

from bench.metrics.covariance import nac
from bench.metrics.dimension import MASK_THRESHOLD, active_dimensions, active_units
from bench.metrics.frechet import fid, frechet_distance
from bench.metrics.reconstruction import reconstruction_error

__all__ = [
    "MASK_THRESHOLD",
    "active_dimensions",
    "active_units",
    "fid",
    "frechet_distance",
    "nac",
    "reconstruction_error",
]
