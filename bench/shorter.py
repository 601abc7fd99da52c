"""A recording's list of torch's operations, made shorter: the same numbers by fewer of them."""

import operator
from collections.abc import Collection, Iterator

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_arg

from bench.descent import Descent
from bench.parts.imq import on_cpu

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
    _settle(graph, drawn)
    _write_in_place(graph.graph)
    updated = descent.divisible and _update_early(graph, descent)
    _call_directly(graph.graph)
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
            about = read[0].meta["tensor_meta"]
            value = torch.empty_strided(about.shape, about.stride, dtype=about.dtype)
            known = {read[0]: value}
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


_IN_PLACE = {
    _aten.add.Tensor: _aten.add_.Tensor,
    _aten.div.Tensor: _aten.div_.Tensor,
    _aten.exp.default: _aten.exp_.default,
    _aten.mul.Tensor: _aten.mul_.Tensor,
    _aten.neg.default: _aten.neg_.default,
    _aten.relu.default: _aten.relu_.default,
    _aten.sigmoid.default: _aten.sigmoid_.default,
    _aten.sub.Tensor: _aten.sub_.Tensor,
}
"""Operations that may write, entry by entry, to where their first argument is."""


def _write_in_place(graph: Graph) -> None:
    """Write to what nobody reads any more, while it is in the cache."""
    order = {node: index for index, node in enumerate(graph.nodes)}
    # What has memory of its own, or of one that nobody reads any more.
    own = set()

    def is_free(it: Node, node: Node) -> bool:
        """Whether this operation may write its result to its argument."""
        if it not in own or it.meta["tensor_meta"] != node.meta["tensor_meta"]:
            return False
        readers, others = set(_readers(it)), set(node.all_input_nodes) - {it}
        return not others & readers and max(map(order.get, readers)) == order[node]

    for node in graph.nodes:
        if node.target in _IN_PLACE and is_free(node.args[0], node):
            node.target = _IN_PLACE[node.target]
            own.add(node)
        elif node.target is _aten.threshold_backward.default and is_free(node.args[0], node):
            node.target = _aten.threshold_backward.grad_input
            node.kwargs = {"grad_input": node.args[0]}
            own.add(node)
        elif _is_new(node) or (node.target is operator.getitem and _is_new(node.args[0])):
            own.add(node)


def _is_idle_copy(node: Node) -> bool:
    """Whether it is a copy of what has memory of its own, and nobody writes to either."""
    if node.target is _aten.pow.Tensor_Scalar:
        copies = node.args[1] == 1
    else:
        copies = node.target is _aten.clone.default
    return copies and _is_new(node.args[0]) and not any(map(_is_written, (node, node.args[0])))


def _is_new(node: Node) -> bool:
    """Whether what an operation gives has memory of its own."""
    operation = node.target
    return isinstance(operation, OpOverload) and not (
        operation.is_view or operation._schema.is_mutable or operation is _aten._unsafe_view.default
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
    places = {node: _place(getattr(graph, node.target)) for node in nodes if node.op == "get_attr"}
    for index, (parameter, gradient) in enumerate(zip(descent.parameters, gradients, strict=True)):
        own = [node for node, place in places.items() if place == _place(parameter)]
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


def _place(tensor: Tensor) -> int:
    """Where its memory is, and that of all that share it."""
    return tensor.untyped_storage().data_ptr()


def _readers(node: Node) -> Iterator[Node]:
    """What reads a tensor, or another that shares its memory."""
    for user in node.users:
        yield user
        if user.target is operator.getitem or (
            isinstance(user.target, OpOverload) and not _is_new(user)
        ):
            yield from _readers(user)


_METHODS = {
    *("add", "add_", "baddbmm", "bmm", "clamp", "diagonal", "div", "div_", "exp", "exp_", "expand"),
    *("log", "mean", "mul", "mul_", "neg", "neg_", "new_empty", "pow", "relu_", "sigmoid"),
    *("sigmoid_", "squeeze", "sub", "sub_", "sum", "transpose", "unbind", "unsqueeze", "view"),
    "zero_",
}
"""Operations that are a tensor's methods with the same arguments: the shorter way to call them."""

_FUNCTIONS = {torch.ops.bench.imq.default: on_cpu}
"""What operations of this package call on the CPU."""


def _call_directly(graph: Graph) -> None:
    """Call operations by the shortest way."""
    for node in graph.nodes:
        node.target = _FUNCTIONS.get(node.target, node.target)
        if isinstance(node.target, OpOverload) and "out" not in node.kwargs:
            namespace, name = node.target._schema.name.split("::")
            if namespace == "aten" and name in _METHODS:
                node.op, node.target = "call_method", name
