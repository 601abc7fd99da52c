"""Densities of codes: a diagonal Gaussian, and a mixture of them as a prior.

Codes are padded with zeros. `exists` [cells, 1, width], 1 where a coordinate exists and 0 where it
is padding, keeps padding out of densities and, since padded weights must stay zero, out of
gradients.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from bench.noise import Noise

__all__ = ["MixturePrior", "log_normal"]


_LOG_2_PI = math.log(2 * math.pi)


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor, exists: Tensor) -> Tensor:
    """log N(z; mean, diag exp(log_variance)) in nats: [..., width] to [...]."""
    squares = (z - mean).square() * torch.exp(-log_variance)
    return -0.5 * ((squares + log_variance + _LOG_2_PI) * exists).sum(-1)


class MixturePrior(NamedTuple):
    """A mixture of K diagonal Gaussians for each cell.

    Attributes:
        means: [cells, K, width].
        log_variances: [cells, K, width].
        log_weights: [cells, K]; exponentials add up to 1.
        exists: [cells, 1, width].
    """

    means: Tensor
    log_variances: Tensor
    log_weights: Tensor
    exists: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """log p(z) in nats: [cells, batch, width] to [cells, batch]."""
        return self._each(z, z.square()).logsumexp(-1)

    def responsibilities(self, z: Tensor) -> Tensor:
        """p(k | z) = w_k p_k(z) / p(z): [cells, batch, width] to [cells, batch, K]."""
        return self._each(z, z.square()).softmax(-1)

    def kl_bound(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """−log Σ_k w_k exp(−KL(q ‖ p_k)) ≥ KL(q ‖ p) in nats, q = N(mean, diag exp(log_variance)):
        [cells, batch, width] to [cells, batch].

        Source: Hershey and Olsen, Approximating the Kullback Leibler divergence between Gaussian
        mixture models, 2007, eq. 20 with one component in q.
        """
        second = (mean.square() + log_variance.exp()) * self.exists
        entropy = 0.5 * ((log_variance + 1 + _LOG_2_PI) * self.exists).sum(-1)
        return -entropy - self._each(mean, second).logsumexp(-1)

    def _each(self, first: Tensor, second: Tensor) -> Tensor:
        """log w_k + E log p_k(z) [cells, batch, K], z of these moments E z and E z²: by matrix
        products, since batch × K × width numbers would not fit in the memory."""
        precisions = torch.exp(-self.log_variances)
        scaled = self.means * precisions
        constants = self.means * scaled + (self.log_variances + _LOG_2_PI) * self.exists
        squares = torch.bmm(second, precisions.mT) - 2 * torch.bmm(first, scaled.mT)
        logs = self.log_weights - 0.5 * constants.sum(-1)
        return logs[:, None] - 0.5 * squares

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Codes [cells, count, width]: a component by its weight, then a point of it."""
        levels = noise.uniform("component", count).T.expand(len(self.means), count)
        steps = self.log_weights.exp().cumsum(-1)[:, :-1].contiguous()
        chosen = torch.searchsorted(steps, levels.contiguous(), right=True)[..., None]
        mean, log_variance = (
            t.gather(1, chosen.expand(-1, -1, t.shape[-1]))
            for t in (self.means, self.log_variances)
        )
        points = noise.normal("prior", count, mean.shape[-1])
        return mean + torch.exp(0.5 * log_variance) * points * self.exists
