"""What a table's numbers are, on what they were measured, and how they were averaged."""

from bench.report.curves import CONTROLS, MAIN, Grid
from bench.report.text import footnoted, marks, plus_minus

__all__ = [
    "FORMULA",
    "METRICS",
    "averaged",
    "bold",
    "caption",
    "controls",
    "meaning",
    "measured",
    "trained",
]

METRICS = {
    "fid": "Fréchet distance",
    "fd_infinity": "Fréchet distance at infinitely many samples",
    "kid": "Kernel distance (KID)",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "discovered_mask": "Dimensions kept by the mask (values ≥ 0.1)",
    "discovered_units": "Active units (variance of the code's mean > 0.01)",
    "pca_dimension": "Principal components that have 95 % of the codes' variance",
    "two_nn": "Dimension of the codes by their two nearest neighbours (TwoNN)",
    "mle_dimension": "Dimension of the codes by maximum likelihood",
    "label_accuracy": "Labels told by the code",
    "label_accuracy_c": "Labels told by the code's part c",
    "label_accuracy_z": "Labels told by the code's part z",
    "label_variance": "Share of the codes' variance between labels",
    "component_separation": "Separation of the prior's components",
    "components_used": "Components of the prior in use",
    "latent_divergence": "Latent divergence",
    "nac": "NAC",
    "reconstruction": "Reconstruction: mean squared error per coordinate",
    "mean_gap": "Gap between the means of samples and data",
    "variance_ratio": "Variance of samples over that of data",
    "elbo": "Evidence lower bound (ELBO) on log p(x), in nats a datum",
    "iwae": "Importance-weighted bound on log p(x), in nats a datum",
    "bits": "Bits per dimension",
}
FORMULA = "|C_ij| / sqrt(C_ii C_jj)"
_IMPROVED = (
    "balls reach to a point's k-th nearest neighbour of its own kind (Kynkäänniemi and others, "
    "Improved precision and recall metric for assessing generative models, 2019)."
)
_RELIABLE = "(Naeem and others, Reliable fidelity and diversity metrics, 2020)."
_NEIGHBOURLY = (
    "Biased, mostly down, where the dimension is high for the number of points, so a guide more "
    "than a count"
)
_TOLD = (
    "The share of the split's points (at most 10,000) whose label is that of most of the 5 nearest "
    "codes, by five-fold cross-validation (Cover and Hart, Nearest neighbor pattern "
    "classification, 1967)."
)
_COMPARABLE = (
    "Higher is better, among equal kinds of likelihood only: a Bernoulli's of grey values is no "
    "density, and a Gaussian's depends on its deviation. The bound is of the model with its "
    "likelihood's noise, which generated samples are decoded without."
)
_MEANINGS = {
    "fd_infinity": (
        "The distance extrapolated to infinitely many generated samples by a straight line in 1/N, "
        "which takes away the bias of their number; may be negative (Chong and Forsyth, "
        "Effectively unbiased FID and Inception score and where to find them, 2020)."
    ),
    "kid": (
        "Squared MMD of the features with a cubic kernel, unbiased, so that values near 0 may be "
        "negative; mean over subsets (Bińkowski and others, Demystifying MMD GANs, 2018)."
    ),
    "precision": f"The share of generated samples inside the balls of real ones; {_IMPROVED}",
    "recall": f"The share of real samples inside the balls of generated ones; {_IMPROVED}",
    "density": (
        f"How many balls of real samples a generated one is in, over k; may exceed 1 {_RELIABLE}"
    ),
    "coverage": f"The share of real samples whose ball holds a generated one {_RELIABLE}",
    "nac": (
        f"NAC: mean over i ≠ j of {FORMULA}, C the covariance of the codes (of the kept "
        "dimensions only, where there is a mask)."
    ),
    "pca_dimension": "Directions of a flat subspace: a curved set has more than its own dimension.",
    "two_nn": (
        f"From the ratios of the two distances. {_NEIGHBOURLY} (Facco and others, Estimating the "
        "intrinsic dimension of datasets by a minimal neighborhood information, 2017)."
    ),
    "mle_dimension": (
        f"From the distances to the 20 nearest neighbours. {_NEIGHBOURLY} (Levina and Bickel, "
        "Maximum likelihood estimation of intrinsic dimension, 2004, averaged as MacKay and "
        "Ghahramani have it, 2005)."
    ),
    "label_accuracy": _TOLD,
    "label_accuracy_c": f"Of what a class shares, inferred from each point alone. {_TOLD}",
    "label_accuracy_z": f"Of what is a point's own. {_TOLD}",
    "label_variance": (
        "The correlation ratio η²: the labels' mean codes' variance over the codes', all "
        "coordinates together (Pearson, On the general theory of skew correlation, 1905)."
    ),
    "component_separation": (
        "Of the (at most 100) components that codes use most, the mean squared difference of each "
        "one's decoded mean from the nearest other's, over the reconstruction error: above 1 they "
        "differ by more than the model loses of a point. This project's own."
    ),
    "components_used": (
        "exp(H), H the entropy of the mean over the split's codes of p(component given code): so "
        "many components used alike have the same."
    ),
    "mean_gap": (
        "Squared distance of the two means in the data's coordinates, as a share of the split's "
        "total variance."
    ),
    "variance_ratio": (
        "Total variances in the data's coordinates: 0 is one point again and again, 1 as much "
        "variety as the split has."
    ),
    "elbo": (
        "Mean over the split and over k = {k} posterior draws z a datum of "
        f"log p(x | z) + log p(z) - log q(z | x). {_COMPARABLE}"
    ),
    "iwae": (
        "Mean over the split of the logarithm of the mean of k = {k} importance weights "
        "p(x | z) p(z) / q(z | x), which is at least the ELBO and in expectation nears log p(x) "
        "as k grows: compare at the same k (Burda, Grosse and Salakhutdinov, Importance weighted "
        f"autoencoders, 2016). {_COMPARABLE}"
    ),
    "bits": (
        "The importance-weighted bound (k = {k}), negated, in bits a coordinate of data that have "
        "256 levels; lower is better. No code length: no noise was added to the levels, at which a "
        "density may be as high as it likes, so that values may be below 0. Compare with other "
        "densities of the same values only, not with discrete models or dequantised data (Theis, "
        "van den Oord and Bethge, A note on the evaluation of generative models, 2016). There are "
        "none of a Bernoulli likelihood."
    ),
}
_DIMENSIONS = ("pca_dimension", "two_nn", "mle_dimension")
_MMD_CODES = 2000  # so many of the split's codes, at most, are compared with the prior
_TRAINING = {
    "net": "net {}",
    "batch": "batches of {}",
    "steps": "{} steps",
    "schedule": "{} learning rates",
}


