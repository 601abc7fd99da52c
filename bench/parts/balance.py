"""How much two parts c and z of a code weigh in a loss: w_c + w_z = 2, and this gives w_c.

By option:
    none:         1
    annealed:     w_c rises from 0 to 1, linearly until the middle of training
    gradient:     in proportion to the norms of the likelihood's gradients by c and by z
    information:  in proportion to estimates of I(x; c) and I(x; z) from the batch

The ideas are those a blog post on the homoencoder names as next steps; the formulas are ours.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from bench.parts.priors import MixturePrior, log_normal

__all__ = ["class_weight", "information"]


def class_weight(
    balance: str,
    progress: float,
    norms: Sequence[Tensor],
    drawn: tuple[Tensor, Tensor, Tensor],
    parts: Sequence[Tensor],
) -> Tensor | float:
    """w_c [cells], without gradients.

    Arguments:
        balance: one of the options.
        progress: the share of training that is over.
        norms: of the gradients by c and by z [cells].
        drawn: (c, z) of each datum, and the mean and log-variance of the Gaussian that it was
            drawn from [cells, batch, width].
        parts: 1 in the coordinates of c, and in those of z [cells, 1, width].
    """
    match balance:
        case "annealed":
            return min(1.0, 2 * progress)
        case "gradient":
            c, z = norms
        case "information":
            c, z = (information(*drawn, part).clamp(min=0) for part in parts)
        case _:
            return 1.0
    return torch.where(c + z > 0, 2 * c / (c + z), 1.0)


@torch.no_grad()
def information(code: Tensor, mean: Tensor, log_variance: Tensor, part: Tensor) -> Tensor:
    """An estimate of I(x; code) in nats [cells], in the coordinates where `part` is 1:
    E[log q(code | x) − log mean over the batch of q(code | x′)], of at most log batch.

    Source: Hoffman and Johnson, ELBO surgery: yet another way to carve up the variational evidence
    lower bound, 2016, with the batch in place of the data.
    """
    code, mean, log_variance = (t * part for t in (code, mean, log_variance))
    weights = mean.new_full(mean.shape[:2], -math.log(mean.shape[1]))
    mixture = MixturePrior(mean, log_variance, weights, part)
    return (log_normal(code, mean, log_variance, part) - mixture.log_density(code)).mean(-1)
