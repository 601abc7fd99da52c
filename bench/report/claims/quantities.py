"""What columns are called in a finding."""

__all__ = ["called"]

_NAMES = {
    "fid": "distance",
    "nac": "NAC",
    "reconstruction": "reconstruction error",
    "latent_divergence": "latent divergence",
    "elbo": "evidence lower bound (nats)",
    "iwae": "importance-weighted bound (nats)",
    "discovered_mask": "number of kept dimensions",
    "discovered_units": "number of active units",
    "pca_dimension": "95 % PCA dimension",
    "two_nn": "TwoNN dimension",
    "mle_dimension": "MLE dimension",
    "label_accuracy": "label accuracy",
    "label_accuracy_c": "label accuracy from c",
    "label_accuracy_z": "label accuracy from z",
    "label_variance": "variance between labels",
    "mean_gap": "mean gap",
    "variance_ratio": "variance ratio",
    "component_separation": "separation of components",
    "components_used": "number of components used",
    "autoencoder": "training loss (nats)",
    "match.mean": "mean estimate between two samples of the same normal",
    "match.deviation": "standard deviation of the estimate between two samples of the same normal",
    "match.negative": "share of negative estimates",
    "shift.mean": "mean estimate between a shifted normal and the normal",
    "match.biased": "mean V-statistic between two samples of the same normal",
    "shift.true": "the true value",
    "flat.independent": "mean MMD of flattened codes, independent normals",
    "flat.copies": "mean MMD of flattened codes, copies of one channel",
    "each.independent": "sum of the channels' mean MMDs, independent normals",
    "each.copies": "sum of the channels' mean MMDs, copies of one channel",
    "summed.independent": "mean MMD of codes summed over channels, independent normals",
    "summed.copies": "mean MMD of codes summed over channels, copies of one channel",
    "independent.cost": "cost of the independent coupling",
    "shift.cost": "cost of the shift coupling",
    "shift.distance": "mean distance of the shift coupling",
    "sorted.distance": "W1 of samples by the best assignment",
    "identity.dual": "dual bound of f(x) = x",
    "segments.shift": "mean distance of the coupling straight across",
    "segments.dual": "dual bound of the coordinate across the gap",
    "segments.assignment": "W1 of samples by the best assignment",
    "segments.kl.p": "KL of the one from the other",
    "segments.kl.q": "KL of the other from the one",
}


def called(column: str) -> str:
    """A column's or quantity's name in a sentence."""
    return _NAMES.get(column, column)