def caption(grid: Grid, metric: str) -> str:
    """The caption of a metric's table."""
    n = "unknown" if grid.true_dim is None else str(grid.true_dim)
    told = [f"{METRICS[metric]} by latent dimension m on {grid.dataset} (true dimension {n})."]
    told += averaged(grid)
    if metric == "fid":
        told += [bold("a system's smallest mean"), *controls(grid)]
    return " ".join([*told, *meaning(grid, metric)])


def bold(smallest: str) -> str:
    """What bold type means: of `statistics.clearly_smallest`, in every table."""
    return (
        f"Bold: {smallest}, where the 95 % t interval of its difference from the second, paired by "
        "seed, excludes 0."
    )


def averaged(grid: Grid) -> list[str]:
    """Sentences on how a data set was measured and trained, and what is averaged."""
    told = []
    protocol = [text for text in (measured(grid), trained(grid)) if text]
    name = "" if grid.name == MAIN else f" {grid.name}"
    told += [f"Protocol{name}: {', '.join(protocol)}."] if protocol else []
    if len(grid.seeds) == 1:
        told.append("One seed: no intervals.")
    else:
        told.append(
            f"Mean ± half-width of the 95 % t interval over {len(grid.seeds)} seeds; where an "
            "entry names failed or missing ones, over the rest."
        )
    return told


def meaning(grid: Grid, metric: str) -> list[str]:
    """Sentences on what a metric is, where its name does not say it."""
    if metric == "latent_divergence":
        codes = min(_MMD_CODES, grid.protocol["samples"] or _MMD_CODES)
        return [
            f"MMD of the split's first {codes:,} codes against the prior: squared, with inverse "
            "multiquadratic kernels whose widths grow with m; an unbiased estimate, so that values "
            "near 0 may be negative."
        ]
    told = []
    if metric in _MEANINGS:
        told.append(_MEANINGS[metric].replace("{k}", str(grid.protocol["draws"])))
    if metric in _DIMENSIONS:
        own = grid.control("real", metric)
        told += [f"Of the split's data in their own coordinates: {plus_minus(own)}."] if own else []
    return told


def measured(grid: Grid) -> str:
    """How a protocol measures, in words; what is at its usual is not named."""
    its = grid.protocol
    told = [
        words.format(its[name])
        for name, words in (
            ("split", "{} split"),
            ("features", "{} features"),
            ("resizer", "{} resizer"),
            ("samples", "{} samples"),
        )
        if its[name] is not None
    ]
    told += ["generated samples stretched to the whole range"] if its["stretch"] else []
    if (checkpoint := its["checkpoint"]) not in (None, "last"):
        which = "number {}" if checkpoint.isdecimal() else "{}"
        told.append(f"of each model the checkpoint {which.format(checkpoint.replace('-', ' on '))}")
    return ", ".join(told)


def trained(grid: Grid) -> str:
    """How the systems were trained, in words, and which of them, where they differ."""
    # The linear system has a closed form, whatever net the study has.
    linear = [it for it in grid.systems(["pca"]) if not grid.untrained(it)]
    labels = [it for it in grid.systems() if it not in linear and not grid.untrained(it)]
    told = []
    for column, words in _TRAINING.items():
        groups = {}
        for label in labels:
            if (value := grid.training[label][column]) is not None:
                groups.setdefault(value, []).append(label)
        if len(groups) == 1 and sum(map(len, groups.values())) == len(labels):
            told.append(words.format(*groups))
        else:
            told += [f"{words.format(it)} ({', '.join(own)})" for it, own in groups.items()]
    told += [f"{', '.join(linear)} in closed form"] if linear else []
    return ", ".join(told)


def controls(grid: Grid) -> list[str]:
    """A sentence with the distances of the controls, where there are any."""
    texts = marks(grid.cautions())
    shown = [
        footnoted(f"{words} {plus_minus(one)}", grid.cautions(name), texts)
        for name, words in CONTROLS.items()
        if (one := grid.control(name))
    ]
    return [f"Controls: {', '.join(shown)}."] if shown else []
