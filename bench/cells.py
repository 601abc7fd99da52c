"""A stack of cells: models that differ in latent dimension only, as tensors with a cell axis.

Latent widths are padded with zeros to multiples of 32, other widths to multiples of 8. Zero weights
get zero gradients, so padding stays zero; and on tensors of such widths torch adds up each cell's
numbers in the same order in any stack (on narrower ones it does not), so that a cell has the same
bits alone and in company.

A parameter or buffer without a cell axis (it has no `shapes`) belongs to a lone cell: convolutional
nets are trained alone.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from bench import device
from bench.mistake import Mistake
from bench.noise import Noise

__all__ = ["LATENT", "Stack", "padded", "placed", "read_cell", "write_cell"]

LATENT = -1
"""A width that is each cell's own latent dimension."""


def padded(width: int, to: int = 8) -> int:
    """The next multiple of `to`."""
    return -(-width // to) * to


class Stack:
    """The cells that are trained together, and how their parameters start.

    Arguments:
        dims: the cells' latent dimensions, in any order; 0 is a decoder of biases alone.
        seed: decides the initial parameters. Cells of one stack share the underlying draws, so that
            differences along a curve are due to the dimension.
    """

    def __init__(self, dims: Sequence[int], seed: int):
        if not dims or min(dims) < 0:
            raise Mistake(f"latent dimensions are one or more numbers of at least 0, not {dims}")
        self.dims = tuple(dims)
        self.width = padded(max(1, *dims), 32)
        self.noise = Noise(seed, purpose="initial")

    def __len__(self) -> int:
        return len(self.dims)

    @property
    def mask(self) -> Tensor:
        """1 where a latent coordinate exists, 0 where it is padding [cells, 1, width]."""
        return (torch.arange(self.width) < torch.tensor(self.dims)[:, None, None]).float()

    def widths(self, width: int) -> list[int]:
        """A width, or each cell's latent dimension where it is `LATENT`, cell by cell."""
        return [dim if width == LATENT else width for dim in self.dims]

    def buffer(self, values: Sequence[Tensor], *widths: int) -> Tensor:
        """One padded tensor [cells, *widths] of the cells' own values, one tensor each, to be
        registered as a module's buffer and from then on written in place."""
        shape = [self.width if width == LATENT else padded(width) for width in widths]
        stacked = torch.zeros(len(values), *shape)
        for target, value in zip(stacked, values, strict=True):
            target[_corner(value.shape)] = value
        stacked.shapes = tuple(value.shape for value in values)
        return stacked

    def parameter(self, values: Sequence[Tensor], *widths: int) -> nn.Parameter:
        """A `buffer` that training moves."""
        buffer = self.buffer(values, *widths)
        parameter = nn.Parameter(buffer)
        parameter.shapes = buffer.shapes
        return parameter

    def weights(
        self, name: str, fan_in: int, fan_out: int, deviation: float | None = None
    ) -> nn.Parameter:
        """Weights [cells, in, out] from N(0, deviation²).

        By default the variance is 2 / (in + out) (Glorot and Bengio, Understanding the difficulty
        of training deep feedforward neural networks, 2010, eq. 12).
        """
        ins, outs = self.widths(fan_in), self.widths(fan_out)
        # The latent axis is that of `Noise.normal` which a wider stack only makes longer.
        if fan_in == fan_out == LATENT:
            rows = [self.noise.normal(f"{name}.{i}", 1, self.width) for i in range(self.width)]
            draw = torch.cat(rows)
        elif fan_out == LATENT:
            draw = self.noise.normal(name, fan_in, self.width)
        else:
            draw = self.noise.normal(name, fan_out, padded(max(ins), 32)).T
        values = [
            draw[:i, :o] * (deviation or (2 / max(1, i + o)) ** 0.5)
            for i, o in zip(ins, outs, strict=True)
        ]
        return self.parameter(values, fan_in, fan_out)

    def zeros(self, width: int) -> nn.Parameter:
        """A vector of zeros [cells, width]."""
        return self.parameter([torch.zeros(w) for w in self.widths(width)], width)


def placed(module: nn.Module) -> nn.Module:
    """A stack's module on the device of this block, and with its tensors their cells' shapes."""
    shapes = {n: it.shapes for n, it in _held(module) if hasattr(it, "shapes")}
    module.to(device.current())
    for name, tensor in _held(module):
        if name in shapes:
            tensor.shapes = shapes[name]
    return module


def _held(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _corner(shape: torch.Size) -> tuple[slice, ...]:
    return tuple(slice(size) for size in shape)


def _places(module: nn.Module, index: int) -> Iterator[tuple[str, Tensor]]:
    """What of parameters and persistent buffers is one cell's; all of what has no cell axis."""
    for name, tensor in module.state_dict(keep_vars=True).items():
        shapes = getattr(tensor, "shapes", None)
        yield name, tensor.data[index][_corner(shapes[index])] if shapes else tensor.data


def read_cell(module: nn.Module, index: int) -> dict[str, Tensor]:
    """The parameters and persistent buffers of one cell of a stack, without padding, on the CPU."""
    return {name: place.to("cpu", copy=True).contiguous() for name, place in _places(module, index)}


def write_cell(module: nn.Module, index: int, parameters: dict[str, Tensor]) -> None:
    """Put a cell's parameters and buffers into a stack.

    Raises:
        Mistake: other names or shapes than the stack's.
    """
    places = dict(_places(module, index))
    if places.keys() != parameters.keys():
        odd = sorted(places.keys() ^ parameters.keys())
        raise Mistake(f"not this system's parameters: {', '.join(odd)}")
    for name, place in places.items():
        if place.shape != parameters[name].shape:
            raise Mistake(
                f"{name} has shape {list(parameters[name].shape)}, not {list(place.shape)}"
            )
        place.copy_(parameters[name])
