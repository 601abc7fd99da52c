"""Divergences between codes and a prior, for any leading axes (cells)."""

import torch
from torch import Tensor

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


class _Kernel(torch.autograd.Function):
    """Σ_s C_s / (C_s + d) with its derivative computed in the same pass over the distances."""

    @staticmethod
    def forward(ctx, distances: Tensor, scales: tuple[Tensor, ...]) -> Tensor:
        needed = ctx.needs_input_grad[0]
        kernel = torch.zeros_like(distances)
        slope = torch.zeros_like(distances) if needed else None
        for c in scales:
            ratio = c + distances
            kernel += torch.div(c, ratio, out=ratio)
            if needed:
                slope.addcdiv_(ratio.square_(), c, value=-1)
        if needed:
            ctx.save_for_backward(slope)
        return kernel

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


def _distances(x: Tensor, y: Tensor) -> Tensor:
    squares_x, squares_y = (t.square().sum(-1) for t in (x, y))
    crossed = torch.matmul(x, y.transpose(-1, -2))
    return (squares_x[..., :, None] + squares_y[..., None, :]).sub(crossed, alpha=2).clamp(min=0)


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
    dims = codes.new_tensor(codes.shape[-1]) if dims is None else dims.to(codes)
    # Of no coordinates all points are one: whatever the width, the value is 0.
    base = 2 * scale**2 * dims.clamp(min=1)[..., None, None]
    scales = tuple(base * s for s in SCALES)

    def total(x: Tensor, y: Tensor) -> Tensor:
        return _Kernel.apply(_distances(x, y), scales)

    def within(x: Tensor) -> Tensor:
        kernel = total(x, x)
        diagonal = kernel.diagonal(dim1=-2, dim2=-1).sum(-1)
        return (kernel.sum(-1).sum(-1) - diagonal) / (count * (count - 1))

    between = total(codes, prior).sum(-1).sum(-1) / count**2
    return within(codes) + within(prior) - 2 * between
