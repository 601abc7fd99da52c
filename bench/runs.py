"""Curves trained: each cell once, and an interrupted one from where it was."""

import math
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import curves, data, device, environment, provenance, sources, store, systems, training
from bench import history as histories
from bench.data.base import DataSet
from bench.history import History
from bench.mistake import Mistake
from bench.progress import Keeper
from bench.shelf import Shelf, key
from bench.study import Study

__all__ = ["join", "train"]

_STRETCHES = 40
"""Where there are fewer epochs, the history tells of so many parts of training."""


def train(
    study: Study,
    dataset: str,
    system: str,
    seed: int,
    dims: Sequence[int],
    steps: int | None,
    out: str | Path,
    cells: str | Path | None = None,
    pause: float = 30.0,
    part: int = 0,
    parts: int = 1,
) -> None:
    """Train one curve and write `out`/<dim>.safetensors, one file a cell, the same below
    `out`/snapshots/<step>/ for each snapshot but the last, `out`/history.csv, and with what it was
    trained, `out`/environment.json.

    MLP curves are trained as one stack, or as few as fit the memory, convolutional cells one by
    one. A cell that diverged is written too, with its step. On a GPU a stack of which a cell is
    missing is trained as a whole, and its cells' keys name the stack.

    Arguments:
        cells: the folder of a `Shelf`, on which each cell is kept: those that are there are not
            trained again, and what is interrupted goes on from its last checkpoint.
        pause: seconds between checkpoints, at least.
        part: which part of a curve this is, of `parts` that are trained at the same time and share
            the memory.
    """
    if cells is None:
        with tempfile.TemporaryDirectory() as folder:
            train(study, dataset, system, seed, dims, steps, out, folder, math.inf, part, parts)
        return
    points, shelf = data.load(dataset), Shelf(cells)
    determined = _determined(study, points, system, seed, steps)
    planned = curves.stacks(study, dataset, system, dims, parts)
    # Only on the CPU are a cell's bytes the same in any stack.
    alike = device.current().type == "cpu"
    wanted = {
        dim: determined | {"dim": dim} | ({} if alike else {"stack": stack})
        for stack in planned
        for dim in stack
    }
    keys = {dim: key(it) for dim, it in wanted.items()}
    plan = study.plan(dataset, system)
    modules = systems.modules(plan.system.base, plan.options)
    made = provenance.trained(determined, modules)
    missing = [dim for dim in dims if not shelf.has(keys[dim])]
    if alike:
        stacks = curves.stacks(study, dataset, system, missing, parts)
    else:
        stacks = [stack for stack in planned if set(stack) & set(missing)]
    if trained := set(dims) - set(sum(stacks, [])):
        kept = ",".join(str(dim) for dim in dims if dim in trained)
        print(f"{dataset} {system} seed {seed} dims {kept}: trained before", file=sys.stderr)
    for stack in stacks:
        own = {dim: keys[dim] for dim in stack}
        # A curve's stack has one, whatever its dimensions; what may be trained at one time, parts
        # and lone cells, has its own.
        curve = determined | ({"part": part} if part else {})
        name = key(curve) if plan.net.kind == "mlp" else own[stack[0]]
        keeper = Keeper(shelf.checkpoint(name), key(own), pause)
        folders = [shelf.folder(it) for it in own.values()]
        _train(study, points, system, seed, own, steps, folders, keeper, made)
        for dim in stack:
            shelf.finish(keys[dim], wanted[dim])
        keeper.remove()
    _gather([shelf.folder(keys[dim]) for dim in dims], Path(out))
    environment.write(Path(out) / "environment.json")


def join(folders: Sequence[str | Path], out: str | Path) -> None:
    """Join folders of `train`, cells of one curve that were trained apart, in that curve's folder:
    the same files as of all of them trained in one run.

    Raises:
        Mistake: one has no cells, or one that another has; they are not of one curve, or were not
            trained in the same environment; or `out` is one of them.
    """
    first, *others = folders = [Path(it) for it in folders]
    if Path(out).resolve() in [it.resolve() for it in folders]:
        raise Mistake(f"{out}: a folder to join, and the one to write")
    described, dims = {}, set()
    for it in folders:
        described[it] = environment.read_one(it / "environment.json")
        for _, about, _ in curves.cells(it):
            if (dim := about["dim"]) in dims:
                raise Mistake(f"{it}: another cell of m = {dim}")
            dims.add(dim)
            own = {"dim", "diverged", "key"}
            described[it] |= {name: value for name, value in about.items() if name not in own}
    for it in others:
        names = sorted(described[first].keys() | described[it].keys())
        odd = [name for name in names if described[first].get(name) != described[it].get(name)]
        if odd:
            raise Mistake(f"{it}: trained with another {', '.join(odd)} than {first}")
    _gather(folders, Path(out))
    store.write_text(Path(out) / "environment.json", (first / "environment.json").read_text())


