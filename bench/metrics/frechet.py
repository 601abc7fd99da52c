"""The Fréchet distance between two Gaussians, and between two sets of features."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import alike, finite

__all__ = ["Gaussian", "caution", "distance", "fid", "frechet_distance", "gaussian", "moments"]


class Gaussian(NamedTuple):
    """A mean [D] and a factor F [D, R] of the covariance F Fᵀ."""

    mean: np.ndarray
    factor: np.ndarray


def frechet_distance(
    mean_a: ArrayLike, cov_a: ArrayLike, mean_b: ArrayLike, cov_b: ArrayLike
) -> float:
    """The squared 2-Wasserstein distance between N(mean_a, cov_a) and N(mean_b, cov_b), float64.

    ‖mean_a − mean_b‖² + tr(cov_a) + tr(cov_b) − 2 tr((cov_a cov_b)^½): Dowson and Landau, "The
    Fréchet distance between multivariate normal distributions" (1982), equation 4; used on features
    of images by Heusel et al., "GANs trained by a two time-scale update rule converge to a local
    Nash equilibrium" (2017), equation 6. With cov = F Fᵀ for both, the last trace is the sum of the
    singular values of F_aᵀ F_b. So no matrix square root is taken, and a singular covariance is as
    good as any; but a zero eigenvalue's rounding counts with its square root, so about seven digits
    hold there, and twelve elsewhere. A result below zero is rounding, and returned as 0.

    Arguments:
        mean_a, mean_b: [D].
        cov_a, cov_b: [D, D], symmetric and positive semi-definite; of any rank.

    Raises:
        ValueError: shapes that do not fit, a value that is not finite, or no covariance matrix.
    """
    return distance(gaussian("a", mean_a, cov_a), gaussian("b", mean_b, cov_b))


def fid(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """The Fréchet distance between Gaussians fitted to two sets of features.

    The estimate falls with N towards its limit: compare only distances from the same numbers of
    samples, or see `fd_infinity`.

    Arguments:
        features_a, features_b: [N, D] and [M, D], with N and M at least 2.

    Raises:
        ValueError: not two axes, another D, fewer than two rows, or a value that is not finite.
    """
    features_a, features_b = alike(features_a=features_a, features_b=features_b)
    return frechet_distance(*moments(features_a), *moments(features_b))


def moments(features: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The mean [D] and the unbiased covariance (÷ N − 1) [D, D] of features [N, D], float64.

    What `frechet_distance` takes: the moments of real features are worth keeping.

    Raises:
        ValueError: not two axes, fewer than two rows, or a value that is not finite.
    """
    features = finite("features", features, 2, least=2)
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def caution(count_a: int, count_b: int, width: int) -> str | None:
    """What a reader of a distance between sets of so many features, `width` wide, must know.

    A covariance of N samples has rank N − 1 at most. The distance is defined all the same, but most
    of it is then the bias of a small sample.

    Returns:
        A line, or None where both sets have more samples than features.
    """
    count = min(count_a, count_b)
    if count > width:
        return None
    return f"{count} samples of {width} features: the covariance is singular"


def gaussian(name: str, mean: ArrayLike, cov: ArrayLike) -> Gaussian:
    """N(mean, cov), checked and factored: once, where many distances to it are wanted.

    Raises:
        ValueError: as `frechet_distance`; it names `mean_{name}` or `cov_{name}`.
    """
    mean, cov = finite(f"mean_{name}", mean, 1), finite(f"cov_{name}", cov, 2)
    if cov.shape != (len(mean), len(mean)):
        raise ValueError(
            f"mean_{name} [D] and cov_{name} [D, D] expected, got shapes {mean.shape}, {cov.shape}"
        )
    if np.abs(cov - cov.T).max() > 1e-6 * np.abs(cov).max():
        raise ValueError(f"cov_{name} is not symmetric")
    return Gaussian(mean, _factor(f"cov_{name}", cov))


def distance(a: Gaussian, b: Gaussian) -> float:
    """`frechet_distance` of two factored Gaussians.

    Raises:
        ValueError: shapes that do not fit.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"means of shapes {a.mean.shape} and {b.mean.shape}")
    overlap = np.linalg.svd(a.factor.T @ b.factor, compute_uv=False).sum()
    spread = np.sum(a.factor**2) + np.sum(b.factor**2)
    return max(float(np.sum((a.mean - b.mean) ** 2) + spread - 2 * overlap), 0.0)


def _factor(name: str, cov: np.ndarray) -> np.ndarray:
    """F with F Fᵀ = cov."""
    try:
        return np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        # Not positive definite: a factor of eigenvectors, ten times as slow, takes any rank.
        values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-6 * max(values[-1], 0):
        raise ValueError(f"{name} is not positive semi-definite: it has eigenvalue {values[0]:.3g}")
    return vectors * np.sqrt(values.clip(min=0))
