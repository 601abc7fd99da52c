"""A device that no machine need have: tensors of shapes without numbers, which never meet others.

Torch's own `meta` device lets some operations mix it with the CPU, as no GPU does, and gives
nothing back. In this block a mixture is an error, and what is brought back to the CPU is made up:
ones, or normal draws. So all from training to pictures runs as on a GPU, but for the numbers.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from bench import descent, device

__all__ = ["Pretended", "pretend"]

_aten = torch.ops.aten
_COPIES = {_aten._to_copy, _aten.copy_}
_ROWS = {_aten.index, _aten.index_put, _aten.index_put_}
"""A GPU takes rows of its tensors that are on the CPU, and the CPU none that are on a GPU."""


class Pretended(TorchDispatchMode):
    """See above. A 0-dimensional tensor of the CPU may be with others everywhere."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [it for it in tree_flatten((args, kwargs))[0] if isinstance(it, torch.Tensor)]
        there = [it for it in tensors if it.is_meta]
        packet = function.overloadpacket
        may_mix = packet in _COPIES or (packet in _ROWS and args[0].is_meta)
        if there and not may_mix and any(it.ndim for it in tensors if not it.is_meta):
            shapes = [(it.device.type, list(it.shape)) for it in tensors]
            raise AssertionError(f"{packet} of tensors of two devices: {shapes}")
        if there and packet is _aten._local_scalar_dense:
            return _made_up(there[0]).item()
        if there and packet is _aten.equal:
            return True
        if there and packet is _aten.bincount:
            return there[0].new_empty(args[2] if len(args) > 2 else kwargs["minlength"])
        if there and packet is _aten._to_copy and str(kwargs.get("device")) == "cpu":
            return _made_up(there[0]).to(kwargs.get("dtype"))
        if packet is _aten.copy_ and args[1].is_meta and not args[0].is_meta:
            return args[0].copy_(_made_up(args[1]))
        return function(*args, **kwargs)


def _made_up(tensor):
    if not tensor.is_floating_point():
        return torch.ones(tensor.shape, dtype=tensor.dtype)
    generator = torch.Generator().manual_seed(tensor.numel())
    return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)


def pretend(monkeypatch):
    """In this test `cuda` is the pretended device."""
    monkeypatch.setattr(
        device, "resolve", lambda wanted: torch.device("cpu" if wanted == "cpu" else "meta")
    )
    monkeypatch.setattr(device, "describe", lambda: {"gpu": "pretended"})
    monkeypatch.setattr(device, "memory", lambda: 2**34)
    # Torch has no fused optimiser for it.
    monkeypatch.setattr(descent, "fastest", lambda optimiser: {"foreach": True})
    return Pretended()
