"""VAE with a mixture of Gaussians as its prior.

Objective, minimised: −log p(x | z) + the latent term, in nats, with p(z) = Σ_k w_k p_k(z),
p_k = N(m_k, diag v_k), all m_k and v_k learned, and as the latent term
    bound:   −log Σ_k w_k exp(−KL(q(z | x) ‖ p_k)) ≥ KL(q ‖ p)
    sample:  log q(z | x) − log p(z), z ~ q(z | x)
One component N(0, I) is `vae` under the bound, and its single-sample form under the other.

Sources: a Lua Torch program for MNIST (K = 1000, w_k = 1/K, the bound, Adam 1e-3, Bernoulli); the
bound: Hershey and Olsen, Approximating the Kullback Leibler divergence between Gaussian mixture
models, 2007, eq. 20. Learned weights and mixture posteriors are extensions.

Defaults: K (`components`), w_k (`weights`), the bound (`kl`) and Adam are the program's. Ours,
since it does not say: m_k start from N(0, I), v_k from 1, learned weights from 1/K. The likelihood
is that of `vae`.

A posterior of J > 1 components (`posteriors`, by default 1), for which there is no bound, is a
mixture of J Gaussians of equal weights: a draw takes one of them at random, so that gradients pass
by its mean and variance.

Departures: steps and schedule are the study's (the program's rate falls by 10 every 100 of its 400
epochs).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch

from bench.cells import LATENT
from bench.parts.posteriors import MixtureEncoder
from bench.parts.priors import MixturePrior, log_normal
from bench.systems import vamp_vae

__all__ = ["System"]


class System(vamp_vae.System):
    """Mixture-of-Gaussians VAE."""

    @dataclass(frozen=True)
    class Options(vamp_vae.System.Options):
        components: int = 1000
        weights: Literal["fixed", "learned"] = "fixed"
        kl: Literal["bound", "sample"] = "bound"
        posteriors: int = 1

        def __post_init__(self):
            super().__post_init__()
            if self.posteriors < 1 or (self.posteriors > 1 and self.kl == "bound"):
                raise ValueError("posteriors >= 1, and 1 where kl is bound")

    def build_encoder(self, stack, trunk):
        if self.options.posteriors == 1:
            return super().build_encoder(stack, trunk)
        return MixtureEncoder(stack, trunk, self.options.posteriors)

    def build_prior(self, stack):
        count = self.options.components
        draw = stack.noise.normal("prior.means", count, stack.width)
        self.means = stack.parameter([draw[:, :dim] for dim in stack.dims], count, LATENT)
        starts = [torch.zeros(count, dim) for dim in stack.dims]
        self.log_variances = stack.parameter(starts, count, LATENT)
        if self.options.weights == "learned":
            self.logits = stack.zeros(count)

    def mixture(self):
        count = self.options.components
        means, log_variances = self.means[:, :count], self.log_variances[:, :count]
        if self.options.weights == "learned":
            log_weights = self.logits[:, :count].log_softmax(-1)
        else:
            log_weights = self.uniform(means)
        return MixturePrior(means, log_variances, log_weights, self.exists)

    def latent(self, mean, log_variance, z, noise):
        if self.options.kl == "bound":
            return self.mixture().kl_bound(mean, log_variance)
        return super().latent(mean, log_variance, z, noise)

    def encode(self, x, noise=None):
        codes = super().encode(x, noise)
        return codes.mean(-2) if codes.ndim == 4 else codes

    def draw(self, mean, log_variance, noise):
        if self.options.posteriors > 1:
            level = noise.uniform("posterior component", mean.shape[1])
            chosen = (level * self.options.posteriors).long()[None, ..., None]
            mean, log_variance = (
                t.take_along_dim(chosen, dim=2)[:, :, 0] for t in (mean, log_variance)
            )
        return super().draw(mean, log_variance, noise)

    def log_posterior(self, mean, log_variance, z, noise):
        if self.options.posteriors == 1:
            return super().log_posterior(mean, log_variance, z, noise)
        each = log_normal(z[:, :, None], mean, log_variance, self.exists[:, :, None])
        return torch.logsumexp(each, -1) - math.log(self.options.posteriors)
