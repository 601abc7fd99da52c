"""A recording's list of torch's operations, made shorter: the same numbers by fewer of them."""

import operator
from collections.abc import Collection, Iterator

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_arg

from bench.descent import Descent

__all__ = ["shorten", "tensors"]


def tensors(graph: GraphModule) -> dict[str, Tensor]:
    """What it reads besides its arguments, by name."""
    names = {node.target for node in graph.graph.nodes if node.op == "get_attr"}
    return {name: getattr(graph, name) for name in sorted(names)}


def shorten(graph: GraphModule, descent: Descent, drawn: Collection[str]) -> bool:
    """Make a turn's list shorter in place.

    Arguments:
        graph: gives the loss, its sum, gradients, and what was noted.
        descent: of the parameters that these gradients are of.
        drawn: the names of tensors that are others in each turn.

    Returns:
        Whether the list updates the parameters; then it gives None for their gradients.
    """
    _leave_out(graph.graph)
    _write_in_place(graph.graph)
    updated = descent.divisible and _update_early(graph, descent)
    _settle(graph, drawn)
    _call_methods(graph.graph)
    graph.recompile()
    return updated


_aten = torch.ops.aten
_SAME = _aten.alias.default, _aten.detach.default, _aten.expand.default, _aten.view.default
"""Without autograd these may be their argument once more."""


def _leave_out(graph: Graph) -> None:
    """Take out what does nothing."""
    for node in graph.nodes:
        if node.target in _SAME or _is_idle_copy(node):
            known = [it.meta.get("tensor_meta") for it in (node.args[0], node)]
            before, after = ((it.shape, it.stride) if it else None for it in known)
            if before == after is not None:
                node.replace_all_uses_with(node.args[0])
    graph.eliminate_dead_code()


def _write_in_place(graph: Graph) -> None:
    """Write to what nobody else reads, while it is in the cache."""
    for node in graph.nodes:
        if node.target is _aten.relu.default and _is_its_own(node.args[0]):
            node.target = _aten.relu_.default
        elif node.target is _aten.threshold_backward.default and _is_its_own(node.args[0]):
            node.target = _aten.threshold_backward.grad_input
            node.kwargs = {"grad_input": node.args[0]}


def _is_its_own(node: Node) -> bool:
    """Whether a tensor shares no memory and is read once."""
    return _is_new(node) and len(node.users) == 1


def _is_idle_copy(node: Node) -> bool:
    """Whether it is a copy of what has memory of its own, and nobody writes to either."""
    return node.target is _aten.clone.default and not (
        _is_written(node) or not _is_new(node.args[0]) or _is_written(node.args[0])
    )


def _is_new(node: Node) -> bool:
    """Whether what an operation gives has memory of its own."""
    operation = node.target
    return isinstance(operation, OpOverload) and not (
        operation.is_view or operation._schema.is_mutable
    )


def _is_written(node: Node) -> bool:
    """Whether an operation writes to a tensor, or to another that shares its memory."""
    return any(
        isinstance(it.target, OpOverload) and it.target._schema.is_mutable for it in _readers(node)
    )


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


@torch.inference_mode()
def _settle(graph: GraphModule, drawn: Collection[str]) -> None:
    """Compute once what each turn would compute again: what hangs on constants only, and views of
    tensors that keep their place, as parameters do."""
    constants, placed = {}, {}
    for node in list(graph.graph.nodes):
        if node.op == "get_attr" and node.target not in drawn:
            placed[node] = getattr(graph, node.target)
        read = node.all_input_nodes
        if not isinstance(node.target, OpOverload) or not read or _is_written(node):
            continue
        known = placed if node.target.is_view and read[0] in placed else constants
        if node.target is _aten.ones_like.default:
            # Which are the same whatever its argument's numbers.
            known = {it: torch.empty(it.meta["tensor_meta"].shape) for it in read}
        if all(it in known for it in read):
            value = node.target(*map_arg(node.args, known.get), **node.kwargs)
            if isinstance(value, Tensor):
                graph.register_buffer(name := f"settled_{node.name}", value)
                with graph.graph.inserting_before(node):
                    own = graph.graph.get_attr(name)
                (placed if known is placed else constants)[own] = value
                node.replace_all_uses_with(own)
                graph.graph.erase_node(node)
    for node in list(graph.graph.nodes):
        if node.op == "get_attr" and not node.users:
            graph.graph.erase_node(node)


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
