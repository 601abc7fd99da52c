"""Metrics: pure functions on NumPy arrays. See docs/architecture.md for what each column means.

scikit-learn and scipy.stats are imported where they are called: that takes half a second or more,
and few jobs need it.
"""

from bench.metrics.bootstrap import frechet_interval
from bench.metrics.components import component_separation, components_used
from bench.metrics.covariance import correlation, mean_correlation, nac
from bench.metrics.dimension import MASK_THRESHOLD, active_dimensions, active_units
from bench.metrics.extrapolation import fd_infinity
from bench.metrics.frechet import caution, fid, frechet_distance, moments
from bench.metrics.intrinsic import mle_dimension, pca_dimension, two_nn
from bench.metrics.kernel import kid
from bench.metrics.labels import label_accuracy, label_variance
from bench.metrics.neighbours import precision_recall_density_coverage
from bench.metrics.reconstruction import reconstruction_error
from bench.metrics.spread import Spread, mean_gap, variance_ratio

__all__ = [
    "MASK_THRESHOLD",
    "Spread",
    "active_dimensions",
    "active_units",
    "caution",
    "component_separation",
    "components_used",
    "correlation",
    "fd_infinity",
    "fid",
    "frechet_distance",
    "frechet_interval",
    "kid",
    "label_accuracy",
    "label_variance",
    "mean_correlation",
    "mean_gap",
    "mle_dimension",
    "moments",
    "nac",
    "pca_dimension",
    "precision_recall_density_coverage",
    "reconstruction_error",
    "two_nn",
    "variance_ratio",
]
