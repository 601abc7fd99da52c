"""What this machine can do at most: matrix products and copies, as torch does them."""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.markdown import table
from benchmarks.timing import Settings, in_turns, seconds, spread

__all__ = ["Ceilings", "ceilings", "section"]

_PRODUCTS, _SMALL_PRODUCTS = (1024, 2048), (128,)
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
    products = {"matrix product (`torch.mm`)": _mm}
    if _has_onednn():
        products["matrix product (oneDNN, which batched products of torch do not use)"] = _onednn
    cases = {
        name: lambda multiply=multiply: max(_product(size, multiply) for size in sizes)
        for name, multiply in products.items()
    }
    large = _CACHED if settings.small else _LARGE
    cases["copy of 1 MiB, within the caches"] = lambda: _copy(_CACHED)
    cases[f"copy of {large * 4 // 2**20} MiB, from memory"] = lambda: _copy(large)
    found = in_turns("ceilings", cases, settings.rounds)
    rows = [
        (
            name,
            spread((it / 1e9 for it in values), ".0f"),
            "GFLOP/s" if name in products else "GB/s",
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
