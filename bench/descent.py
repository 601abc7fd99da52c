"""A player's updates: its torch optimiser, without what that does at each step beside them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
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
        self._state: _Adam | None = None
        self._whole: Callable[..., None] | None = None
        self._count: np.ndarray | Tensor | None = None

    def rate(self, lr: float) -> None:
        """Set the learning rate."""
        self.optimiser.param_groups[0]["lr"] = lr

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """One update. No reference to the gradients is kept, so that their memory, which the caches
        have, is the next step's."""
        if self._state is None and not self._start():
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                # A fused optimiser reads a gradient in the order of its memory.
                parameter.grad = gradient.contiguous()
            self.optimiser.step()
            self.optimiser.zero_grad()
        else:
            self.count()
            self._whole(*gradients)

    @property
    def divisible(self) -> bool:
        """Whether a step can be taken by `count` and then `part`s: after the second, if at all."""
        return self._state is not None

    def count(self) -> None:
        """Begin an update that is taken part by part."""
        self._count += 1

    def part(self, places: Sequence[int]) -> Callable[..., None]:
        """The update of the parameters at these places, from their gradients, to be called where no
        gradients are recorded."""
        (group,) = self.optimiser.param_groups
        beta1, beta2 = group["betas"]
        parameters, means, squares = (
            [tensors[place] for place in places]
            for tensors in (self.parameters, self._state.means, self._state.squares)
        )
        steps = [self._state.step] * len(places)

        def update(*gradients: Tensor) -> None:
            torch._fused_adam_(
                parameters,
                [gradient.contiguous() for gradient in gradients],
                means,
                squares,
                [],
                steps,
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=group["maximize"],
            )

        return update

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
        means, squares = ([it[name] for it in states] for name in ("exp_avg", "exp_avg_sq"))
        self._state = _Adam(means, squares, step)
        # The same memory: NumPy adds to a number faster.
        self._count = step.numpy() if step.device.type == "cpu" else step
        self._whole = self.part(range(len(states)))
        return True


class _Adam(NamedTuple):
    """Adam's state: moments of each parameter, and the number of steps."""

    means: list[Tensor]
    squares: list[Tensor]
    step: Tensor


def fastest(optimiser: Callable[..., torch.optim.Optimizer]) -> dict[str, bool]:
    """The arguments with which an optimiser is fastest."""
    kind = getattr(optimiser, "func", optimiser)
    return {"fused": True} if kind is torch.optim.Adam else {"foreach": True}
