"""Densities of codes, fitted to them after training: a Gaussian, or a mixture of several."""

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from bench import seeds
from bench.cells import LATENT, Stack
from bench.noise import Noise

__all__ = ["Mixture"]


class Mixture(nn.Module):
    """Σ_k π_k N(μ_k, F_kᵀ F_k), a mixture of full Gaussians for each cell; before `fit`, N(0, I).

    Its numbers are buffers, so a cell's file has them.

    Arguments:
        stack: the cells.
        components: how many; one is the Gaussian of the codes' mean and covariance.
    """

    def __init__(self, stack: Stack, components: int):
        super().__init__()
        self.components, self.dims = components, stack.dims
        self.seed = seeds.derive(stack.noise.seed, purpose="density")
        weights = torch.eye(components)[0]
        means = [torch.zeros(components, dim) for dim in stack.dims]
        factors = [torch.eye(dim).repeat(components, 1, 1) for dim in stack.dims]
        for name, values, *widths in [
            ("weights", [weights] * len(stack), components),
            ("means", means, components, LATENT),
            ("factors", factors, components, LATENT, LATENT),
        ]:
            self.register_buffer(name, stack.buffer(values, *widths))

    @torch.no_grad()
    def fit(self, codes: Tensor) -> None:
        """Expectation–maximisation on codes [cells, N, width], each cell by itself, N ≥ components.

        Codes that are not finite numbers give a density whose draws are none.
        """
        for cell, dim in enumerate(self.dims):
            if not dim:
                continue  # All codes are the one point, of which every draw is.
            places = (
                self.weights[cell, : self.components],
                self.means[cell, : self.components, :dim],
                self.factors[cell, : self.components, :dim, :dim],
            )
            values = self._fitted(codes[cell, :, :dim].double().numpy(force=True))
            for place, value in zip(places, values, strict=True):
                place.copy_(torch.as_tensor(value))

    def _fitted(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights [K], means [K, D] and factors [K, D, D] for codes [N, D]."""
        count, dim = self.components, codes.shape[1]
        if not np.isfinite(codes).all():
            return tuple(
                np.full(shape, np.nan) for shape in [count, (count, dim), (count, dim, dim)]
            )
        # In units of the codes' own size, so that what is added to each variance is small in them.
        centre = codes.mean(0)
        scale = (codes - centre).std() or 1.0
        model = GaussianMixture(count, max_iter=2000, random_state=self.seed % 2**32)
        # Threads add up in the order in which they happen to end.
        with threadpool_limits(1):
            model.fit((codes - centre) / scale)
            factors = np.linalg.cholesky(model.covariances_).swapaxes(-1, -2)
        return model.weights_, centre + scale * model.means_, scale * factors

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Codes [cells, count, width]."""
        cells, width = len(self.dims), self.means.shape[-1]
        normal = noise.normal("prior", count, width).expand(cells, -1, -1)
        uniform = noise.uniform("component", count)[:, 0]
        ends = self.weights[:, : self.components - 1].cumsum(-1)
        component = (uniform >= ends[..., None]).sum(1)[..., None]
        z = normal.new_zeros(cells, count, width)
        for k in range(self.components):
            own = torch.baddbmm(self.means[:, k, None], normal, self.factors[:, k])
            z = z + (component == k) * own
        return z
