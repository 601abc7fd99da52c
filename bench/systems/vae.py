"""Variational autoencoder with a Bernoulli, a fixed-γ or a learned-γ Gaussian likelihood.

Objective, minimised: E_q(z|x)[−log p(x | z)] + KL(q(z | x) ‖ N(0, I)), in nats.

Sources: Kingma and Welling, Auto-Encoding Variational Bayes, 2014, eq. 3. The likelihoods: Dai and
Wipf, Diagnosing and Enhancing VAE Models, 2019 (γ fixed at 1, or a learned scalar starting at 1).

Defaults: a learned γ (`likelihood`) that starts at 1 (`gamma`: its value where fixed) is Dai and
Wipf's. Adam with `lr` = 1e-3 and betas (.9, .999) is that of Kingma and Ba, Adam: A Method for
Stochastic Optimization, 2015; Dai and Wipf train their larger nets for 400 epochs at 1e-4.

Departures: Adam, whose rate falls to zero over the second half of training, for Kingma and
Welling's Adagrad.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bench.noise import Noise
from bench.parts import kl_standard_normal, likelihoods
from bench.parts.posteriors import GaussianEncoder, sample
from bench.parts.priors import log_normal
from bench.systems.base import Autoencoder, Player, Step

__all__ = ["System"]


class System(Autoencoder):
    """VAE."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        likelihood: Literal["bernoulli", "gaussian", "learned-gaussian"] = "learned-gaussian"
        gamma: float = 1.0
        lr: float = 1e-3

    @classmethod
    def needs(cls, options, space):
        if options.likelihood == "bernoulli" and not space.bounded:
            return "data in [0, 1] for a Bernoulli likelihood"
        return None

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        if options.likelihood == "learned-gaussian":
            self.log_gamma = stack.zeros(1)

    @property
    def continuous(self) -> bool:
        """Whether p(x | z) is a density of the data: a Bernoulli's is one of zeros and ones."""
        return self.options.likelihood != "bernoulli"

    def build_encoder(self, stack, trunk):
        return GaussianEncoder(stack, trunk)

    def encode(self, x, noise=None):
        mean, log_variance = self.encoder(x)
        return mean if noise is None else self.draw(mean, log_variance, noise)

    def draw(self, mean: Tensor, log_variance: Tensor, noise: Noise) -> Tensor:
        """One z from each N(mean, diag exp(log_variance)), reparameterised."""
        return sample(mean, log_variance, self.exists, noise)

    def draws(self, x: Tensor, noises: Iterable[Noise]) -> Iterator[tuple]:
        """By each noise one z ~ q(z | x): the Gaussian's mean and log-variance, z, the noise."""
        mean, log_variance = self.encoder(x)
        for noise in noises:
            yield mean, log_variance, self.draw(mean, log_variance, noise), noise

    def negative_log_likelihood(self, x: Tensor, logits: Tensor) -> Tensor:
        """−log p(x | z) in nats, the mean over the batch: logits [cells, …, batch, data] to
        [cells, …]."""
        match self.options.likelihood:
            case "bernoulli":
                return likelihoods.bernoulli(x, logits)
            case "gaussian":
                log_gamma = torch.full_like(self.dims, self.options.gamma).log()
            case _:
                log_gamma = self.log_gamma[:, 0]
        log_gamma = log_gamma.view(-1, *[1] * (logits.ndim - 3))
        return likelihoods.gaussian(x, self.output(logits), log_gamma)

    latent_term = "kl"
    """What the latent term is called in the history: `kl` where it is one, in nats."""

    def latent(self, mean: Tensor, log_variance: Tensor, z: Tensor, noise: Noise) -> Tensor:
        """The latent term [cells, batch] of each datum, in nats; z is a draw of its posterior."""
        return kl_standard_normal(mean, log_variance)

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) [cells, batch] of codes, in nats."""
        zero = torch.zeros_like(z)
        return log_normal(z, zero, zero, self.exists)

    def log_posterior(self, mean: Tensor, log_variance: Tensor, z: Tensor, noise: Noise) -> Tensor:
        """log q(z | x) [cells, batch], in nats, of the posterior's draw z by `noise`."""
        return log_normal(z, mean, log_variance, self.exists)

    def log_ratio(self, mean: Tensor, log_variance: Tensor, z: Tensor, noise: Noise) -> Tensor:
        """log q(z | x) − log p(z) [cells, batch], in nats: the KL from the draw z by `noise`."""
        return self.log_posterior(mean, log_variance, z, noise) - self.log_prior(z)

    def log_weights(self, x: Tensor, noises: Iterable[Noise]) -> Iterator[Tensor]:
        """log p(x | z) + log p(z) − log q(z | x) [cells, batch], in nats, of one z ~ q(z | x) by
        each noise.

        Its mean over draws is the ELBO; the log of the mean of its exponentials over k draws is
        the bound of Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016, eq. 8.
        """
        for drawn in self.draws(x, noises):
            # Every datum is a batch of its own, since likelihoods take the mean over the batch.
            error = self.negative_log_likelihood(x[:, None], self.decoder(drawn[2])[:, :, None])
            yield -error - self.log_ratio(*drawn)

    def loss(self, x: Tensor, step: Step) -> Tensor:
        mean, log_variance = self.encoder(x)
        z = self.draw(mean, log_variance, step.noise)
        latent = self.latent(mean, log_variance, z, step.noise).mean(-1)
        error = self.negative_log_likelihood(x, self.decoder(z))
        step.note("reconstruction", error)
        step.note(self.latent_term, latent)
        return error + latent

    def players(self):
        return [Player("autoencoder", (self,), self.loss, torch.optim.Adam, self.options.lr)]
