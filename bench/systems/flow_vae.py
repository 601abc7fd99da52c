"""VAE whose posterior is a Gaussian bent by an inverse autoregressive flow.

Objective, minimised: −log p(x | z_T) + log q(z_0 | x) − Σ_t log |det ∂z_t / ∂z_(t−1)| − log p(z_T),
in nats, with z_0 ~ N(μ(x), diag σ²(x)) and z_t = f_t(z_(t−1), μ(x)). From this single draw only the
flow's part is taken: log q(z_0 | x) − log p(z_0) is replaced by its expectation, the KL of `vae`.
That leaves the mean as it is, takes nearly all the noise away while the flow is near the identity,
and without steps the system is `vae`.

Sources: Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016;
Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, eq. 15. The transformations
are those of the library zuko (Rozet et al., 2022).

Defaults: ours. Two `steps`, the second in reversed order as in the source, with one layer of 64
`hidden` units, zuko's default width. Adam 1e-3 as in `vae`.

Departures: the context of a step is the Gaussian's mean and not an additional output of the
encoder; a step's scale is exp(a), a bounded as in zuko, and not a sigmoid gate. Without noise,
`encode` gives the image of the Gaussian's mean.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.parts.posteriors import AutoregressiveStep
from bench.systems import vae

__all__ = ["System"]


class System(vae.System):
    """VAE + flow."""

    @dataclass(frozen=True)
    class Options(vae.System.Options):
        steps: int = 2
        hidden: int = 64

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.flow = nn.ModuleList(
            AutoregressiveStep(stack, f"flow.{i}", options.hidden, backward=i % 2 == 1)
            for i in range(options.steps)
        )

    def bend(self, z: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        """z_T [cells, batch, width] and its log-determinant [cells, batch], of z_0."""
        determinant = torch.zeros_like(z[..., 0])
        for step in self.flow:
            z, change = step(mean).call_and_ladj(z)
            determinant = determinant + change
        return z, determinant

    def encode(self, x, noise=None):
        mean, log_variance = self.encoder(x)
        if noise is None:
            return self.bend(mean, mean)[0]
        return self.draw(mean, log_variance, noise)

    def draw(self, mean, log_variance, noise):
        return self.bend(super().draw(mean, log_variance, noise), mean)[0]

    def log_posterior(self, mean, log_variance, z, noise):
        start = super().draw(mean, log_variance, noise)
        gaussian = super().log_posterior(mean, log_variance, start, noise)
        return gaussian - self.bend(start, mean)[1]

    def latent(self, mean, log_variance, z, noise):
        start = super().draw(mean, log_variance, noise)
        change = self.log_prior(start) - self.log_prior(z) - self.bend(start, mean)[1]
        return super().latent(mean, log_variance, z, noise) + change
