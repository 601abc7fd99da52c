"""What this machine can do at most: matrix products and copies, as torch does them."""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.markdown import table
from benchmarks.timing import Settings, in_turns, seconds, spread

__all__ = ["Ceilings", "ceilings", "section"]

_PRODUCTS, _SMALL_PRODUCTS = (1024, 2048), (128,)
_STACK = (16, 64, 128)
"""Cells, batch and width of a step's products: as `benchmarks.stacks` has them."""
_REPEATS = 50
"""Of a batched product: alone it is too short to be timed."""
_CACHED, _LARGE = 2**18, 2**26
"""Numbers in the tensors that are copied: 1 MiB, as a step's are, and 256 MiB."""


class Ceilings(NamedTuple):
    """Floating-point operations a second of `torch.mm`; bytes a second (read and written) of a
    copy within the caches."""

    flops: float
    bytes: float


def ceilings(small: bool = False) -> Ceilings:
    """Measure both now: the best size of matrices counts."""
    sizes = _SMALL_PRODUCTS if small else _PRODUCTS
    return Ceilings(max(_product(size, _mm) for size in sizes), _copy(_CACHED))


def section(settings: Settings) -> str:
    """The table of ceilings."""
    sizes = _SMALL_PRODUCTS if settings.small else _PRODUCTS
    large = _CACHED if settings.small else _LARGE
    flops = {"matrix product (`torch.mm`)": lambda: max(_product(size, _mm) for size in sizes)}
    if _has_onednn():
        name = "matrix product (oneDNN, which batched products of torch do not use)"
        flops[name] = lambda: max(_product(size, _onednn) for size in sizes)
    cells, batch, width = _STACK
    name = f"batched product of {cells} times {batch} × {width} and {width} × {width} (`torch.bmm`)"
    flops[name] = _batched
    moved = {
        "copy of 1 MiB, within the caches": lambda: _copy(_CACHED),
        f"copy of {large * 4 // 2**20} MiB, from memory": lambda: _copy(large),
    }
    found = in_turns("ceilings", flops | moved, settings.rounds)
    rows = [
        (
            name,
            spread((it / 1e9 for it in values), ".0f"),
            "GFLOP/s" if name in flops else "GB/s",
        )
        for name, values in found.items()
    ]
    note = (
        f"float32; the best of {' and '.join(f'{n} × {n}' for n in sizes)}; copies: bytes read "
        "and written. Shares below are of `torch.mm`'s ceiling."
    )
    return table("Ceilings", note, ("", "median (least–most)", "unit"), rows)


def _mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.mm(a, b)


def _onednn(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")


def _has_onednn() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _product(size: int, multiply: Callable) -> float:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(size, size, generator=generator) for _ in range(2))
    return 2 * size**3 / _typical(lambda: multiply(a, b))


def _batched() -> float:
    cells, batch, width = _STACK
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(cells, batch, width, generator=generator)
    b = torch.rand(cells, width, width, generator=generator)

    def products() -> None:
        for _ in range(_REPEATS):
            torch.bmm(a, b)

    return _REPEATS * 2 * cells * batch * width**2 / _typical(products)


def _copy(count: int) -> float:
    source, target = torch.ones(count), torch.zeros(count)
    repeats = max(1, 2**22 // count)

    def copies() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return repeats * 2 * source.nbytes / _typical(copies)


def _typical(function: Callable[[], object]) -> float:
    """The median of some calls, after one that warms up."""
    function()
    return median(seconds(function) for _ in range(5))
