"""A stack's training as a file, from which an interrupted one goes on as if it had not stopped."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import nn

from bench import store
from bench.device import place
from bench.history import History

__all__ = ["Keeper", "Progress"]


@dataclass
class Progress:
    """All that training changes, besides where it is: noise and order are those of the step.

    Attributes:
        system: parameters and buffers, also those that no cell's file keeps.
        optimisers: of the players, in order.
        history: what was noted.
        diverged: for each cell the step at which it did, or None.
    """

    system: nn.Module
    optimisers: Sequence[torch.optim.Optimizer]
    history: History
    diverged: list[int | None]


class Keeper:
    """A file that is written now and then while a stack trains; it is whole or absent.

    Arguments:
        path: of the file.
        key: what the training is, as text: a file of another key is passed over.
        pause: seconds between two checkpoints, at least.
        share: of the time that goes into writing them, at most.
    """

    def __init__(self, path: str | Path, key: str, pause: float = 30.0, share: float = 0.05):
        self.path, self.key, self.pause, self.share = Path(path), key, pause, share
        self._due = time.monotonic() + pause

    def resume(self, progress: Progress) -> int:
        """The number of steps that are done, after putting what they left into `progress`: 0 where
        there is no checkpoint of this key, or it is damaged, which is said on stderr."""
        try:
            about, content = store.read_sealed(self.path)
        except FileNotFoundError:
            return 0
        except store.Damaged as error:
            print(f"{error}; training from the start", file=sys.stderr)
            return 0
        if about["key"] != self.key:
            return 0
        _restore(progress, about, load(content))
        return about["done"]

    def after(self, done: int, progress: Progress) -> None:
        """Write one after so many steps, if it is time to."""
        start = time.monotonic()
        if start < self._due:
            return
        about, tensors = _state(progress)
        about |= {"key": self.key, "done": done}
        store.write_sealed(self.path, lambda told: save(tensors, {"checkpoint": told}), about)
        end = time.monotonic()
        self._due = end + max(self.pause, (end - start) / self.share)

    def remove(self) -> None:
        """Nothing is left to resume."""
        self.path.unlink(missing_ok=True)


def _state(progress: Progress) -> tuple[dict, dict[str, torch.Tensor]]:
    tensors = {f"system.{name}": it for name, it in _held(progress.system).items()}
    for i, optimiser in enumerate(progress.optimisers):
        for j, parameter in enumerate(optimiser.param_groups[0]["params"]):
            for name, value in optimiser.state[parameter].items():
                tensors[f"optimiser.{i}.{j}.{name}"] = value
    sums = [(*key, *it) for key, it in sorted(progress.history.sums.items())]
    for k, (*_, total, _) in enumerate(sums):
        tensors[f"history.{k}"] = total
    about = {
        "diverged": progress.diverged,
        "rows": progress.history.rows,
        "sums": [[quantity, ndim, count] for quantity, ndim, _, count in sums],
    }
    # The format refuses tensors that share memory, or are no block of it.
    return about, {
        name: it.detach().to("cpu", copy=True).contiguous() for name, it in tensors.items()
    }


def _restore(progress: Progress, about: dict, tensors: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in progress.system.named_parameters():
            parameter.copy_(tensors[f"system.{name}"])
    for prefix, module in progress.system.named_modules():
        for name in [name for name, it in module.named_buffers(recurse=False) if it is not None]:
            value = tensors[f"system.{prefix}.{name}" if prefix else f"system.{name}"]
            own = getattr(module, name)
            # What a cell's file keeps is read by way of the tensor that knows the cells' shapes.
            if own.shape == value.shape:
                own.copy_(value)
            else:
                setattr(module, name, place(value))
    for i, optimiser in enumerate(progress.optimisers):
        for j, parameter in enumerate(optimiser.param_groups[0]["params"]):
            begin = f"optimiser.{i}.{j}."
            state = {
                k.removeprefix(begin): place(it) for k, it in tensors.items() if k.startswith(begin)
            }
            if state:
                optimiser.state[parameter] = state
    progress.history.rows[:] = about["rows"]
    progress.history.sums.clear()
    for k, (quantity, ndim, count) in enumerate(about["sums"]):
        progress.history.sums[quantity, ndim] = (place(tensors[f"history.{k}"]), count)
    progress.diverged[:] = about["diverged"]


def _held(module: nn.Module) -> dict[str, torch.Tensor]:
    return dict(module.named_parameters()) | dict(module.named_buffers())
