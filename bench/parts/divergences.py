"""Divergences between codes and a prior, for any leading axes (cells)."""

import math
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bench.parts.imq import imq

__all__ = ["SCALES", "kl_normal", "kl_standard_normal", "mmd_imq"]

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The kernels' widths s; see `mmd_imq`."""


def kl_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag exp(log_variance)) ‖ N(0, I)) in nats: [..., D] to [...].

    Source: Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def kl_normal(
    mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor
) -> Tensor:
    """KL(N(mean, diag exp(log_variance)) ‖ N(prior_mean, diag exp(prior_log_variance))) in nats:
    [..., D] to [...]."""
    moment = (mean - prior_mean).square() + log_variance.exp()
    terms = moment * torch.exp(-prior_log_variance) - 1 + prior_log_variance - log_variance
    return 0.5 * terms.sum(-1)


_ENTRIES = 2**17
"""Of a kernel matrix that no gradient is asked of, so many at a time: they stay in the cache."""


@cache
def _scales(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(SCALES, dtype=dtype, device=device)[:, None]


def _squares(x: Tensor) -> Tensor:
    """Squared norms [cells, N] of points [cells, N, D]."""
    return x.square().sum(-1)


def _sums(x: Tensor, y: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
    """All entries' sum of the kernel matrix of x and y [cells, N, D]; its diagonal's [cells]."""
    rows, diagonal, step = [], [], max(1, _ENTRIES // x.shape[-2])
    squares_x, squares_y = _squares(x), _squares(y)
    for start in range(0, x.shape[-2], step):
        block = slice(start, start + step)
        products = torch.bmm(x[:, block], y.mT)
        (kernel,), _ = imq([products], [squares_x[:, block], squares_y], [0], [1], scales, 0)
        rows.append(kernel.sum(-1))
        diagonal.append(kernel.diagonal(start, dim1=-2, dim2=-1))
    return torch.cat(rows, -1).sum(-1), torch.cat(diagonal, -1).sum(-1)


class _MMD(torch.autograd.Function):
    """`mmd_imq` with its gradients, the three kernel matrices at once.

    Each place where codes enter is an input of its own: their gradients are added up one by one, in
    the order in which plain operations would have it, and so have the same last bits.
    """

    @staticmethod
    def forward(ctx, scales: Tensor, codes: Tensor, *places: Tensor) -> Tensor:
        prior = places[-1]
        ctx.of_prior = ctx.needs_input_grad[-1]
        pairs = (codes, codes), (codes, prior), (prior, prior)
        products, norms = [torch.bmm(x, y.mT) for x, y in pairs], [_squares(codes), _squares(prior)]
        # Prior draws that are constants need no slope among themselves.
        sloping = 3 if ctx.of_prior else 2
        kernel, slope = imq(products, norms, [0, 0, 1], [0, 1, 1], scales, sloping)
        ctx.save_for_backward(codes, prior, slope)
        sums, diagonals = kernel.sum(-1).sum(-1), kernel.diagonal(dim1=-2, dim2=-1).sum(-1)
        return _estimate(sums, diagonals, codes.shape[-2])

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        codes, prior, slope = ctx.saved_tensors
        count = codes.shape[-2]
        within = gradient / (count * (count - 1))
        weights = torch.stack([within, -2 * gradient / count**2, within][: len(slope)])
        # By -2 at once: it moves no bit.
        slope = slope * (-2 * weights[..., None, None])
        by_row, by_column = slope.sum(-1)[..., None].unbind(), slope.sum(-2)[..., None].unbind()
        slope = slope.unbind()

        def left(pair: int, y: Tensor) -> Tensor:
            return torch.bmm(slope[pair], y)

        def right(pair: int, x: Tensor) -> Tensor:
            return torch.bmm(x.mT, slope[pair]).mT

        minus = -codes
        of_codes = left(0, codes), right(0, codes), minus * by_column[0], minus * by_row[0]
        of_codes = *of_codes, left(1, prior), minus * by_row[1]
        if not ctx.of_prior:
            return None, *of_codes, None
        minus = -prior
        of_prior = left(2, prior) + right(2, prior) + minus * (by_column[2] + by_row[2])
        return None, *of_codes, of_prior + right(1, codes) + minus * by_column[1]


def _estimate(sums: Tensor, diagonals: Tensor, count: int) -> Tensor:
    """MMD² [cells] of the sums [3, cells] of three kernel matrices, codes', between and prior's,
    with diagonals."""
    of_codes, _, of_prior = ((sums - diagonals) / (count * (count - 1))).unbind()
    _, between, _ = sums.unbind()
    return of_codes + of_prior - 2 * (between / count**2)


def mmd_imq(codes: Tensor, prior: Tensor, scale: float = 1.0, dims: Tensor | None = None) -> Tensor:
    """Squared MMD with a sum of inverse multiquadratic kernels; may be negative.

    Σ_s C_s / (C_s + ‖x − y‖²), C_s = 2 · D · scale² · s, s in {.1, .2, .5, 1, 2, 5, 10}. The two
    within terms are U-statistics; the cross term is −2/N² with its diagonal.

    Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, eq. 4 and
    the kernels of the authors' code.

    Arguments:
        codes: [..., N, D].
        prior: [..., N, D], draws from the prior.
        scale: the prior's standard deviation.
        dims: D [...], where codes are padded with zeros to a common width.

    Returns:
        One value per leading index [...].
    """
    count = codes.shape[-2]
    if prior.shape[-2] != count or count < 2:
        raise ValueError(
            f"as many codes as prior draws, and two or more: {count}, {prior.shape[-2]}"
        )
    if dims is None:
        dims = codes.new_tensor(codes.shape[-1])
    *leading, _, width = codes.shape
    # Of no coordinates all points are one: whatever the width, the value is 0.
    base = 2 * scale**2 * dims.to(codes).clamp(min=1)
    cells = math.prod(leading)
    base = base.expand(leading).reshape(cells)
    scales = base * _scales(codes.dtype, codes.device)
    prior = prior.expand(codes.shape)
    if len(leading) != 1:
        codes, prior = (x.reshape(cells, count, width) for x in (codes, prior))
    if torch.is_grad_enabled() and (codes.requires_grad or prior.requires_grad):
        value = _MMD.apply(scales, *[codes] * 6, prior)
    else:
        pairs = (codes, codes), (codes, prior), (prior, prior)
        sums, diagonals = zip(*(_sums(*pair, scales) for pair in pairs), strict=True)
        value = _estimate(torch.stack(sums), torch.stack(diagonals), count)
    return value.reshape(leading)
