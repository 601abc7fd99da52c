"""Convolutional encoders and decoders of a lone cell, built from their form.

Inside are plain torch modules without a cell axis; codes and features at the border have one, of
length 1. What faces the code is `Linear`, whose first weights cells of all dimensions share: the
1 × 1 convolution to or from a map is one dense layer at every position.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, skip_init

from bench.cells import LATENT, Stack
from bench.nets.dense import Linear
from bench.nets.published import Form, Layer

__all__ = ["Decoder", "Encoder", "same_padding"]


class Encoder(nn.Module):
    """A trunk: images to features of the whole image [1, batch, out], or, for a code that is a
    map, of each position [1, batch × positions, out]."""

    def __init__(self, form: Form, stack: Stack, shape: Sequence[int], code: str, name: str):
        super().__init__()
        self.form, self.shape, self.code = form, tuple(shape), code
        build = _Builder(form, stack, name, nn.LeakyReLU(form.slope), form.spectral)
        channels, *sides = shape
        for layer in form.down[: form.doublings] if code == "map" else form.down:
            build.convolution(channels, layer, sides, form.kernel, stride=2)
            channels, sides = layer.width, [math.ceil(side / 2) for side in sides]
        self.out = channels
        if code == "vector":
            build.add(nn.Flatten())
            self.out *= math.prod(sides)
            for layer in form.dense:
                build.dense(self.out, layer)
                self.out = layer.width
        self.layers = build.layers

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x.reshape(-1, *self.shape))
        return (x if x.ndim == 2 else x.movedim(1, -1).flatten(0, 2))[None]

    def head(self, stack: Stack, name: str) -> nn.Module:
        """The layer from these features to codes [1, batch, width]."""
        if self.code == "map":
            area = math.prod(self.form.start(self.shape))
            layer = _ToMap(stack, name, self.out, area, deviation=self.form.deviation)
        else:
            layer = Linear(stack, name, self.out, LATENT, deviation=self.form.deviation)
        return _spectral(layer, stack, name) if self.form.spectral else layer


class Decoder(nn.Module):
    """Codes [1, batch, width] to image logits [1, batch, data]."""

    def __init__(self, form: Form, stack: Stack, shape: Sequence[int], code: str):
        super().__init__()
        build = _Builder(form, stack, "decoder", nn.ReLU())
        image, *_ = shape
        sides = form.start(shape)
        flat = Layer(form.grid.width * math.prod(sides), form.grid.norm)
        first, *dense = [*reversed(form.dense), flat] if code == "vector" else [form.grid]
        settings = {"bias": not first.norm, "deviation": form.deviation}
        if code == "map":
            self.start = _FromMap(stack, "decoder.code", first.width, sides, **settings)
        else:
            self.start = Linear(stack, "decoder.code", LATENT, first.width, **settings)
        build.activation(first, nn.BatchNorm2d if code == "map" else nn.BatchNorm1d)
        width = first.width
        for layer in dense:
            build.dense(width, layer)
            width = layer.width
        if code == "vector":
            build.add(nn.Unflatten(1, (form.grid.width, *sides)))
        channels = form.grid.width
        for layer in form.up:
            sides = [2 * side for side in sides]
            build.convolution(channels, layer, sides, form.kernel, stride=2, transposed=True)
            channels = layer.width
        build.convolution(channels, image, shape[1:], *form.last, transposed=True)
        self.layers = build.layers

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(self.start(z)[0]).flatten(1)[None]


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis of length `side`, as TensorFlow's SAME has them: for
    ⌈side / stride⌉ outputs, the odd one after."""
    zeros = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
    return zeros // 2, zeros - zeros // 2


