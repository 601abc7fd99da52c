"""VAE with a VampPrior: a mixture of the posteriors of learned pseudo-inputs.

Objective, minimised: −log p(x | z) + log q(z | x) − log p(z), z ~ q(z | x), in nats, with
p(z) = (1/K) Σ_k q(z | u_k); the u_k are learned and stay in the data's range.

Source: Tomczak and Welling, VAE with a VampPrior, 2018, eqs. 2 and 10, and its public code.

Defaults: K = 500, and u_k starting at N(.05, .01²), are the code's for MNIST. Adam 1e-3 as in `vae`
(theirs: 5e-4, with normalised gradients).

Departures: one layer of codes; no warm-up of the latent term; the nets, without gates, are the
study's; the posterior's log-variance is not clipped to [−6, 2]. As in the code, a pseudo-input
outside of [0, 1] is clipped and then rests; where the data is unbounded, none is. Nets that
normalise by the batch see the pseudo-inputs by their running statistics, as in evaluation, so that
those stay the data's.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.parts.priors import MixturePrior
from bench.systems import vae

__all__ = ["System"]


class System(vae.System):
    """VampPrior VAE."""

    @dataclass(frozen=True)
    class Options(vae.System.Options):
        components: int = 500

        def __post_init__(self):
            super().__post_init__()
            if self.components < 1:
                raise ValueError("components >= 1")

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.build_prior(stack)

    def build_prior(self, stack) -> None:
        """Adds the parameters of the prior's components."""
        self.size = torch.Size(self.space.shape).numel()
        count, generator = self.options.components, stack.noise.generator("pseudo-inputs")
        start = 0.05 + 0.01 * torch.randn(count, self.size, generator=generator)
        self.pseudo_inputs = stack.parameter([start] * len(stack), count, self.size)

    def mixture(self) -> MixturePrior:
        """The prior."""
        inputs = self.pseudo_inputs[:, : self.options.components, : self.size]
        if self.space.bounded:
            inputs = inputs.clamp(0, 1)
        training = self.encoder.training
        means, log_variances = self.encoder.eval()(inputs)
        self.encoder.train(training)
        return MixturePrior(means, log_variances, self.uniform(means), self.exists)

    def uniform(self, means: Tensor) -> Tensor:
        """The log-weights [cells, K] of components that weigh alike."""
        return means.new_full(means.shape[:2], -math.log(means.shape[1]))

    def log_prior(self, z):
        return self.mixture().log_density(z)

    def latent(self, mean, log_variance, z, noise):
        return self.log_ratio(mean, log_variance, z, noise)

    def prior(self, count, noise):
        return self.mixture().draw(count, noise)
