"""Critics: nets that tell codes from prior draws, and the losses they give."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.cells import LATENT, Stack
from bench.nets import MLP

__all__ = ["Critic", "gradient_penalty", "jensen_shannon_loss", "wasserstein_gap"]


class Critic(MLP):
    """A ReLU net with one linear output: codes [cells, batch, width] to scores [cells, batch]."""

    def __init__(self, stack: Stack, hidden: Sequence[int]):
        super().__init__(stack, "critic", [LATENT, *hidden, 1])

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z)[..., 0]


def wasserstein_gap(critic: Critic, codes: Tensor, prior: Tensor) -> Tensor:
    """E[H(prior)] − E[H(codes)] [cells]: at most W1 where H is 1-Lipschitz.

    Source: Arjovsky, Chintala and Bottou, Wasserstein GAN, 2017, eq. 2.
    """
    scores = critic(torch.cat([codes, prior], dim=-2))
    code_scores, prior_scores = scores.split([codes.shape[-2], prior.shape[-2]], dim=-1)
    return prior_scores.mean(-1) - code_scores.mean(-1)


def gradient_penalty(critic: Critic, codes: Tensor, prior: Tensor, mix: Tensor) -> Tensor:
    """E[(‖∇H(ẑ)‖ − 1)²] [cells] at ẑ = mix · codes + (1 − mix) · prior, mix [batch, 1] in [0, 1].

    Source: Gulrajani et al., Improved Training of Wasserstein GANs, 2017, eq. 3.
    """
    between = (mix * codes + (1 - mix) * prior).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # The root's derivative is infinite at zero, where a dead critic would put it.
    norm = (slope.square().sum(-1) + 1e-12).sqrt()
    return (norm - 1).square().mean(-1)


def jensen_shannon_loss(critic: Callable[[Tensor], Tensor], codes: Tensor, prior: Tensor) -> Tensor:
    """−E log σ(H(prior)) − E log(1 − σ(H(codes))) [cells].

    Source: Goodfellow et al., Generative Adversarial Nets, 2014, eq. 1.
    """
    scores = critic(torch.cat([codes, prior], dim=-2))
    code_scores, prior_scores = scores.split([codes.shape[-2], prior.shape[-2]], dim=-1)
    return F.softplus(-prior_scores).mean(-1) + F.softplus(code_scores).mean(-1)
