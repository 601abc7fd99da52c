"""MaskAAE: a critic AAE with a learned soft mask over the code.

Objectives, minimised, with μ the mask and Ŵ = E[H(μ∘z)] − E[H(μ∘E(x))]: the critic AAE's, codes and
prior draws seen through the mask; the autoencoder's plus λ_v · mean[(E(x) − mean)² exp(−10 μ²)], a
mean over the batch and the m coordinates; and the mask's, with error .05 · mean ‖x − D(μ∘E(x))‖²,
λ_r · error + λ_w · w(Ŵ) + λ_3 Σ|μ_i (1 − μ_i)|, where w(Ŵ) is
    paper:    Ŵ           (eq. 10)
    code:     (1 + Ŵ)²    (the public code: its critic's difference is −Ŵ)
    centred:  Ŵ²          (the square about zero, where codes and prior agree)

Source: Mondal, Chowdhury, Jayendran, Singla, Asnani and Prathosh, MaskAAE: Latent space
optimization for adversarial auto-encoders, UAI 2020, and its public code for MNIST.

Defaults: the mask's start U(0, 5), λ_v = 100 (`variance`), λ_w = 1 (`mask_gap`), RMSProp for the
mask (TensorFlow's, so with decay .9), and λ_3 doubling at even intervals by a factor of 1024 m are
the code's; see `aae` for the rest. λ_r = 2 (`mask_error`), the end of λ_3 at 20
(`mask_polarisation`), `mask_lr` = 1e-2 and w centred (`mask_loss`) were chosen on validation data
(docs/search.md).

Departures: some thousand steps instead of 500,000, so the doublings of λ_3 are squeezed between
`mask_start` = .1 and `mask_end` = .6, shares of training; the mask rests before. λ_v grows from
zero as the cube of time until `mask_end`: from the first step on it starves the coordinates whose
mask happens to start near zero, and at m = n none can be spared.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from bench.parts.masks import Mask, polarisation
from bench.systems import aae
from bench.systems.base import Player, Step

__all__ = ["System"]


class System(aae.System):
    """MaskAAE."""

    @dataclass(frozen=True)
    class Options(aae.System.Options):
        mask_loss: Literal["centred", "code", "paper"] = "centred"
        mask_error: float = 2.0
        mask_gap: float = 1.0
        mask_polarisation: float = 20.0
        mask_lr: float = 1e-2
        mask_start: float = 0.1
        mask_end: float = 0.6
        variance: float = 100.0

        def __post_init__(self):
            super().__post_init__()
            if not 0 <= self.mask_start < self.mask_end <= 1:
                raise ValueError("0 <= mask_start < mask_end <= 1")

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
        raw, mask = self.encoder(x), self.masking()
        error, gap = self.terms(x, raw * mask, step)
        step.note("reconstruction", error)
        step.note("gap", gap)
        deviations = (raw - raw.mean(-2, keepdim=True)).square() * torch.exp(-10 * mask.square())
        spread = deviations.mean(-2).sum(-1) / self.dims.clamp(min=1)
        rise = min(1.0, step.progress / self.options.mask_end) ** 3
        return error + self.options.weight * gap + rise * self.options.variance * spread

    def mask_loss(self, x: Tensor, step: Step) -> Tensor:
        """The mask's loss [cells]: zero, with zero gradients, before `mask_start`."""
        options, mask = self.options, self.masking()
        with torch.no_grad():
            raw = self.encoder(x)
        error, gap = self.terms(x, raw * mask, step)
        if options.mask_loss == "code":
            gap = (1 + gap).square()
        elif options.mask_loss == "centred":
            gap = gap.square()
        time = (step.progress - options.mask_start) / (options.mask_end - options.mask_start)
        doubled = (1024 * self.dims.clamp(min=1)) ** (min(1.0, time) - 1)
        penalty = options.mask_polarisation * doubled * polarisation(mask)
        return (options.mask_error * error + options.mask_gap * gap + penalty) * float(time >= 0)

    def project(self, batch: Tensor, step: Step) -> None:
        """Keeps the mask's raw values from below zero, and tells its values."""
        self.masking.project()
        step.note("mask", self.mask())

    def players(self):
        rmsprop = partial(torch.optim.RMSprop, alpha=0.9)
        return [
            *super().players(),
            Player(
                "mask",
                (self.masking,),
                self.mask_loss,
                rmsprop,
                self.options.mask_lr,
                anneal=False,
                after=self.project,
            ),
        ]
