"""A study's curves: built, and kept as one file a cell."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from safetensors.torch import load as tensors_of
from safetensors.torch import save
from torch import Tensor

from bench import data, device, memory, seeds, store, systems
from bench.cells import Stack, placed, read_cell, write_cell
from bench.data.base import DataSet
from bench.mistake import Mistake
from bench.study import Study
from bench.systems.base import Autoencoder, Space

__all__ = ["build", "cell_seed", "cells", "identity", "load", "snapshots", "stacks", "write"]


def build(study: Study, dataset: DataSet, system: str, seed: int, dims: Sequence[int]):
    """An untrained stack of a study's system, made on the CPU: it starts as on every device."""
    space = Space(tuple(dataset.shape), dataset.bounded(), dataset.labelled)
    plan = study.plan(dataset.name, system)
    cls = systems.load(plan.system.base)
    with device.use("cpu"):
        stack = Stack(dims, cell_seed(study, dataset.name, seed))
        model = cls(stack, space, plan.net, plan.options)
    return placed(model)


def cell_seed(study: Study, dataset: str, seed: int) -> int:
    """The seed of all randomness of a curve: the same for every system and dimension."""
    return seeds.derive(study.master_seed, dataset=dataset, seed=seed)


def identity(study: Study, dataset: str, system: str, seed: int) -> dict:
    """What makes a cell this curve's."""
    plan = study.plan(dataset, system)
    return {
        "dataset": dataset,
        "system": plan.system.base,
        "options": plan.system.options,
        "net": str(plan.net),
        "seed": seed,
        "master_seed": study.master_seed,
    }


def write(
    model: Autoencoder,
    stack: Sequence[int],
    folders: Sequence[Path],
    about: dict,
    diverged: Sequence[int | None],
    keys: Iterable[str],
) -> None:
    """One file a cell, which says what it is and by its key all that determines it, each in its
    own folder."""
    cells = zip(stack, folders, diverged, keys, strict=True)
    for index, (dim, folder, step, key) in enumerate(cells):
        own = {"dim": dim, "diverged": step, "key": key}
        # One metadata key: the format does not keep the order of several.
        held = read_cell(model, index)
        path = folder / f"{dim}.safetensors"
        store.write_sealed(path, lambda told, held=held: save(held, {"cell": told}), about | own)


def stacks(
    study: Study, dataset: str, system: str, dims: Sequence[int], parts: int = 1
) -> list[list[int]]:
    """The cells of a curve that are one stack, by dimension: as many as fit the device's memory, or
    one of so many parts of it, and convolutional ones alone."""
    plan = study.plan(dataset, system)
    if plan.net.kind != "mlp" or not dims:
        return [[dim] for dim in dims]
    size = math.prod(data.kind(dataset).shape)
    each = memory.of_cell(plan.net, size, max(dims), plan.training.batch, plan.options)
    return memory.split(dims, each, device.memory() // parts)


def snapshots(models: str | Path) -> list[int]:
    """The steps of a curve's snapshots before the last, ascending."""
    names = (path.name for path in Path(models, "snapshots").glob("*"))
    return sorted(int(name) for name in names if name.isdecimal())


def load(
    study: Study,
    dataset: DataSet,
    system: str,
    seed: int,
    models: str | Path,
    chosen: Mapping[int, int] = MappingProxyType({}),
) -> Iterator[tuple[Autoencoder, list[dict]]]:
    """The trained stacks in `models`, each with what its files say of its cells, by dimension.

    Arguments:
        chosen: dimensions whose parameters are taken from the snapshot of that step.

    Raises:
        Mistake: a file is no trained cell, or one of another data set, system, seed, option or net.
    """
    files = [
        _read(Path(models, "snapshots", str(chosen[about["dim"]]), path.name))
        if about["dim"] in chosen and about["diverged"] is None
        else (path, about, parameters)
        for path, about, parameters in cells(models)
    ]
    files.sort(key=lambda file: file[1]["dim"])
    expected = identity(study, dataset.name, system, seed)
    for path, about, _ in files:
        for key, value in expected.items():
            if about[key] != json.loads(json.dumps(value)):
                raise Mistake(f"{path}: trained with {key} {about[key]}, not {value}")
    by_dim = {about["dim"]: (about, parameters) for _, about, parameters in files}
    for stack in stacks(study, dataset.name, system, list(by_dim)):
        model = build(study, dataset, system, seed, stack)
        for index, dim in enumerate(stack):
            write_cell(model, index, by_dim[dim][1])
        yield model.eval(), [by_dim[dim][0] for dim in stack]


def cells(models: str | Path) -> list[tuple[Path, dict, dict[str, Tensor]]]:
    """The trained cells in `models`: of each its file, what that says of it, and its parameters.

    Raises:
        Mistake: there is none, or a file is no trained cell.
    """
    files = [_read(path) for path in sorted(Path(models).glob("*.safetensors"))]
    if not files:
        raise Mistake(f"{models}: no trained cells (<dim>.safetensors)")
    return files


def _read(path: Path) -> tuple[Path, dict, dict[str, Tensor]]:
    """A cell's file: its path, what it says of the cell, and the cell's parameters."""
    try:
        about, content = store.read_sealed(path)
    except (store.Damaged, OSError) as error:
        raise Mistake(f"{path}: not a trained cell: {error}") from None
    if not {"dim", "diverged", "key"} <= about.keys():
        raise Mistake(f"{path}: not a trained cell")
    return path, about, tensors_of(content)
