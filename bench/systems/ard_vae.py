"""ARD-VAE: a VAE that estimates the prior's variances, and which coordinates matter.

Objective, minimised: ‖x − D(z)‖² / (2 γ²) + KL(q(z | x) ‖ N(0, diag v)), z ~ q(z | x), in nats and
but for constants, where v is not moved by gradients but estimated from codes: the mean of z² over
the last n codes or so. (A Gamma hyperprior with α₀ = β₀ = 0 over precisions has the posterior
Gamma(n/2, Σ z²/2); the code's KL takes β/α = mean z² for the prior's variance.)

Relevance of coordinate i: v_i · Σ_d (mean over data of |∂D_d(z) / ∂z_i|)². The most relevant ones
that together have more than 99 % of its sum are kept, and `mask` is 1 for them, 0 for the rest.

Source: Saha, Joshi and Whitaker, ARD-VAE: A Statistical Formulation to Find the Relevant Latent
Dimensions of Variational Autoencoders, WACV 2025, as its authors' public code has it.

Defaults: n = 10,000 (`codes`), 99 % (`relevance`), and 100 data for the relevance are the code's,
and so are a Gaussian `likelihood` and γ² = 1/4 (`gamma` = .5): on MNIST it weighs the KL by 1/2
against ‖x − x̂‖² (by .05 on CIFAR-10, which is γ² = 1/40). Adam 1e-3 as in `vae` (theirs: 5e-4,
halved where validation stalls).

Departures: the code sets aside 10,000 points of training data and estimates v from a draw of their
codes once an epoch; here v is a moving average of E z² = μ² + σ² over the training batches, with
weight batch/n, starting at 1, so that the first step is that of `vae`. The relevance is taken at
the codes' means, the first 100 of the train split. Other coordinates are set to zero in codes and
prior draws; the code keeps their means. The prior is N(0, diag v) in sampling as in training, where
the code samples around the mean of the codes. `log_weights` are those of the model that is sampled
from: of the relevant coordinates, with zeros for the others.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.autograd.functional import jvp

from bench.cells import LATENT
from bench.parts.priors import log_normal
from bench.systems import vae

__all__ = ["System"]

_DATA = 100


class System(vae.System):
    """ARD-VAE."""

    @dataclass(frozen=True)
    class Options(vae.System.Options):
        likelihood: Literal["bernoulli", "gaussian", "learned-gaussian"] = "gaussian"
        gamma: float = 0.5
        codes: int = 10_000
        relevance: float = 0.99

        def __post_init__(self):
            super().__post_init__()
            if self.codes < 1 or self.relevance >= 1:
                raise ValueError("codes >= 1 and relevance < 1")

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        for name in ("variance", "relevant"):
            start = stack.buffer([torch.ones(dim) for dim in stack.dims], LATENT)
            self.register_buffer(name, start)

    def log_variances(self) -> Tensor:
        """log v [cells, 1, width]; zero where padded."""
        # Steps write into v after this has been used, hence not a view of it.
        return torch.where(self.exists > 0, self.variance[:, None], 1.0).log()

    def latent(self, mean, log_variance, z, noise):
        """KL(q(z | x) ‖ N(0, diag v)); then the batch enters v."""
        prior = self.log_variances()
        moments = mean.square() + log_variance.exp()
        terms = moments * torch.exp(-prior) - 1 + prior - log_variance
        share = min(1.0, mean.shape[-2] / self.options.codes)
        average = (moments.detach() * self.exists).mean(-2)
        self.variance.lerp_(average, share)
        return 0.5 * terms.sum(-1)

    def log_prior(self, z):
        return log_normal(z, torch.zeros_like(z), self.log_variances(), self.relevant[:, None])

    def log_posterior(self, mean, log_variance, z, noise):
        return log_normal(z, mean, log_variance, self.relevant[:, None])

    def draw(self, mean, log_variance, noise):
        z = super().draw(mean, log_variance, noise)
        # Training may go on after a snapshot has settled.
        return z if self.training else z * self.relevant[:, None]

    def encode(self, x, noise=None):
        return super().encode(x, noise) * self.relevant[:, None]

    def prior(self, count, noise):
        scale = self.variance.sqrt() * self.relevant
        return super().prior(count, noise) * scale[:, None]

    def mask(self):
        return self.relevant.clone()

    def settle(self, train):
        """Finds the relevant coordinates."""
        with self.still():
            z, _ = self.encoder(train[:_DATA])
            scores = self.variance * self.steepness(z)
            ordered, places = scores.sort(dim=-1, descending=True, stable=True)
            before = ordered.cumsum(-1) - ordered
            kept = (before <= self.options.relevance * ordered.sum(-1, keepdim=True)).float()
            self.relevant.scatter_(-1, places, kept).mul_(self.exists[:, 0])

    def steepness(self, z: Tensor) -> Tensor:
        """Σ_d (mean over the batch of |∂D_d(z) / ∂z_i|)² [cells, width]."""
        slopes = []
        for direction in torch.eye(z.shape[-1], device=z.device):
            _, slope = jvp(self.decode, z, direction.expand_as(z))
            slopes.append(slope.abs().mean(-2).square().sum(-1))
        return torch.stack(slopes, -1)
