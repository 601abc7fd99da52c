"""What a step of training does: floating-point operations and bytes, by each of its operations."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from bench import estimate
from benchmarks.ceilings import Ceilings

__all__ = ["Work", "count"]

_OWN = ("aten", "profiler", "bench")
"""Namespaces of operations whose products torch's registry knows: its own, and ours, which have
none."""


@dataclass(frozen=True)
class Work:
    """How often there is an operation of so many floating-point operations (those of products) and
    so many bytes moved."""

    operations: Mapping[tuple[int, int], float]

    @property
    def flops(self) -> float:
        return sum(times * flops for (flops, _), times in self.operations.items())

    @property
    def bytes(self) -> float:
        return sum(times * moved for (_, moved), times in self.operations.items())

    def per(self, steps: int, less: "Work") -> "Work":
        """A step's, of `steps` that are in this and not in the other: sums are differences, and an
        operation that only the other has, such as a mean over fewer steps, counts below zero."""
        rest = Counter(self.operations)
        rest.subtract(less.operations)
        return Work({key: times / steps for key, times in sorted(rest.items()) if times})

    def least_seconds(self, ceilings: Ceilings) -> float:
        """What these operations take at least, one after another: each its products at the matrix
        ceiling or its bytes at the copy ceiling, whichever takes longer.

        Source: Williams, Waterman and Patterson, Roofline: An Insightful Visual Performance Model
        for Multicore Architectures, 2009; here for each operation by itself.
        """
        return sum(
            times * max(flops / ceilings.flops, moved / ceilings.bytes)
            for (flops, moved), times in self.operations.items()
        )


def count(function: Callable[[], object]) -> Work:
    """The work of a call.

    Bytes are those of every tensor that an operation reads or writes, each number once, however
    often a view repeats it; views themselves move none.

    Raises:
        NotImplementedError: an operation is not one of torch's own, and nothing tells its products.
    """
    with _Recorder() as recorder:
        function()
    return Work(recorder.operations)


class _Recorder(estimate.Counter):
    """Notes what each launch does."""

    def __init__(self):
        super().__init__()
        self.operations: Counter[tuple[int, int]] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        known = function.namespace in _OWN or function._overloadpacket in flop_registry
        if not known:
            raise NotImplementedError(f"the floating-point operations of {function} are not known")
        before = self.flops
        out = super().__torch_dispatch__(function, types, args, kwargs)
        moved = _moved(function._schema, args, kwargs or {}, out)
        self.operations[self.flops - before, moved] += 1
        return out


def _moved(schema: torch.FunctionSchema, args: tuple, kwargs: dict, out: object) -> int:
    names = (argument.name for argument in schema.arguments)
    given = dict(zip(names, args, strict=False)) | kwargs
    read, written = [], []
    for argument in schema.arguments:
        tensors = _tensors(given.get(argument.name))
        if argument.alias_info is not None and argument.alias_info.is_write:
            written += tensors
        if not argument.is_out:
            read += tensors
    known = {it.untyped_storage().data_ptr() for it in read + written}
    made = [it for it in _tensors(out) if it.untyped_storage().data_ptr() not in known]
    only_memory = schema.name.startswith(("aten::empty", "aten::new_empty"))
    if only_memory or not (written or made):
        return 0
    return sum(map(_bytes, read + written + made))


def _tensors(value: object) -> list[torch.Tensor]:
    return [it for it in tree_leaves(value) if isinstance(it, torch.Tensor)]


def _bytes(tensor: torch.Tensor) -> int:
    """Of the numbers that are there: an expanded axis has its own once."""
    axes = zip(tensor.shape, tensor.stride(), strict=True)
    return tensor.element_size() * math.prod(size for size, stride in axes if stride or not size)
