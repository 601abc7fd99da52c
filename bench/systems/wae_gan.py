"""Wasserstein autoencoder with a Jensen–Shannon critic on the codes.

Objectives, minimised: the critic's −E log σ(H(p)) − E log(1 − σ(H(z))), p ~ N(0, σ² I); the
autoencoder's .05 · mean ‖x − D(z)‖² − λ · E log σ(H(z)), z as in `wae_mmd`. With `log_prior`, H is
the net's score plus log N(z; 0, σ² I), and the net has to learn the codes' density only.

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, algorithm 1, and
its public code (the prior's density, which it has for CelebA and not for MNIST).

Defaults: .05, λ = 10, Adam with learning rates 1e-3 and 5e-4 (`critic_lr`) and β1 = .5, one critic
turn: the authors' for MNIST. The critic's hidden layers go with the study's net: the mlp's own, or
4 × 512 (MNIST) and 4 × 1024 (CelebA) for the authors' `dcgan`.

Departures: as `wae_mmd`; and the critic's loss is not multiplied by λ, nor does it move after the
autoencoder.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.nets import critic_widths
from bench.parts.critics import Critic, jensen_shannon_loss
from bench.parts.priors import log_normal
from bench.systems import wae_mmd
from bench.systems.base import Player, Step

__all__ = ["System"]


class System(wae_mmd.System):
    """WAE-GAN."""

    @dataclass(frozen=True)
    class Options(wae_mmd.System.Options):
        critic_lr: float = 5e-4
        log_prior: bool = False

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.critic = Critic(stack, critic_widths(net, space.shape))

    def score(self, z: Tensor) -> Tensor:
        """The critic's [cells, batch] of codes [cells, batch, width]: high for the prior's."""
        if not self.options.log_prior:
            return self.critic(z)
        return self.critic(z) + self.log_prior(z)

    def log_prior(self, z: Tensor) -> Tensor:
        """log N(z; 0, σ² I) [cells, batch], in nats: what a good critic has to learn of the prior.

        Source: Mescheder, Nowozin and Geiger, Adversarial Variational Bayes, 2017, section 3.3.
        """
        zero = torch.zeros_like(z)
        return log_normal(z, zero, zero + 2 * math.log(self.prior_scale), self.exists)

    def critic_loss(self, x: Tensor, step: Step) -> Tensor:
        with torch.no_grad():
            z = self.encode(x, step.noise)
        return jensen_shannon_loss(self.score, z, self.prior(len(x), step.noise))

    def divergence(self, z, step):
        return F.softplus(-self.score(z)).mean(-1)

    def players(self):
        adam = partial(torch.optim.Adam, betas=(0.5, 0.999))
        *first, main = super().players()
        critic = Player(
            "critic", (self.critic,), self.critic_loss, adam, self.options.critic_lr, span=main.span
        )
        return [*first, critic, main]
