"""Wasserstein autoencoder with a maximum mean discrepancy.

Objective, minimised: .05 · mean ‖x − D(z)‖² + λ · MMD²(z, N(0, σ² I)), IMQ kernels, where z is E(x)
or, with a Gaussian `encoder`, a draw of its q(z | x). Before it, for the share `pretraining` of the
steps, the encoder's ‖m − p‖² / d + ‖C − P‖² / d², where m and C are the mean and covariance of a
batch of z, p and P those of as many prior draws, and d is the latent dimension.

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, algorithm 2, and
its public code (pretraining, Gaussian encoder).

Defaults: .05, λ = 10 (`weight`), σ = 1 (`prior_scale`), points for codes, and Adam with `lr` = 1e-3
and β1 = .5 are the authors' for MNIST.

Departures: no pretraining of the encoder by default (theirs: 200 steps of 1000 points, fewer where
the loss falls below .1); where there is one, its batch is the study's. Batch and number of steps
are the study's (theirs: 100, and 100 epochs), and rates fall to zero over the second half (theirs
are halved, then divided by 5). Log-variances are not clipped (theirs: to [−50, 50]).
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from bench.parts import mmd_imq
from bench.parts.likelihoods import squared_error
from bench.parts.posteriors import GaussianEncoder, sample
from bench.systems.base import Autoencoder, Player, Step

__all__ = ["System"]


class System(Autoencoder):
    """WAE-MMD."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        weight: float = 10.0
        lr: float = 1e-3
        encoder: Literal["point", "gaussian"] = "point"
        prior_scale: float = 1.0
        pretraining: float = 0.0

        def __post_init__(self):
            super().__post_init__()
            if self.pretraining >= 1:
                raise ValueError("pretraining < 1")

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.prior_scale = options.prior_scale

    def build_encoder(self, stack, trunk):
        if self.options.encoder == "gaussian":
            return GaussianEncoder(stack, trunk)
        return super().build_encoder(stack, trunk)

    def encode(self, x, noise=None):
        if self.options.encoder == "point":
            return self.encoder(x)
        mean, log_variance = self.encoder(x)
        return mean if noise is None else sample(mean, log_variance, self.exists, noise)

    def divergence(self, z: Tensor, step: Step) -> Tensor:
        """Of codes z [cells, batch, width] from the prior [cells]."""
        prior = self.prior(z.shape[-2], step.noise)
        return mmd_imq(z, prior, self.prior_scale, self.dims)

    def loss(self, x: Tensor, step: Step) -> Tensor:
        z = self.encode(x, step.noise)
        # In this order: gradients add up in that of the terms, and so do their last bits.
        divergence = self.divergence(z, step)
        error = 0.05 * squared_error(x, self.decode(z))
        step.note("reconstruction", error)
        step.note("divergence", divergence)
        return error + self.options.weight * divergence

    def pretraining_loss(self, x: Tensor, step: Step) -> Tensor:
        """How far the codes' mean and covariance are from the prior's [cells]."""
        (mean, covariance), (prior_mean, prior_covariance) = (
            _moments(z) for z in (self.encode(x, step.noise), self.prior(len(x), step.noise))
        )
        dims = self.dims.clamp(min=1)
        means = (mean - prior_mean).square().sum(-1) / dims
        covariances = (covariance - prior_covariance).square().sum(-1).sum(-1)
        return means + covariances / dims**2

    def players(self):
        adam, options = partial(torch.optim.Adam, betas=(0.5, 0.999)), self.options
        modules, start = (self.encoder, self.decoder), options.pretraining
        main = Player("autoencoder", modules, self.loss, adam, options.lr, span=(start, 1.0))
        if not start:
            return [main]
        first = Player(
            "pretraining", (self.encoder,), self.pretraining_loss, adam, options.lr, anneal=False
        )
        return [replace(first, span=(0.0, start)), main]


def _moments(z: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [cells, width] and covariance [cells, width, width] of codes [cells, batch, width]."""
    mean = z.mean(-2)
    centred = z - mean[:, None]
    return mean, centred.transpose(-1, -2) @ centred / (z.shape[-2] - 1)
