"""A loss with its gradients as a list of torch's operations: recorded at one step, and repeated at
those after it without autograd. They are the same operations in the same order, and so the same
bits, in less time: what torch and Python do around a small operation takes as long as itself.
"""

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.fx import Graph, GraphModule, Node
from torch.fx.experimental.proxy_tensor import disable_proxy_modes_tracing, make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from bench import device
from bench.noise import Noise
from bench.systems.base import Step

__all__ = ["AT", "Gradients", "Unsteady"]

AT = 200
"""The call that is recorded, which takes as long as some tens of others: a short training goes
without."""


class Gradients:
    """A player's loss and its gradients, turn by turn.

    What a loss computes hangs on its batch, its step, parameters and buffers: nothing else is in a
    checkpoint. Of its step it is given anew what it drew from the noise when it was recorded. One
    that asks its step for anything else that changes, or looks at a tensor's numbers to decide what
    to do, is not recorded. On a GPU none is: that has not been tried.

    Arguments:
        loss: a player's.
        parameters: that it moves.
        buffers: to the tensors that the loss may write to.

    Attributes:
        recorded: whether a recording is repeated.
        refusal: why it could not be recorded, where that was tried.
    """

    def __init__(
        self,
        loss: Callable[[Tensor, Step], Tensor],
        parameters: Sequence[Tensor],
        buffers: Callable[[], Iterable[Tensor]],
    ):
        self.loss, self.parameters, self.buffers = loss, parameters, buffers
        self.refusal: Exception | None = None
        self._calls, self._repeat = 0, None

    @property
    def recorded(self) -> bool:
        return self._repeat is not None

    def forget(self) -> None:
        """Record anew, for tensors may be others than they were."""
        self._calls, self._repeat = min(self._calls, AT - 1), None

    def __call__(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """The loss [cells] of a batch [batch, data], its sum [], and that one's gradients."""
        if self._repeat:
            return self._repeat(batch, step)
        self._calls += 1
        if self._calls == AT and device.current().type == "cpu":
            return self._record(batch, step)
        return self._run(batch, step)

    def _run(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        loss = self.loss(batch, step)
        total = loss.sum()
        return loss.detach(), total.detach(), torch.autograd.grad(total, self.parameters)

    def _record(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """A turn by which the next ones are repeated, where that can be."""
        noise, notes, found = _Heard(step.noise, []), [], []

        def note(quantity: str, values: Tensor) -> None:
            # A copy, as the history takes it: a loss may go on to write to what it noted.
            notes.append((quantity, values.detach().double()))

        def turn(batch: Tensor) -> list[Tensor]:
            with _Unread(), _Undecided():
                found[:] = self._run(batch, _Steady(*step)._replace(noise=noise, note=note))
            return [*found[:2], *found[2], *(values for _, values in notes)]

        buffers = list(self.buffers())
        before = [buffer.clone() for buffer in buffers]
        try:
            graph = make_fx(turn)(batch)
        except Exception as error:
            # What is an error of the loss itself is raised below once more.
            self.refusal = error
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
            return self._run(batch, step)
        self._repeat = _Repeated(graph, noise.draws, [quantity for quantity, _ in notes])
        for noted in notes:
            step.note(*noted)
        return tuple(found)


class _Repeated:
    """A recording's operations, run with new draws."""

    def __init__(self, graph: GraphModule, draws: Iterable["_Draw"], quantities: Sequence[str]):
        _shorten(graph.graph)
        graph.recompile()
        names = {node.target for node in graph.graph.nodes if node.op == "get_attr"}
        # As a module's attributes they would be looked up at length.
        self._tensors = SimpleNamespace(**{name: getattr(graph, name) for name in sorted(names)})
        self._operations = type(graph).forward
        places = vars(self._tensors).items()
        self._draws = [(name, it) for it in draws for name, own in places if own is it.value]
        self._quantities = quantities

    @torch.inference_mode()
    def __call__(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        for name, draw in self._draws:
            setattr(self._tensors, name, draw.anew(step.noise))
        loss, total, *rest = self._operations(self._tensors, batch)
        values = len(rest) - len(self._quantities)
        for noted in zip(self._quantities, rest[values:], strict=True):
            step.note(*noted)
        return loss, total, rest[:values]


_aten = torch.ops.aten
_SAME = _aten.alias.default, _aten.detach.default, _aten.expand.default, _aten.view.default
"""Without autograd these may be their argument once more."""

_METHODS = {
    *("add", "add_", "baddbmm", "bmm", "clamp", "diagonal", "div", "exp", "expand", "log", "mean"),
    *("mul", "mul_", "neg", "new_empty", "pow", "relu_", "sigmoid", "squeeze", "sub", "sum"),
    *("transpose", "unbind", "unsqueeze", "view", "zero_"),
}
"""Operations that are a tensor's methods with the same arguments. Calling these takes half the time
of calling an operation by its overload."""


def _shorten(graph: Graph) -> None:
    """Take out what does nothing, write to what nobody else reads, while it is in the cache, and
    call by the shortest way."""
    for node in graph.nodes:
        if node.target in _SAME:
            known = [it.meta.get("tensor_meta") for it in (node.args[0], node)]
            before, after = ((it.shape, it.stride) if it else None for it in known)
            if before == after is not None:
                node.replace_all_uses_with(node.args[0])
    graph.eliminate_dead_code()
    for node in graph.nodes:
        if node.target is _aten.relu.default and _is_its_own(node.args[0]):
            node.target = _aten.relu_.default
        elif node.target is _aten.threshold_backward.default and _is_its_own(node.args[0]):
            node.target = _aten.threshold_backward.grad_input
            node.kwargs = {"grad_input": node.args[0]}
    for node in graph.nodes:
        if isinstance(node.target, OpOverload) and "out" not in node.kwargs:
            namespace, name = node.target._schema.name.split("::")
            if namespace == "aten" and name in _METHODS:
                node.op, node.target = "call_method", name


def _is_its_own(node: Node) -> bool:
    """Whether a tensor is new, shares no memory and is read once."""
    new = isinstance(node.target, OpOverload) and not node.target.is_view
    return new and not node.target._schema.is_mutable and len(node.users) == 1


class _Draw(NamedTuple):
    """A draw that a loss asked for: at which other place than its turn's, how, and what it was."""

    axes: dict[str, int | str]
    method: str
    arguments: tuple
    value: Tensor

    def anew(self, noise: Noise) -> Tensor:
        """The same of another turn's noise."""
        return getattr(noise.at(**self.axes), self.method)(*self.arguments)


class _Heard(Noise):
    """A turn's noise that notes what is drawn from it; drawing is no part of the recording."""

    def __init__(self, turn: Noise, draws: list[_Draw], /, **axes: int | str):
        super().__init__(turn.seed, **turn.axes | axes)
        self._turn, self._own, self.draws = turn, axes, draws

    def at(self, **axes):
        return _Heard(self._turn, self.draws, **self._own | axes)

    def generator(self, name):
        raise Unsteady

    def normal(self, name, count, width):
        return self._drawn("normal", name, count, width)

    def uniform(self, name, count):
        return self._drawn("uniform", name, count)

    def permutation(self, name, count):
        return self._drawn("permutation", name, count)

    def _drawn(self, method: str, *arguments: int | str) -> Tensor:
        with disable_proxy_modes_tracing():
            value = getattr(self._turn.at(**self._own), method)(*arguments)
        self.draws.append(_Draw(self._own, method, arguments, value))
        return value


class Unsteady(Exception):
    """What a loss does may hang on something that is not the same at the next step."""


class _Undecided(TorchDispatchMode):
    """Refuses what makes a Python number of a tensor's."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if torch.Tag.data_dependent_output in function.tags:
            raise Unsteady
        return function(*args, **(kwargs or {}))


class _Unread(TorchFunctionMode):
    """Refuses what reads a tensor's numbers without an operation."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in (Tensor.tolist, Tensor.numpy, Tensor.__array__):
            raise Unsteady
        return function(*args, **(kwargs or {}))


def _refuse(step: Step):
    raise Unsteady


class _Steady(Step):
    """A step that does not tell where training is."""

    index = progress = rows = property(_refuse)
