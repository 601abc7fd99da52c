"""MaskAAE: a critic AAE with a learned soft mask over the code.

Objectives, minimised, with μ the mask and Ŵ = E[H(μ∘z)] − E[H(μ∘E(x))]: the critic AAE's, its codes
and prior draws seen through the mask; the autoencoder's plus λ_v · mean[(E(x) − mean)² exp(−10μ²)];
and the mask's λ_r · error + λ_w · w(Ŵ) + λ_3 Σ|μ_i (1 − μ_i)|, where w(Ŵ) is
    paper:    Ŵ           (eq. 10)
    code:     (1 + Ŵ)²    (the public code: its critic's difference is −Ŵ)
    centred:  Ŵ²          (the square about zero, where codes and prior agree)

Source: Mondal, Chowdhury, Jayendran, Singla, Asnani and Prathosh, MaskAAE: Latent space
optimization for adversarial auto-encoders, UAI 2020, and its public code for MNIST.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from bench.parts.critics import wasserstein_gap
from bench.parts.masks import Mask, polarisation
from bench.systems import aae
from bench.systems.base import Player, Step

__all__ = ["System"]


class System(aae.System):
    """MaskAAE."""

    @dataclass(frozen=True)
    class Options(aae.System.Options):
        mask_loss: Literal["centred", "code", "paper"] = "centred"
        mask_error: float = 10.0
        mask_gap: float = 1.0
        mask_polarisation: float = 20.0
        mask_lr: float = 5e-3
        mask_start: float = 0.06
        mask_rise: float = 0.6
        variance: float = 100.0
        variance_rise: float = 0.0

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.masking = Mask(stack)

    def encode(self, x, noise=None):
        return self.encoder(x) * self.masking()

    def prior(self, count, noise):
        return super().prior(count, noise) * self.masking()

    def mask(self):
        return self.masking()[:, 0].detach()

    def loss(self, x: Tensor, step: Step) -> Tensor:
        with torch.no_grad():
            mask = self.masking()
        raw = self.encoder(x)
        z = raw * mask
        gap = wasserstein_gap(self.critic, z, self.prior(len(x), step.noise).detach())
        error = (x - self.decode(z)).square().mean(-1).mean(-1)
        loss = error + self.options.weight * gap
        if self.options.variance:
            spread = (raw - raw.mean(-2, keepdim=True)).square() * torch.exp(-10 * mask.square())
            rise = 1.0
            if self.options.variance_rise:
                rise = min(1.0, step.progress / self.options.variance_rise) ** 3
            loss = loss + rise * self.options.variance * spread.mean(-2).sum(-1) / self.dims
        return loss

    def mask_loss(self, x: Tensor, step: Step) -> Tensor:
        options = self.options
        with torch.no_grad():
            raw = self.encoder(x)
        mask = self.masking()
        z = raw * mask
        error = (x - self.decode(z)).square().mean(-1).mean(-1)
        gap = wasserstein_gap(self.critic, z, self.prior(len(x), step.noise))
        if options.mask_loss == "code":
            gap = (1 + gap).square()
        elif options.mask_loss == "centred":
            gap = gap.square()
        # From 2/m to 2048 in equal numbers of steps per doubling, as the source's, in its units.
        rise = min(1.0, max(0.0, (step.progress - options.mask_start) / options.mask_rise))
        rise = (1024 * self.dims) ** (rise - 1)
        loss = options.mask_error * error + options.mask_gap * gap
        loss = loss + options.mask_polarisation * rise * polarisation(mask)
        # Untouched at first, while the codes mean nothing yet.
        return loss * float(step.progress >= options.mask_start)

    def players(self):
        return [
            *super().players(),
            Player(
                "mask",
                (self.masking,),
                self.mask_loss,
                partial(torch.optim.RMSprop, alpha=0.9),
                self.options.mask_lr,
                anneal=False,
                project=self.masking.project,
            ),
        ]
