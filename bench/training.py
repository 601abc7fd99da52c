"""The one trainer: players take their turns, step by step, over a stack of cells."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from bench import data, seeds, store, systems
from bench import history as histories
from bench.cells import Stack, read_cell, write_cell
from bench.data.base import DataSet
from bench.history import History
from bench.mistake import Mistake
from bench.noise import Noise
from bench.points import Points
from bench.study import Study
from bench.systems.base import Autoencoder, Space, Step

__all__ = ["Order", "build", "load_curve", "snapshots", "train", "train_curve"]


def train(
    system: Autoencoder,
    points: Points,
    order: Callable[[int, int], Tensor],
    steps: int,
    seed: int,
    epoch: int | None = None,
    title: str = "",
    schedule: str = "falling",
    after: Callable[[int], None] = lambda done: None,
    history: History | None = None,
) -> list[int | None]:
    """Train a stack in place.

    Arguments:
        system: the stack.
        points: to train on.
        order: (step, turn) to the rows of a batch [batch].
        steps: number of steps; in each, every player takes its turns.
        seed: decides all noise.
        epoch: steps in an epoch; None where all of them are one.
        title: what a progress line begins with.
        schedule: of the learning rates: constant, or falling to zero over the second half.
        after: called after each step with the number of steps done.
        history: takes, of each epoch, the players' losses by their names and what losses note.

    Returns:
        For each cell the step at which its loss or parameters stopped being finite, else None.
        Cells never meet in a sum, so a diverged cell leaves the others' bits as they are.
    """
    players = system.players()
    groups = [[p for module in player.modules for p in module.parameters()] for player in players]
    optimisers = [
        player.optimiser(group, lr=player.lr, **_fastest(player.optimiser))
        for player, group in zip(players, groups, strict=True)
    ]
    diverged: list[int | None] = [None] * len(system.exists)
    epoch = epoch or steps
    history = history or History(system.exists.sum((-2, -1)).int().tolist())
    system.train()

    def note(finite: Tensor, index: int) -> None:
        if not finite.all():
            for cell in (~finite).nonzero()[:, 0].tolist():
                if diverged[cell] is None:
                    diverged[cell] = index

    for index in _progress(steps if players else 0, title):
        if index % epoch == 0:
            system.begin_epoch(Noise(seed, epoch=index // epoch))
        for player, group, optimiser in zip(players, groups, optimisers, strict=True):
            first, last = (round(steps * share) for share in player.span)
            if not first <= index < last:
                continue
            if player.anneal and schedule == "falling":
                left = 1 - (index - first) / (last - first)
                optimiser.param_groups[0]["lr"] = player.lr * min(1.0, 2 * left)
            for turn in range(player.turns):
                rows, noise = order(index, turn), Noise(seed, step=index, turn=turn)
                batch, step = points[rows], Step(index, steps, noise, rows, history.note)
                loss = player.loss(batch, step)
                history.note(player.name, loss)
                note(loss.detach().isfinite(), index)
                for parameter, gradient in zip(
                    group, torch.autograd.grad(loss.sum(), group), strict=True
                ):
                    # A fused optimiser reads a gradient in the order of its memory.
                    parameter.grad = gradient.contiguous()
                optimiser.step()
                player.after(batch, step)
        if (index + 1) % epoch == 0 or index + 1 == steps or None not in diverged:
            history.close(index // epoch + 1, index + 1)
        if None not in diverged:
            break
        after(index + 1)
    for parameter in system.parameters():
        # A lone cell's convolutions have no cell axis.
        note(parameter.detach().reshape(len(diverged), -1).isfinite().all(1), steps)
        parameter.grad = None
    return diverged


def _fastest(optimiser: Callable) -> dict:
    kind = getattr(optimiser, "func", optimiser)
    return {"fused": True} if kind is torch.optim.Adam else {"foreach": True}


def _progress(steps: int, title: str) -> Iterator[int]:
    """The steps, with a bar on a terminal and a plain line every tenth of the way in a log."""
    terminal, start = sys.stderr.isatty(), time.monotonic()
    for index in tqdm(range(steps), title, unit="step", disable=not terminal):
        yield index
        if not terminal and (index + 1) % max(1, steps // 10) == 0:
            speed = (index + 1) / max(1e-9, time.monotonic() - start)
            print(
                f"{title}: step {index + 1} of {steps}, {speed:.1f} steps/s, "
                f"{(steps - index - 1) / speed:.0f} s left",
                file=sys.stderr,
                flush=True,
            )


class Order:
    """Rows of mini-batches: each epoch all of them once (but for a remainder), in an order that
    depends on data set and seed only; one order for each turn.

    Arguments:
        count: how many rows there are.
        size: of a batch.
        seed: decides the order.
    """

    def __init__(self, count: int, size: int, seed: int):
        if size > count:
            raise Mistake(f"a batch of {size} from {count} training points")
        self.count, self.size, self.seed = count, size, seed
        self._orders: dict[int, tuple[int, Tensor]] = {}

    @property
    def epoch(self) -> int:
        """Steps in an epoch."""
        return self.count // self.size

    def __call__(self, index: int, turn: int) -> Tensor:
        epoch, place = divmod(index, self.epoch)
        if self._orders.get(turn, (-1,))[0] != epoch:
            noise = Noise(self.seed, purpose="order", epoch=epoch, turn=turn)
            self._orders[turn] = (epoch, noise.permutation("order", self.count))
        return self._orders[turn][1][place * self.size : (place + 1) * self.size]


def build(study: Study, dataset: DataSet, system: str, seed: int, dims: Sequence[int]):
    """An untrained stack of a study's system."""
    space = Space(tuple(dataset.shape), dataset.bounded(), dataset.labelled)
    plan = study.plan(dataset.name, system)
    cls = systems.load(plan.system.base)
    stack = Stack(dims, cell_seed(study, dataset.name, seed))
    return cls(stack, space, plan.net, cls.Options(**plan.system.options))


