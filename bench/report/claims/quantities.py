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
}


def called(column: str) -> str:
    """A column's or quantity's name in a sentence."""
    return _NAMES.get(column, column)
