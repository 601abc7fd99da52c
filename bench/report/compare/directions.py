"""Which way a metric is better, and which changes of it are too small to speak of."""

__all__ = ["BETTER", "FLOOR", "floor", "word"]

BETTER = {
    "fid": "lower",
    "fid_low": "lower",
    "fid_high": "lower",
    "fd_infinity": "lower",
    "kid": "lower",
    "kid_deviation": None,
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "reconstruction": "lower",
    "latent_divergence": "lower",
    "nac": "lower",
    "discovered_mask": None,
    "discovered_units": None,
    "elbo": "higher",
    "iwae": "higher",
    "bits": "lower",
    "pca_dimension": None,
    "two_nn": None,
    "mle_dimension": None,
    "label_accuracy": "higher",
    "label_accuracy_c": "higher",
    "label_accuracy_z": None,
    "label_variance": None,
    "mean_gap": "lower",
    "variance_ratio": None,
    "component_separation": "higher",
    "components_used": None,
}
"""By column of the records; None where neither way is: there any change is just told."""

FLOOR = 0.05
"""The smallest change that raises an alarm by chance's measure, relative to the reference."""

# Of 100 nats, half a nat is much.
_FLOORS = {"elbo": 0.005, "iwae": 0.005, "bits": 0.005}


def floor(metric: str) -> float:
    """The smallest relative change of a metric that is worth an alarm."""
    return _FLOORS.get(metric, FLOOR)


def word(metric: str, change: float) -> str:
    """A change of a mean in a word.

    Example:
        >>> word("fid", 0.2), word("precision", 0.2), word("two_nn", 0.2), word("fid", 0.0)
        ('worse', 'better', 'changed', 'changed')
    """
    better = BETTER.get(metric)
    if better is None or not change:
        return "changed"
    return "better" if (change < 0) == (better == "lower") else "worse"
