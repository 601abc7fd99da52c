"""The estimator of the MMD: its mean and spread by batch size, and codes of several channels.

The estimate is `bench.parts.divergences.mmd_imq`, a squared MMD between batches from two
distributions: U-statistics within each, and the mean over all pairs between them, with its
diagonal. The two batches are independent, so that the pair (i, i) is a pair like any other, and
that mean has no bias either. The V-statistic keeps the diagonals within: points with themselves.

By batch size N, of codes of 8 dimensions, over 2¹⁶ / N pairs of batches:
    match.mean, match.deviation, match.negative: the mean of the estimate between two batches of
        N(0, I), its standard deviation, and the share of estimates below 0. The true value is 0.
    match.biased: the mean of the V-statistic, over the first quarter of the pairs.
    shift.mean: the mean between N(½·1, I) and N(0, I).
And once, without chance:
    shift.true: the value of the latter for infinitely many points, by quadrature.

Of codes of 4 channels of 8 dimensions, the mean MMD over 200 batches of 128, for two sorts of
codes: `independent` normals, which have the prior's distribution, and `copies`, all channels equal
to the first, which have it channel by channel but not jointly:
    flat.independent, flat.copies: of the flattened codes and as many independent normals.
    each.independent, each.copies: the sum over channels of the MMD of a channel and normals.
    summed.independent, summed.copies: of the codes' sums over channels and normals.

Sources: Gretton, Borgwardt, Rasch, Schölkopf and Smola, A kernel two-sample test, 2012, lemma 6
(equation 3: its cross term keeps the diagonal too) and equation 5; Tolstikhin, Bousquet, Gelly and
Schölkopf, Wasserstein auto-encoders, 2018, algorithm 2 and the authors' code, and their answer on
codes of several channels: to flatten them.
"""

import numpy as np
import torch
from scipy.integrate import quad
from torch import Tensor

from bench import seeds
from bench.parts.divergences import SCALES, mmd_imq

__all__ = ["BATCHES", "DIM", "SHIFT", "population", "run", "v_statistic"]

BATCHES = (8, 16, 32, 64, 128, 256, 512)
DIM, SHIFT = 8, 0.5
_ROWS = 2**16  # of codes at each batch size
_CHANNELS, _BATCH, _PAIRS = 4, 128, 200
_ENTRIES = 2**18  # of kernel matrices at a time


def run(seed: int) -> list[dict]:
    """One replicate: the rows of all quantities."""
    rows = [{"quantity": "shift.true", "setting": None, "value": population(DIM, SHIFT)}]
    for batch in BATCHES:
        found = _by_batch(seeds.derive(seed, batch=batch), batch)
        rows += [{"quantity": name, "setting": batch, "value": it} for name, it in found.items()]
    found = _by_channel(seeds.derive(seed, batch="channels"))
    return rows + [{"quantity": name, "setting": _BATCH, "value": it} for name, it in found.items()]


def population(dim: int, shift: float) -> float:
    """The squared MMD between N(shift·1, I) and N(0, I) of so many dimensions, by quadrature.

    With C / (C + r) = ∫ exp(−u) exp(−u r / C) du over u > 0, and the moment generating function of
    r = ‖x − y‖², which is twice a noncentral χ², a kernel's mean is one integral.
    """

    def mean(squares: float) -> float:
        return sum(
            quad(
                lambda u, c=2 * dim * s: (
                    np.exp(-u - squares * u / (c + 4 * u)) * (1 + 4 * u / c) ** (-dim / 2)
                ),
                0,
                np.inf,
            )[0]
            for s in SCALES
        )

    return 2 * (mean(0.0) - mean(dim * shift**2))


def v_statistic(x: Tensor, y: Tensor) -> Tensor:
    """The squared MMD with all pairs, of points with themselves too: [..., N, D] twice to [...].

    Source: Gretton et al. (above), equation 5.
    """

    def mean(a: Tensor, b: Tensor) -> Tensor:
        squares, dim = torch.cdist(a, b).square(), a.shape[-1]
        return sum(2 * dim * s / (2 * dim * s + squares) for s in SCALES).mean((-2, -1))

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def _by_batch(seed: int, batch: int) -> dict[str, float]:
    rng, pairs = np.random.default_rng(seed), _ROWS // batch
    match, biased, shift = [], [], []
    step = max(1, _ENTRIES // batch**2)
    for start in range(0, pairs, step):
        x, y = _normals(rng, min(step, pairs - start), 2, batch, DIM).unbind(1)
        match.append(mmd_imq(x, y))
        shift.append(mmd_imq(x + SHIFT, y))
        if (few := pairs // 4 - start) > 0:
            biased.append(v_statistic(x[:few], y[:few]))
    match, biased, shift = (torch.cat(it).double() for it in (match, biased, shift))
    return {
        "match.mean": float(match.mean()),
        "match.deviation": float(match.std()),
        "match.negative": float((match < 0).double().mean()),
        "match.biased": float(biased.mean()),
        "shift.mean": float(shift.mean()),
    }


def _by_channel(seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    prior, codes = _normals(rng, 2, _PAIRS, _BATCH, _CHANNELS, DIM)
    found = {}
    for name, it in (
        ("independent", codes),
        ("copies", codes[:, :, :1].expand_as(codes)),
    ):
        found[f"flat.{name}"] = mmd_imq(it.flatten(-2), prior.flatten(-2))
        found[f"each.{name}"] = mmd_imq(it.transpose(1, 2), prior.transpose(1, 2)).sum(-1)
        found[f"summed.{name}"] = mmd_imq(it.sum(-2), prior[:, :, 0])
    return {name: float(values.double().mean()) for name, values in found.items()}


def _normals(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
