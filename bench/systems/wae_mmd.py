"""Wasserstein autoencoder with a maximum mean discrepancy.

Objective, minimised: .05 · mean ‖x − D(E(x))‖² + λ · MMD²(E(x), N(0, I)), IMQ kernels.

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, algorithm 2.

Defaults: .05, λ = 10 and learning rate 1e-3 are the authors' for MNIST. Adam's β1 is .9 (theirs
.5): the stack's other systems use .9 for autoencoders, and only one choice should differ.
"""

from dataclasses import dataclass

import torch

from bench.parts import mmd_imq
from bench.parts.likelihoods import squared_error
from bench.parts.posteriors import PointEncoder
from bench.systems.base import Autoencoder, Player

__all__ = ["System"]


class System(Autoencoder):
    """WAE-MMD."""

    @dataclass(frozen=True)
    class Options:
        weight: float = 10.0
        lr: float = 1e-3

    def build_encoder(self, stack, trunk):
        return PointEncoder(stack, trunk)

    def encode(self, x, noise=None):
        return self.encoder(x)

    def loss(self, x, step):
        z = self.encoder(x)
        divergence = mmd_imq(z, self.prior(len(x), step.noise), self.prior_scale, self.dims)
        return 0.05 * squared_error(x, self.decode(z)) + self.options.weight * divergence

    def players(self):
        return [Player("autoencoder", (self,), self.loss, torch.optim.Adam, self.options.lr)]
