"""The Fréchet distance between two Gaussians, and between two sets of features."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite

__all__ = ["fid", "frechet_distance"]


def frechet_distance(
    mean_a: ArrayLike, cov_a: ArrayLike, mean_b: ArrayLike, cov_b: ArrayLike
) -> float:
    """The squared 2-Wasserstein distance between N(mean_a, cov_a) and N(mean_b, cov_b), float64.

    ‖mean_a − mean_b‖² + tr(cov_a) + tr(cov_b) − 2 tr((cov_a cov_b)^½): Dowson and Landau, "The
    Fréchet distance between multivariate normal distributions" (1982), equation 4; used on features
    of images by Heusel et al., "GANs trained by a two time-scale update rule converge to a local
    Nash equilibrium" (2017), equation 6. With cov = F Fᵀ for both, the last trace is the sum of the
    singular values of F_aᵀ F_b. So no matrix square root is taken, and singular covariances lose no
    digits. A result below zero is rounding, and returned as 0.

    Arguments:
        mean_a, mean_b: [D].
        cov_a, cov_b: [D, D], symmetric and positive semi-definite; of any rank.

    Raises:
        ValueError: shapes that do not fit, a value that is not finite, or no covariance matrix.
    """
    mean_a, mean_b = finite("mean_a", mean_a, 1), finite("mean_b", mean_b, 1)
    cov_a, cov_b = finite("cov_a", cov_a, 2), finite("cov_b", cov_b, 2)
    dim = len(mean_a)
    if mean_b.shape != (dim,) or cov_a.shape != (dim, dim) or cov_b.shape != (dim, dim):
        raise ValueError(
            "means [D] and covariances [D, D] expected, got shapes "
            f"{mean_a.shape}, {cov_a.shape}, {mean_b.shape}, {cov_b.shape}"
        )
    product = _factor("cov_a", cov_a).T @ _factor("cov_b", cov_b)
    overlap = np.linalg.svd(product, compute_uv=False).sum()
    distance = np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    return max(float(distance), 0.0)


def fid(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """The Fréchet distance between Gaussians fitted to two sets of features.

    Covariances are the unbiased ones (÷ N − 1). The estimate falls with N towards its limit:
    compare only distances from the same numbers of samples.

    Arguments:
        features_a, features_b: [N, D] and [M, D], with N and M at least 2.

    Raises:
        ValueError: not two axes, another D, fewer than two rows, or a value that is not finite.
    """
    features_a = finite("features_a", features_a, 2, least=2)
    features_b = finite("features_b", features_b, 2, least=2)
    if features_a.shape[1] != features_b.shape[1]:
        raise ValueError(
            f"features of {features_a.shape[1]} and of {features_b.shape[1]} dimensions"
        )
    return frechet_distance(*_moments(features_a), *_moments(features_b))


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def _factor(name: str, cov: np.ndarray) -> np.ndarray:
    """F with F Fᵀ = cov."""
    if not np.allclose(cov, cov.T, rtol=1e-6, atol=1e-9 * np.abs(cov).max()):
        raise ValueError(f"{name} is not symmetric")
    values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-6 * max(values[-1], 0):
        raise ValueError(f"{name} is not positive semi-definite: it has eigenvalue {values[0]:.3g}")
    return vectors * np.sqrt(values.clip(min=0))
