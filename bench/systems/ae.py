"""Autoencoder, sampled from a density that is fitted to its codes after training.

Objective, minimised: mean ‖x − D(E(x))‖², a sum over the data's coordinates. Generation decodes
draws from a Gaussian, or a mixture of ten with full covariances, of the train split's codes.

Source: Ghosh, Sajjadi, Vergari, Black and Schölkopf, From Variational to Deterministic
Autoencoders, 2020: its baseline AE, and its density estimation after training.

Defaults: ten components with full covariances (`density`: mixture, or one: gaussian), fitted by
scikit-learn, are the paper's. Adam with `lr` = 1e-3 as in `vae` (the authors' code: 5e-4, over 100
epochs).

Departures: the authors' code halves its rate where the validation loss stands still; ours falls to
zero over the second half. Codes are brought to mean 0 and mean variance 1 for the fit, and back: of
codes of very small or large size scikit-learn's fit would be another.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bench.parts.densities import Mixture
from bench.parts.likelihoods import squared_error
from bench.systems.base import Autoencoder, Player, Step

__all__ = ["System"]


class System(Autoencoder):
    """AE."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        density: Literal["gaussian", "mixture"] = "mixture"
        lr: float = 1e-3

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        self.density = Mixture(stack, 1 if options.density == "gaussian" else 10)

    def loss(self, x: Tensor, step: Step) -> Tensor:
        return squared_error(x, self.decode(self.encode(x)))

    def settle(self, train):
        # Blocks of nearly one size: a last one of a single row could be added up otherwise.
        blocks = torch.arange(len(train)).tensor_split(math.ceil(len(train) / 1000))
        with self.still():
            self.density.fit(torch.cat([self.encode(train[rows]) for rows in blocks], dim=1))

    def prior(self, count, noise):
        return self.density.draw(count, noise)

    def players(self):
        modules = (self.encoder, self.decoder)
        return [Player("autoencoder", modules, self.loss, torch.optim.Adam, self.options.lr)]