def _determined(
    study: Study, points: DataSet, system: str, seed: int, steps: int | None
) -> dict[str, Any]:
    """All that a curve's cells depend on, but for the latent dimension."""
    plan = study.plan(points.name, system)
    modules = systems.modules(plan.system.base, plan.options)
    here = environment.describe()
    if plan.net.kind == "mlp":
        # Convolutions alone add up in an order that depends on it.
        del here["threads"]
    return curves.identity(study, points.name, system, seed) | {
        "environment": here,
        "code": sources.digest("runs", *modules),
        "data": points.fingerprint(),
        "snapshots": plan.training.snapshots,
        "batch": plan.training.batch,
        "schedule": plan.training.schedule,
        "steps": plan.training.steps if steps is None else steps,
    }


def _train(
    study: Study,
    points: DataSet,
    system: str,
    seed: int,
    keys: Mapping[int, str],
    steps: int | None,
    folders: Sequence[Path],
    keeper: Keeper,
    made: Mapping[str, str],
) -> None:
    """Train one stack, whose cells' keys are given by dimension, and write each cell's files into
    its own folder."""
    stack = list(keys)
    dataset, split = points.name, points.rows("train")
    plan = study.plan(dataset, system).training
    steps = plan.steps if steps is None else steps
    kept = {steps * k // plan.snapshots for k in range(1, plan.snapshots)}
    about = curves.identity(study, dataset, system, seed) | {
        "batch": plan.batch,
        "schedule": plan.schedule,
        "steps": steps,
        "made": made,
    }
    curve_seed = curves.cell_seed(study, dataset, seed)
    model = curves.build(study, points, system, seed, stack)
    model.fit(split)

    def snapshot(done: int) -> None:
        if done in kept:
            model.settle(split)
            here = [folder / "snapshots" / str(done) for folder in folders]
            sound, then = [None] * len(stack), about | {"snapshot": done}
            curves.write(model, stack, here, then, sound, keys.values())

    order, told = training.Order(len(split), plan.batch, curve_seed), History(stack)
    title = f"{dataset} {system} seed {seed} dims {','.join(map(str, stack))}"
    diverged = training.train(
        model,
        split,
        order,
        steps,
        curve_seed,
        epoch=order.epoch,
        stretch=min(order.epoch, max(1, steps // _STRETCHES)),
        title=title,
        schedule=plan.schedule,
        after=snapshot,
        history=told,
        keeper=keeper,
    )
    model.settle(split)
    for dim, step in zip(stack, diverged, strict=True):
        if step is not None:
            print(f"{title}: m = {dim} diverged at step {step}", file=sys.stderr)
    curves.write(model, stack, folders, about | {"snapshot": steps}, diverged, keys.values())
    about_curve = {"dataset": dataset, "system": system, "seed": seed}
    for dim, folder in zip(stack, folders, strict=True):
        rows = [about_curve | row for row in told.rows if row["dim"] == dim]
        histories.write(folder / "history.csv", rows)


def _gather(folders: Sequence[Path], out: Path) -> None:
    """Copy cells' files into a curve's folder, and join their histories."""
    # Those of another run would be taken for this one's.
    for old in out.glob("*.safetensors"):
        old.unlink()
    if (out / "snapshots").exists():
        shutil.rmtree(out / "snapshots")
    for folder in folders:
        for path in sorted(folder.rglob("*.safetensors")):
            with store.atomic(out / path.relative_to(folder)) as temporary:
                shutil.copyfile(path, temporary)
    told = histories.read(*(folder / "history.csv" for folder in folders))
    histories.write(out / "history.csv", told.to_dict("records"))
