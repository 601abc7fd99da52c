"""A recorded turn, run again: its list of torch's operations, made shorter."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.fx import Graph, GraphModule, Node

from bench.descent import Descent
from bench.noise import Noise
from bench.systems.base import Step

__all__ = ["Draw", "Repeated"]


class Draw(NamedTuple):
    """A draw that a loss asked for: at which other place than its turn's, how, and what it was."""

    axes: dict[str, int | str]
    method: str
    arguments: tuple
    value: Tensor

    def anew(self, noise: Noise) -> Tensor:
        """The same of another turn's noise."""
        return getattr(noise.at(**self.axes), self.method)(*self.arguments)


class Repeated:
    """A recording's operations, run with new draws, and the update."""

    def __init__(
        self,
        graph: GraphModule,
        draws: Iterable[Draw],
        quantities: Sequence[str],
        descent: Descent,
    ):
        _shorten(graph.graph)
        self._updated = descent.divisible and _update_early(graph, descent)
        _call_methods(graph.graph)
        graph.recompile()
        names = {node.target for node in graph.graph.nodes if node.op == "get_attr"}
        # As a module's attributes they would be looked up at length.
        self._tensors = SimpleNamespace(**{name: getattr(graph, name) for name in sorted(names)})
        self._operations = type(graph).forward
        places = vars(self._tensors).items()
        self._draws = [(name, it) for it in draws for name, own in places if own is it.value]
        self._quantities, self._descent = quantities, descent

    @torch.inference_mode()
    def __call__(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        for name, draw in self._draws:
            setattr(self._tensors, name, draw.anew(step.noise))
        if self._updated:
            self._descent.count()
        loss, total, *rest = self._operations(self._tensors, batch)
        values = len(self._descent.parameters)
        if not self._updated:
            self._descent.step(rest[:values])
        for noted in zip(self._quantities, rest[values:], strict=True):
            step.note(*noted)
        return loss, total


_aten = torch.ops.aten
_SAME = _aten.alias.default, _aten.detach.default, _aten.expand.default, _aten.view.default
"""Without autograd these may be their argument once more."""


def _shorten(graph: Graph) -> None:
    """Take out what does nothing, and write to what nobody else reads, while it is in the cache."""
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


def _is_its_own(node: Node) -> bool:
    """Whether a tensor shares no memory and is read once."""
    return isinstance(node.target, OpOverload) and _is_new(node) and len(node.users) == 1


def _is_new(node: Node) -> bool:
    """Whether what an operation gives has memory of its own."""
    return not node.target.is_view and not node.target._schema.is_mutable


def _update_early(graph: GraphModule, descent: Descent) -> bool:
    """Update parameters as soon as their gradients are there and nobody reads them any more, while
    both are in the cache; whether that can be."""
    *nodes, output = graph.graph.nodes
    values, place = list(output.args[0]), slice(2, 2 + len(descent.parameters))
    gradients, ready = values[place], {}
    order = {node: index for index, node in enumerate((*nodes, output))}
    for index, (parameter, gradient) in enumerate(zip(descent.parameters, gradients, strict=True)):
        own = [it for it in nodes if it.op == "get_attr" and getattr(graph, it.target) is parameter]
        readers = (reader for node in own for reader in _readers(node))
        ready.setdefault(max((gradient, *readers), key=order.get), []).append(index)
    if output in ready:
        return False
    waiting = []
    for node in nodes:
        waiting += ready.pop(node, [])
        # A layer's weight and bias together: a call for each would take back what this gives.
        if len(waiting) > 1 or (waiting and not ready):
            with graph.graph.inserting_after(node):
                given = tuple(gradients[index] for index in waiting)
                graph.graph.call_function(descent.part(waiting), given)
            waiting = []
    values[place] = [None] * len(gradients)
    output.args = (values,)
    return True


def _readers(node: Node) -> Iterator[Node]:
    """What reads a tensor, or another that shares its memory."""
    for user in node.users:
        yield user
        if user.target is operator.getitem or (
            isinstance(user.target, OpOverload) and not _is_new(user)
        ):
            yield from _readers(user)


_METHODS = {
    *("add", "add_", "baddbmm", "bmm", "clamp", "diagonal", "div", "exp", "expand", "log", "mean"),
    *("mul", "mul_", "neg", "new_empty", "pow", "relu_", "sigmoid", "squeeze", "sub", "sum"),
    *("transpose", "unbind", "unsqueeze", "view", "zero_"),
}
"""Operations that are a tensor's methods with the same arguments: the shorter way to call them."""


def _call_methods(graph: Graph) -> None:
    """Call operations by the shortest way."""
    for node in graph.nodes:
        if isinstance(node.target, OpOverload) and "out" not in node.kwargs:
            namespace, name = node.target._schema.name.split("::")
            if namespace == "aten" and name in _METHODS:
                node.op, node.target = "call_method", name