class _Builder:
    """A growing sequence of layers, each named by its number."""

    def __init__(
        self, form: Form, stack: Stack, name: str, nonlinearity: nn.Module, spectral: bool = False
    ):
        self.form, self.stack, self.name = form, stack, name
        self.nonlinearity, self.spectral = nonlinearity, spectral
        self.layers = nn.Sequential()

    def add(self, module: nn.Module) -> None:
        self.layers.append(module)

    def activation(self, layer: Layer, norm: type[nn.Module]) -> None:
        """Batch normalisation, if the layer has it, and the nonlinearity."""
        if layer.norm:
            self.add(norm(layer.width, self.form.epsilon, self.form.momentum))
        self.add(self.nonlinearity)

    def dense(self, fan_in: int, layer: Layer) -> None:
        """A dense layer with its activation."""
        self._weights(skip_init(nn.Linear, fan_in, layer.width, bias=not layer.norm))
        self.activation(layer, nn.BatchNorm1d)

    def convolution(
        self,
        fan_in: int,
        layer: Layer | int,
        sides: Sequence[int],
        kernel: int,
        stride: int,
        transposed: bool = False,
    ) -> None:
        """A convolution of images of `sides`, or its transpose to them, with its activation; just
        a number of channels has none."""
        width, norm = (layer, False) if isinstance(layer, int) else (layer.width, layer.norm)
        (top, bottom), (left, right) = (same_padding(side, kernel, stride) for side in sides)
        even = top == bottom and left == right
        if not even and not transposed:
            self.add(nn.ZeroPad2d((left, right, top, bottom)))
        module = skip_init(
            nn.ConvTranspose2d if transposed else nn.Conv2d,
            fan_in,
            width,
            kernel,
            stride,
            padding=(top, left) if even else 0,
            bias=not norm,
        )
        self._weights(module)
        if not even and transposed:
            self.add(nn.ZeroPad2d((-left, -right, -top, -bottom)))
        if isinstance(layer, Layer):
            self.activation(layer, nn.BatchNorm2d)

    def _weights(self, module: nn.Module) -> None:
        """Start a layer's weights and biases, and add it."""
        name, weight = f"{self.name}.{len(self.layers)}", module.weight
        fans = sum(weight.shape[:2]) * math.prod(weight.shape[2:])
        deviation = self.form.deviation or math.sqrt(2 / fans)
        nn.init.normal_(weight, 0, deviation, self.stack.noise.generator(f"{name}.weight"))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
        self.add(_spectral(module, self.stack, name) if self.spectral else module)


def _spectral(module: nn.Module, stack: Stack, name: str) -> nn.Module:
    """Divide a layer's weights by their largest singular value (Miyato et al., Spectral
    Normalization for Generative Adversarial Networks, 2018)."""
    # torch draws the power iteration's first vectors from its global generator.
    with torch.random.fork_rng(devices=[]):
        seed = stack.noise.generator(f"{name}.vectors").initial_seed()
        torch.default_generator.manual_seed(seed)
        outputs = 2 if isinstance(module, Linear) else 0
        return parametrizations.spectral_norm(module, dim=outputs)


def _channels(stack: Stack, area: int) -> Stack:
    """A map's channels in place of the latent dimension: what `Linear` has at every position."""
    return Stack([stack.dims[0] // area], stack.noise.seed)


class _ToMap(Linear):
    """Features of each position [1, batch × positions, in] to flat codes [1, batch, width]."""

    def __init__(self, stack: Stack, name: str, fan_in: int, area: int, **settings):
        channels = _channels(stack, area)
        super().__init__(channels, name, fan_in, LATENT, **settings)
        self.area, self.channels = area, channels.dims[0]
        self.rest = stack.width - stack.dims[0]

    def forward(self, x: Tensor) -> Tensor:
        z = super().forward(x)[..., : self.channels]
        z = z.reshape(-1, self.area, self.channels).transpose(1, 2).flatten(1)
        return F.pad(z, (0, self.rest))[None]


class _FromMap(Linear):
    """Flat codes [1, batch, width] to channels of a grid [1, batch, out, height, width]."""

    def __init__(self, stack: Stack, name: str, out: int, sides: Sequence[int], **settings):
        channels = _channels(stack, math.prod(sides))
        super().__init__(channels, name, LATENT, out, **settings)
        self.sides, self.channels = sides, channels.dims[0]
        self.dim, self.rest = stack.dims[0], channels.width - channels.dims[0]

    def forward(self, z: Tensor) -> Tensor:
        z = z[..., : self.dim].reshape(-1, self.channels, math.prod(self.sides)).transpose(1, 2)
        x = super().forward(F.pad(z, (0, self.rest)).flatten(0, 1)[None])
        return x.reshape(1, -1, *self.sides, self.fan_out).movedim(-1, 2)