def cell_seed(study: Study, dataset: str, seed: int) -> int:
    """The seed of all randomness of a curve: the same for every system and dimension."""
    return seeds.derive(study.master_seed, dataset=dataset, seed=seed)


def train_curve(
    study: Study,
    dataset: str,
    system: str,
    seed: int,
    dims: Sequence[int],
    steps: int | None,
    out: str | Path,
) -> None:
    """Train one curve and write `out`/<dim>.safetensors, one file a cell, the same below
    `out`/snapshots/<step>/ for each snapshot but the last, and `out`/history.csv.

    MLP curves are trained as one stack, convolutional cells one by one. A cell that diverged is
    written too, with its step.
    """
    points = data.load(dataset)
    split = points.rows("train")
    training = study.plan(dataset, system).training
    steps = training.steps if steps is None else steps
    kept = {steps * k // training.snapshots for k in range(1, training.snapshots)}
    # Those of another run would be taken for this one's.
    shutil.rmtree(Path(out, "snapshots"), ignore_errors=True)

    history, about_curve = [], {"dataset": dataset, "system": system, "seed": seed}
    for stack in _stacks(study, dataset, system, list(dims)):
        model = build(study, points, system, seed, stack)
        curve_seed = cell_seed(study, dataset, seed)
        model.fit(split)
        title = f"{dataset} {system} seed {seed} dims {','.join(map(str, stack))}"
        about = _about(study, dataset, system, seed) | {
            "batch": training.batch,
            "schedule": training.schedule,
            "steps": steps,
        }

        def snapshot(done: int, model=model, stack=stack, about=about) -> None:
            if done in kept:
                model.settle(split)
                here = Path(out) / "snapshots" / str(done)
                _write(model, stack, here, about | {"snapshot": done}, [None] * len(stack))

        order, told = Order(len(split), training.batch, curve_seed), History(stack)
        diverged = train(
            model,
            split,
            order,
            steps,
            curve_seed,
            epoch=order.epoch,
            title=title,
            schedule=training.schedule,
            after=snapshot,
            history=told,
        )
        history += [about_curve | row for row in told.rows]
        model.settle(split)
        for dim, step in zip(stack, diverged, strict=True):
            if step is not None:
                print(f"{title}: m = {dim} diverged at step {step}", file=sys.stderr)
        _write(model, stack, Path(out), about | {"snapshot": steps}, diverged)
    histories.write(Path(out) / "history.csv", history)


def _about(study: Study, dataset: str, system: str, seed: int) -> dict:
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


def _write(
    model: Autoencoder,
    stack: Sequence[int],
    folder: Path,
    about: dict,
    diverged: Sequence[int | None],
) -> None:
    """One file a cell, which says what it is."""
    for index, (dim, step) in enumerate(zip(stack, diverged, strict=True)):
        # One metadata key: the format does not keep the order of several.
        cell = json.dumps(about | {"dim": dim, "diverged": step}, sort_keys=True)
        with store.atomic(folder / f"{dim}.safetensors") as path:
            save_file(read_cell(model, index), path, {"cell": cell})


def _stacks(study: Study, dataset: str, system: str, cells: list) -> list[list]:
    """The cells of a curve that are one stack: all, but convolutional ones alone."""
    mlp = study.plan(dataset, system).net.kind == "mlp"
    return [cells] if mlp else [[cell] for cell in cells]


def snapshots(models: str | Path) -> list[int]:
    """The steps of a curve's snapshots before the last, ascending."""
    names = (path.name for path in Path(models, "snapshots").glob("*"))
    return sorted(int(name) for name in names if name.isdecimal())


def load_curve(
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
    files = [_read(path) for path in Path(models).glob("*.safetensors")]
    if not files:
        raise Mistake(f"{models}: no trained cells (<dim>.safetensors)")
    files = [
        _read(Path(models, "snapshots", str(chosen[about["dim"]]), path.name))
        if about["dim"] in chosen and about["diverged"] is None
        else (path, about, parameters)
        for path, about, parameters in files
    ]
    files.sort(key=lambda file: file[1]["dim"])
    expected = _about(study, dataset.name, system, seed)
    for path, about, _ in files:
        for key, value in expected.items():
            if about[key] != json.loads(json.dumps(value)):
                raise Mistake(f"{path}: trained with {key} {about[key]}, not {value}")
    for stack in _stacks(study, dataset.name, system, files):
        cells = [about for _, about, _ in stack]
        model = build(study, dataset, system, seed, [cell["dim"] for cell in cells])
        for index, (_, _, parameters) in enumerate(stack):
            write_cell(model, index, parameters)
        yield model.eval(), cells


def _read(path: Path) -> tuple[Path, dict, dict[str, Tensor]]:
    """A cell's file: its path, what it says of the cell, and the cell's parameters."""
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["cell"])
            return path, about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise Mistake(f"{path}: not a trained cell: {error}") from None
