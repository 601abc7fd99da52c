"""The device that tensors are on: the CPU, or a GPU, where every result is the same run twice."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psutil
import torch
from torch import Tensor

from bench.mistake import Mistake

__all__ = ["current", "describe", "memory", "name", "place", "resolve", "use"]

_CPU = torch.device("cpu")
_current = ContextVar("device", default=_CPU)
_PRODUCTS = torch.backends.cuda.matmul, torch.backends.cudnn.conv
_EXACT, _TF32 = "ieee", "tf32"


def resolve(wanted: str) -> torch.device:
    """The device that a study's `device` stands for: auto, cpu or cuda.

    Raises:
        Mistake: cuda, and torch sees no GPU.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return _CPU
    if not torch.cuda.is_available():
        raise Mistake("device: found cuda, but torch sees no GPU here; auto would take the CPU")
    return torch.device("cuda")


@contextmanager
def use(wanted: str, tf32: bool = False) -> Iterator[torch.device]:
    """A block whose tensors are placed on a study's device.

    On a GPU the algorithms are deterministic ones: what has none raises a RuntimeError. On the CPU
    nothing is changed.

    Arguments:
        wanted: auto, cpu or cuda; see `resolve`.
        tf32: whether a GPU's products may round their factors to 10 bits (TensorFloat-32).
    """
    device = resolve(wanted)
    token = _current.set(device)
    try:
        if device.type == "cpu":
            yield device
        else:
            with _deterministic(_TF32 if tf32 else _EXACT):
                yield device
    finally:
        _current.reset(token)


@contextmanager
def _deterministic(precision: str) -> Iterator[None]:
    # cuBLAS reads it when it starts; without it the results of its products may change.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    products = [kind.fp32_precision for kind in _PRODUCTS]
    benchmark, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, False
    torch.use_deterministic_algorithms(True)
    for kind in _PRODUCTS:
        kind.fp32_precision = precision
    try:
        yield
    finally:
        for kind, own in zip(_PRODUCTS, products, strict=True):
            kind.fp32_precision = own
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.benchmark = benchmark


def current() -> torch.device:
    """The device of this block."""
    return _current.get()


def place(tensor: Tensor) -> Tensor:
    """A tensor on the device of this block: itself, where it is there already."""
    return tensor.to(current())


def memory() -> int:
    """Bytes that tensors of this block may take: on the CPU half of what is available now; on a GPU
    three quarters of all it has, so that what else runs there does not decide how stacks are split.
    """
    if current().type == "cpu":
        return psutil.virtual_memory().available // 2
    return torch.cuda.get_device_properties().total_memory * 3 // 4


def name() -> str:
    """As records have it: cpu, cuda, or cuda+tf32."""
    if current().type == "cpu":
        return "cpu"
    return "cuda+tf32" if _PRODUCTS[0].fp32_precision == _TF32 else "cuda"


def describe() -> dict[str, str]:
    """What of a GPU decides numbers; nothing on the CPU, which `environment` describes."""
    if current().type == "cpu":
        return {}
    major, minor = torch.cuda.get_device_capability()
    return {
        "device": name(),
        "gpu": torch.cuda.get_device_name(),
        "capability": f"{major}.{minor}",
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
    }
