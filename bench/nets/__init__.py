"""Nets with a leading cell axis: perceptrons of a stack of cells, convolutional nets of a lone one.

An encoder's trunk maps data [batch or cells × batch, data] to features, and its `head(stack, name)`
makes the layer that maps those to codes [cells, batch, width]; a decoder maps codes to logits
[cells, batch, data].
"""

import math
from collections.abc import Sequence

from torch import nn

from bench.cells import LATENT, Stack
from bench.mistake import Mistake
from bench.net import Net
from bench.nets.convolutional import Decoder, Encoder
from bench.nets.dense import MLP, Linear
from bench.nets.published import critic_widths, form, lack

__all__ = ["MLP", "Linear", "critic_widths", "decoder", "encoder", "lack"]


def encoder(net: Net, stack: Stack, shape: Sequence[int], name: str = "encoder") -> nn.Module:
    """The encoder's trunk that a study's `net` describes; its start depends on its name.

    Raises:
        Mistake: the net does not fit data of this shape or the stack's dimensions (`lack`).
    """
    _check(net, stack, shape)
    if net.kind == "mlp":
        return MLP(stack, name, [math.prod(shape), *net.hidden], final=True)
    return Encoder(form(net, shape), stack, shape, net.code, name)


def decoder(net: Net, stack: Stack, shape: Sequence[int]) -> nn.Module:
    """The decoder that a study's `net` describes.

    Raises:
        Mistake: as `encoder`.
    """
    _check(net, stack, shape)
    if net.kind == "mlp":
        return MLP(stack, "decoder", [LATENT, *reversed(net.hidden), math.prod(shape)])
    return Decoder(form(net, shape), stack, shape, net.code)


def _check(net: Net, stack: Stack, shape: Sequence[int]) -> None:
    if needed := lack(net, shape, stack.dims):
        raise Mistake(f"the {net.kind} net needs {needed}")
    if net.kind != "mlp" and len(stack) != 1:
        raise ValueError("convolutional nets are trained alone: a stack of one cell")
