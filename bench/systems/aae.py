"""Adversarial autoencoder with a Wasserstein critic and gradient penalty: MaskAAE's "WAE" curves.

Objectives, minimised: the critic's E[H(E(x))] − E[H(z)] + 10 · gradient penalty, z ~ N(0, I); the
autoencoder's .05 · mean ‖x − D(E(x))‖² + λ (E[H(z)] − E[H(E(x))]).

Sources: Mondal et al., MaskAAE, 2020 (the baseline of its figures 1 and 4: the same nets and critic
without a mask); Gulrajani et al., Improved Training of Wasserstein GANs, 2017 (penalty weight 10).

Defaults: the critic's Adam with betas (0, .9) and `penalty` = 10 are Gulrajani et al.'s; the
autoencoder's .05 and Adam with β1 = .5 and `lr` = 1e-3 are those of Wasserstein Auto-Encoders
(Tolstikhin et al., 2018). λ = .1 (`weight`), `critic_lr` = 3e-3 and `critic_turns` = 3 (both
sources: 5) were chosen on validation data (docs/search.md).

Departures: MaskAAE's code moves the encoder against the critic in a turn of its own, by RMSProp at
a fifth of the autoencoder's rate, over 500,000 steps; here both terms are one loss with weight λ,
so that a run of some thousand steps converges.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from bench.nets import critic_widths
from bench.parts.critics import Critic, gradient_penalty, wasserstein_gap
from bench.parts.likelihoods import squared_error
from bench.systems.base import Autoencoder, Player, Step

__all__ = ["System"]


class System(Autoencoder):
    """Critic AAE."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        weight: float = 0.1
        penalty: float = 10.0
        critic_turns: int = 3
        lr: float = 1e-3
        critic_lr: float = 3e-3

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.critic = Critic(stack, critic_widths(net, space.shape))

    def critic_loss(self, x: Tensor, step: Step) -> Tensor:
        with torch.no_grad():
            codes, prior = self.encode(x), self.prior(len(x), step.noise)
        mix = step.noise.uniform("mix", len(x))
        penalty = gradient_penalty(self.critic, codes, prior, mix)
        return self.options.penalty * penalty - wasserstein_gap(self.critic, codes, prior)

    def terms(self, x: Tensor, z: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """The reconstruction error and the critic's gap, each [cells], of x and its codes z."""
        gap = wasserstein_gap(self.critic, z, self.prior(len(x), step.noise))
        return 0.05 * squared_error(x, self.decode(z)), gap

    def loss(self, x: Tensor, step: Step) -> Tensor:
        error, gap = self.terms(x, self.encode(x), step)
        step.note("reconstruction", error)
        step.note("gap", gap)
        return error + self.options.weight * gap

    def players(self):
        options = self.options
        return [
            Player(
                "critic",
                (self.critic,),
                self.critic_loss,
                partial(torch.optim.Adam, betas=(0.0, 0.9)),
                options.critic_lr,
                turns=options.critic_turns,
            ),
            Player(
                "autoencoder",
                (self.encoder, self.decoder),
                self.loss,
                partial(torch.optim.Adam, betas=(0.5, 0.999)),
                options.lr,
            ),
        ]
