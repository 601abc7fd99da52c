"""Wasserstein autoencoder with a Jensen–Shannon critic on the codes.

Objectives, minimised: the critic's −E log σ(H(z)) − E log(1 − σ(H(E(x)))), z ~ N(0, I); the
autoencoder's .05 · mean ‖x − D(E(x))‖² − λ · E log σ(H(E(x))).

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, algorithm 1.

Defaults: .05, λ = 10, Adam with learning rates 1e-3 and 5e-4 (critic) and β1 = .5, one critic turn:
the authors' for MNIST. The critic's hidden layers go with the study's net: the mlp's
own, or 4 × 512 (MNIST) and 4 × 1024 (CelebA) for the authors' `dcgan`.

Departures: as `wae_mmd`, and no log-density of the prior is added to the critic.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch.nn import functional as F

from bench.nets import critic_widths
from bench.parts.critics import Critic, jensen_shannon_loss
from bench.parts.likelihoods import squared_error
from bench.systems.base import Autoencoder, Player

__all__ = ["System"]


class System(Autoencoder):
    """WAE-GAN."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        weight: float = 10.0
        lr: float = 1e-3
        critic_lr: float = 5e-4

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.critic = Critic(stack, critic_widths(net, space.shape))

    def critic_loss(self, x, step):
        with torch.no_grad():
            z = self.encoder(x)
        return jensen_shannon_loss(self.critic, z, self.prior(len(x), step.noise))

    def loss(self, x, step):
        z = self.encoder(x)
        fooled = F.softplus(-self.critic(z)).mean(-1)
        return 0.05 * squared_error(x, self.decode(z)) + self.options.weight * fooled

    def players(self):
        adam, options = partial(torch.optim.Adam, betas=(0.5, 0.999)), self.options
        return [
            Player("critic", (self.critic,), self.critic_loss, adam, options.critic_lr),
            Player("autoencoder", (self.encoder, self.decoder), self.loss, adam, options.lr),
        ]
