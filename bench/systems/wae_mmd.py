"""Wasserstein autoencoder with a maximum mean discrepancy.

Objective, minimised: .05 · mean ‖x − D(E(x))‖² + λ · MMD²(E(x), N(0, I)), IMQ kernels.

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, algorithm 2.

Defaults: .05, λ = 10, and Adam with learning rate 1e-3 and β1 = .5 are the authors' for MNIST.

Departures: no pretraining of the encoder; batch and number of steps are the study's (theirs: 100,
and 100 epochs), and rates fall to zero over the second half (theirs are halved, then divided by 5).
"""

from dataclasses import dataclass
from functools import partial

import torch

from bench.parts import mmd_imq
from bench.parts.likelihoods import squared_error
from bench.systems.base import Autoencoder, Player

__all__ = ["System"]


class System(Autoencoder):
    """WAE-MMD."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        weight: float = 10.0
        lr: float = 1e-3

    def loss(self, x, step):
        z = self.encoder(x)
        divergence = mmd_imq(z, self.prior(len(x), step.noise), self.prior_scale, self.dims)
        return 0.05 * squared_error(x, self.decode(z)) + self.options.weight * divergence

    def players(self):
        adam = partial(torch.optim.Adam, betas=(0.5, 0.999))
        return [Player("autoencoder", (self,), self.loss, adam, self.options.lr)]
