"""Principal component analysis, whitened: the linear control.

Codes Λ^(−1/2) Vᵀ (x − mean), decoded by the inverse; generation decodes N(0, I): of the
Gaussian models on a linear subspace of each dimension, the one closest to the data in W2.

Objective, minimised in closed form: mean ‖x − D(E(x))‖² over all linear E and D.

Source: Pearson, On lines and planes of closest fit to systems of points in space, 1901. It has no
options.

Departures: codes of unit variance, and generation, which Pearson has not: so that it stands beside
systems whose prior is N(0, I).
"""

import torch
from torch import nn

from bench.cells import LATENT
from bench.mistake import Mistake
from bench.systems.base import Autoencoder

__all__ = ["System"]


class System(Autoencoder):
    """PCA. A dimension above the data's rank is a `Mistake`."""

    def __init__(self, stack, space, net, options):
        nn.Module.__init__(self)
        self.options, self.space = options, space
        self.register_buffer("exists", stack.mask, persistent=False)
        size = torch.Size(space.shape).numel()
        self.centre = stack.zeros(size)
        self.encoding = stack.parameter([torch.zeros(size, d) for d in stack.dims], size, LATENT)
        self.decoding = stack.parameter([torch.zeros(d, size) for d in stack.dims], LATENT, size)
        self.size = size

    def players(self):
        return []

    @torch.no_grad()
    def fit(self, train):
        train = train[:]
        centre = train.double().mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(train.double().T))
        dims = self.exists.sum((-2, -1)).long().tolist()
        values, vectors = values.flip(0), vectors.flip(1)
        if max(dims) > self.size or not (values[: max(dims)] > 1e-12 * values[0]).all():
            raise Mistake(f"{max(dims)} principal components of data of lower rank")
        # An eigenvector's sign is arbitrary: its largest entry is made positive.
        largest = vectors.abs().argmax(0, keepdim=True)
        vectors = vectors * vectors.gather(0, largest).sign()
        for cell, dim in enumerate(dims):
            scale, basis = values[:dim].sqrt(), vectors[:, :dim]
            self.centre[cell, : self.size] = centre.float()
            self.encoding[cell, : self.size, :dim] = (basis / scale).float()
            self.decoding[cell, :dim, : self.size] = (basis * scale).T.float()

    def encode(self, x, noise=None):
        return (x - self.centre[:, None, : self.size]) @ self.encoding[:, : self.size]

    def decode(self, z):
        return self.centre[:, None, : self.size] + z @ self.decoding[..., : self.size]
