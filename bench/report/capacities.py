"""Which latent dimensions a figure with room for few of them shows."""

from collections.abc import Iterable

__all__ = ["capacities"]


def capacities(dims: Iterable[int], n: int | None) -> list[int]:
    """At most three latent dimensions above 0, ascending: those nearest to n and to 2n (the smaller
    of two as near) and the largest; where n is unknown the smallest, the middle and the largest."""
    dims = sorted({int(m) for m in dims} - {0})
    if n is None or not dims:
        return sorted({*dims[:1], *dims[len(dims) // 2 :][:1], *dims[-1:]})
    near = (min(dims, key=lambda m: (abs(m - wanted), m)) for wanted in (n, 2 * n))
    return sorted({*near, dims[-1]})
