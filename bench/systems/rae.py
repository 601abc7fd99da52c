"""Regularised autoencoder: a small code, a smooth decoder, and a density fitted after training.

Objective, minimised: mean ‖x − D(E(x))‖² + β · mean ½‖E(x)‖² + R; by `regulariser` (l2), R is
    l2:    λ Σ w² over the weights of the decoder's layers
    gp:    λ · mean ‖∇_z ‖D(z)‖²‖², the gradient at z = E(x)
    sn:    0; each of the decoder's layers has weights of spectral norm 1
    none:  0
Generation is `ae`'s.

Sources: Ghosh, Sajjadi, Vergari, Black and Schölkopf, From Variational to Deterministic
Autoencoders, 2020, and its public code, which has a gradient of ‖D(z)‖² where the paper writes ∇D;
Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization for Generative Adversarial Networks,
2018, algorithm 1.

Defaults: the code's for RAE-L2 and RAE-GP on MNIST (1024 padded pixels, 16 latent dimensions): its
error is a mean over pixels and its code norm and gradient are means over latent dimensions, with
weights 1e-4 (codes), 1e-7 (l2) and 5e-8 (gp); as sums these are β = 1e-4 · 2 · 1024 / 16 (`beta`),
λ = 1e-7 · 1024 (`l2`) and λ = 5e-8 · 1024 / 16 (`gp`). Its β is greater for sn (by 90) and none (by
5); that of sn brings all codes to zero in nets without batch normalisation, as our perceptrons are.

Departures: as `ae`; l2 takes all of the decoder's layers (the code: all but the first), and sn
leaves the encoder as it is (the code: normalises it as well on MNIST; the paper: the decoder).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from bench.cells import Stack
from bench.nets import Linear
from bench.parts.likelihoods import squared_error
from bench.systems import ae

__all__ = ["Spectral", "System"]


class System(ae.System):
    """RAE."""

    @dataclass(frozen=True)
    class Options(ae.System.Options):
        regulariser: Literal["l2", "gp", "sn", "none"] = "l2"
        beta: float = 0.0128
        l2: float = 1e-4
        gp: float = 3.2e-6

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        if options.regulariser == "sn":
            for name, layer in self.layers():
                register_parametrization(layer, "weight", Spectral(stack, name, layer.weight))

    def layers(self) -> list[tuple[str, nn.Module]]:
        """The decoder's dense layers and convolutions, by name."""
        kinds = (Linear, nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
        return [(n, it) for n, it in self.decoder.named_modules() if isinstance(it, kinds)]

    def loss(self, x, step):
        options, z = self.options, self.encode(x)
        x_hat = self.decode(z)
        loss = squared_error(x, x_hat) + options.beta * 0.5 * z.square().sum(-1).mean(-1)
        match options.regulariser:
            case "l2":
                return loss + options.l2 * sum(
                    _matrix(layer.weight).square().sum(-1).sum(-1) for _, layer in self.layers()
                )
            case "gp":
                (slope,) = torch.autograd.grad(x_hat.square().sum(), z, create_graph=True)
                return loss + options.gp * slope.square().sum(-1).mean(-1)
        return loss


class Spectral(nn.Module):
    """W to W / σ(W), cell by cell; σ is W's largest singular value, by one step of power iteration
    each time the net is used in training, from where the last one ended."""

    def __init__(self, stack: Stack, name: str, weight: Tensor):
        super().__init__()
        width = weight.shapes[0][-1] if hasattr(weight, "shapes") else weight[0].numel()
        start = torch.randn(width, generator=stack.noise.generator(f"{name}.vectors"))
        self.register_buffer("vectors", stack.buffer([start] * len(stack), width))
        for _ in range(15):
            self.iterate(_matrix(weight))

    @torch.no_grad()
    def iterate(self, matrix: Tensor) -> None:
        u = self.vectors[:, : matrix.shape[-1]]
        v = _unit((matrix * u[:, None]).sum(-1))
        u.copy_(_unit((matrix * v[..., None]).sum(-2)))

    def forward(self, weight: Tensor) -> Tensor:
        matrix = _matrix(weight)
        if self.training:
            self.iterate(matrix)
        # A copy: the next use changes them in place.
        u = self.vectors[:, None, : matrix.shape[-1]].clone()
        # The weights of no coordinates have the norm 0, at which a root has no derivative.
        norm = (matrix * u).sum(-1).square().sum(-1).clamp(min=1e-24).sqrt()
        return weight / norm.reshape(-1, *[1] * (weight.ndim - 1))


def _matrix(weight: Tensor) -> Tensor:
    """A layer's weights as a matrix for each cell [cells, rows, columns]."""
    return weight if weight.ndim == 3 else weight.flatten(1)[None]


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-12)
