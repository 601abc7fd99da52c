"""How likely a system finds data: the ELBO and the importance-weighted bound on log p(x)."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from bench.noise import Noise

__all__ = ["Bounds", "Weighs", "bits_per_dimension", "bounds"]

_OWN = 100
"""Rows that share a draw's name; see `_Rows`."""


class Weighs(Protocol):
    """A system with a likelihood, a prior and an approximate posterior."""

    def log_weights(self, x: Tensor, noises: Iterable[Noise]) -> Iterator[Tensor]:
        """For each noise log p(x | z) + log p(z) − log q(z | x) [cells, batch] in nats, at one z
        from q(z | x) for each datum."""


class Bounds(NamedTuple):
    """Lower bounds on the mean log-likelihood of the data, in nats a datum, float64 [cells]."""

    elbo: Tensor
    iwae: Tensor


@torch.no_grad()
def bounds(
    model: Weighs,
    read: Callable[[slice], Tensor],
    places: Iterable[slice],
    noise: Noise,
    draws: int,
) -> Bounds:
    """The ELBO and the importance-weighted bound of a stack of cells, the mean over the data.

    With w_j = p(x, z_j) / q(z_j | x) of k draws z_j from q(z | x), the bounds of a datum are the
    mean of log w_j and log (1/k) Σ_j w_j: Burda, Grosse and Salakhutdinov, "Importance weighted
    autoencoders" (2016), equations 3 and 8. The second is at least the first; in expectation it
    grows with k, its limit is log p(x), and at k = 1 it is the first, whose expectation does not
    depend on k.

    The noise of a draw belongs to a row of the data. So the sizes and the order of the blocks do
    not matter (but for rounding), and more draws begin with fewer draws' own.

    Arguments:
        model: as trained, in evaluation mode.
        read: the data [batch, data] in a slice of rows.
        places: the slices [start, stop) of the data, in any order: one block at a time is in
            memory, and one draw.
        noise: of the posterior draws.
        draws: k, at least 1.

    Returns:
        The bounds; of a cell whose log weights are not finite numbers they are none either.

    Raises:
        ValueError: no draws, or no data.
    """
    if draws < 1:
        raise ValueError(f"{draws} posterior draws a datum")
    elbo, iwae, count = 0, 0, 0
    for place in places:
        x = read(place)
        own = noise.at(purpose="likelihood")
        mean, log_sum = 0, torch.tensor(-math.inf, dtype=torch.float64)
        noises = (_Rows(own.at(draw=draw), place) for draw in range(draws))
        for log_weights in model.log_weights(x, noises):
            log_weights = log_weights.double()
            mean = mean + log_weights / draws
            log_sum = torch.logaddexp(log_sum, log_weights)
        elbo = elbo + mean.sum(-1)
        iwae = iwae + (log_sum - math.log(draws)).sum(-1)
        count += len(x)
    if not count:
        raise ValueError("no data to bound the likelihood of")
    return Bounds(elbo / count, iwae / count)


def bits_per_dimension(
    nats: float,
    width: int,
    value_range: tuple[float, float] | None,
    density: bool,
    levels: int = 256,
) -> float | None:
    """−log p(x) in bits for each of the data's coordinates, as of data of `levels` steps.

    −nats / (width · log 2) + log2(levels / (high − low)): the range is cut into `levels` steps, and
    the density is taken times a step's width. For data in [0, 1] of 256 levels the second term is
    8, as is the custom; bytes over 255 are steps of 1/255, which would make it 0.006 less.

    A caution: it is a code length of the discrete data only where noise as wide as a step was added
    to them (Theis, van den Oord and Bethge, "A note on the evaluation of generative models", 2016).
    Without it, as here, a density may be as high as it likes at the levels themselves, and the
    result as low, even below 0. So compare it with those of other densities of the same values,
    never with those of discrete models or of dequantised data.

    Arguments:
        nats: a bound on the mean log p(x).
        width: the number of the data's coordinates.
        value_range: the smallest and the largest value (low, high); None for data without levels.
        density: whether p(x | z) is a density of the data. A Bernoulli likelihood of grey levels is
            none: it does not integrate to 1 over them.
        levels: how many values a coordinate may have.

    Returns:
        Bits, or None where there are none: no levels, or no density.
    """
    if value_range is None or not density:
        return None
    low, high = value_range
    return -nats / (width * math.log(2)) + math.log2(levels / (high - low))


class _Rows:
    """The noise of some rows of the data, whatever block they come in.

    As much of `Noise` as a draw for each row needs. A row's draws are those of its hundred: naming
    each row on its own would take as many generators, and naming the block would bind them to it.
    """

    def __init__(self, noise: Noise, place: slice):
        self.noise, self.place = noise, place

    def at(self, **axes: int | str) -> "_Rows":
        return _Rows(self.noise.at(**axes), self.place)

    def normal(self, name: str, count: int, width: int) -> Tensor:
        return self._rows(count, lambda noise: noise.normal(name, _OWN, width))

    def uniform(self, name: str, count: int) -> Tensor:
        return self._rows(count, lambda noise: noise.uniform(name, _OWN))

    def _rows(self, count: int, draw: Callable[[Noise], Tensor]) -> Tensor:
        start, stop = self.place.start, self.place.stop
        if count != stop - start:
            raise ValueError(f"{count} draws for the rows {start} to {stop}")
        first = start // _OWN
        hundreds = [draw(self.noise.at(hundred=i)) for i in range(first, -(-stop // _OWN))]
        return torch.cat(hundreds)[start - first * _OWN : stop - first * _OWN]
