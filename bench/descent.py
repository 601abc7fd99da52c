"""A player's updates: its torch optimiser, without what that does at each step beside them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

__all__ = ["Descent"]


class Descent:
    """An optimiser with its parameters.

    Adam's fused update is called directly, as `torch.optim.Adam.step` calls it and with the same
    bits: what that does around it, for each parameter, may take as long as the update itself.

    Arguments:
        optimiser: (parameters, lr=…) to a torch optimiser.
        parameters: that it moves.
        lr: the learning rate at the start.

    Attributes:
        optimiser: torch's, which has the state.
    """

    def __init__(
        self,
        optimiser: Callable[..., torch.optim.Optimizer],
        parameters: Iterable[nn.Parameter],
        lr: float,
    ):
        self.parameters = list(parameters)
        self.optimiser = optimiser(self.parameters, lr=lr, **fastest(optimiser))
        self._update: Callable[..., None] | None = None

    def rate(self, lr: float) -> None:
        """Set the learning rate."""
        self.optimiser.param_groups[0]["lr"] = lr

    def step(self, gradients: Sequence[Tensor]) -> None:
        """One update. No reference to the gradients is kept, so that their memory, which the caches
        have, is the next step's."""
        # A fused optimiser reads a gradient in the order of its memory.
        gradients = [gradient.contiguous() for gradient in gradients]
        if self._update is None and not self._start():
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.grad = gradient
            self.optimiser.step()
            self.optimiser.zero_grad()
        else:
            self._update(gradients)

    def _start(self) -> bool:
        """Prepare the direct update, where it is Adam's and there is a state, of a first step or of
        a checkpoint."""
        (group,) = self.optimiser.param_groups
        fused = type(self.optimiser) is torch.optim.Adam and group["fused"]
        if not fused or group["amsgrad"] or group["decoupled_weight_decay"]:
            return False
        states = [self.optimiser.state.get(parameter) for parameter in self.parameters]
        if not all(states):
            return False
        # They count alike: one counter is counted up once.
        step = states[0]["step"]
        for state in states:
            state["step"] = step
        kept = [[state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")]
        self._update = partial(_adam, group, self.parameters, *kept, step)
        return True


@torch.no_grad()
def _adam(
    group: dict,
    parameters: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    step: Tensor,
    gradients: list[Tensor],
) -> None:
    step += 1
    beta1, beta2 = group["betas"]
    torch._fused_adam_(
        parameters,
        gradients,
        means,
        squares,
        [],
        [step] * len(parameters),
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=group["maximize"],
    )


def fastest(optimiser: Callable[..., torch.optim.Optimizer]) -> dict[str, bool]:
    """The arguments with which an optimiser is fastest."""
    kind = getattr(optimiser, "func", optimiser)
    return {"fused": True} if kind is torch.optim.Adam else {"foreach": True}
