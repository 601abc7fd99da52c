"""Reconstruction terms: data [batch, D] and decoder logits [cells, batch, D] to [cells]."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["bernoulli", "gaussian", "squared_error"]


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Mean over the batch of ‖x − x̂‖², a sum over the data's coordinates."""
    return (x_hat - x).square().sum(-1).mean(-1)


def bernoulli(x: Tensor, logits: Tensor) -> Tensor:
    """Mean over the batch of −log p(x), x in [0, 1] taken as a probability, in nats."""
    return (
        F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")
        .sum(-1)
        .mean(-1)
    )


def gaussian(x: Tensor, x_hat: Tensor, log_deviation: Tensor) -> Tensor:
    """Mean over the batch of −log N(x; x̂, γ² I) in nats, log γ = `log_deviation` [cells].

    Source: Dai and Wipf, Diagnosing and Enhancing VAE Models, 2019, eq. 9 (their γ is γ² here).
    """
    constant = 0.5 * math.log(2 * math.pi)
    scaled = squared_error(x, x_hat) * torch.exp(-2 * log_deviation)
    return 0.5 * scaled + x.shape[-1] * (log_deviation + constant)
