"""What a study's training and evaluation cost: counted operations, and rough hours on a GPU."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench import curves, data
from bench.noise import Noise
from bench.parts.imq import plain
from bench.points import Points
from bench.study import Study
from bench.systems.base import Player, Step

__all__ = ["LAUNCH_S", "SUSTAINED", "SUSTAINED_CPU", "Cost", "Counter", "cost"]

SUSTAINED = 2e13
"""Floating-point operations a second that a data-centre GPU is taken to sustain in float32."""

SUSTAINED_CPU = 1e11
"""The same of two cores of a CPU."""

LAUNCH_S = 5e-6
"""Seconds that one operation takes at least on a GPU, however small."""

_INCEPTION = 1.14e10
"""Floating-point operations of Inception-v3 for one 299 × 299 image."""

_ROWS = 2, 4
"""Rows in the steps that are counted: a step's cost is taken to grow as it does between the two,
though the divergences' grows faster."""


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of all cells of one data set and system, and hours on a GPU."""

    flops: float
    hours: float


def cost(study: Study, dataset: str, system: str) -> Cost:
    """Count one step of one cell of a study's system, and scale it to all cells.

    A step of a stack takes as many launches as one of a cell alone, which is why a stack is cheap.
    Evaluation counts samples and, where a protocol asks for it, Inception on them.
    """
    kind, plan = data.kind(dataset), study.plan(dataset, system)
    dims, seeds = study.datasets[dataset], study.seeds
    flops, launches, batch = 0.0, 0.0, plan.training.batch
    # The trainer's own building, on the data set's class: no point of it is read.
    model = curves.build(study, kind, system, seeds[0], dims[-1:])
    x = torch.rand(max(_ROWS), math.prod(kind.shape), generator=torch.Generator().manual_seed(0))
    players = model.players()
    if players:
        model.fit(Points.of(x, torch.zeros(len(x), dtype=torch.int64)))
    for player in players:
        fixed, each, operations = _counted(partial(_turn, player, x))
        share = player.turns * (player.span[1] - player.span[0])
        flops += share * (fixed + batch * each)
        launches += share * operations
    model.eval()
    with torch.no_grad():
        _, sample, _ = _counted(lambda count: model.decode(model.prior(count, Noise(0))))
    cells = len(dims) * len(seeds)
    stacks = len(seeds) if plan.net.kind == "mlp" else cells
    steps = plan.training.steps
    evaluation = sum(
        protocol.samples
        * (1 + plan.training.snapshots * protocol.checkpoint.startswith("best"))
        * (sample + (_INCEPTION if protocol.features == "inception" else 0))
        for protocol in study.protocols.values()
    )
    total = cells * (steps * flops + evaluation)
    seconds = max(total / SUSTAINED, stacks * steps * launches * LAUNCH_S)
    return Cost(total, seconds / 3600)


def _turn(player: Player, x: Tensor, count: int) -> None:
    """A player's gradients from the first rows of x, so many."""
    loss = player.loss(x[:count], Step(0, 1, Noise(0), torch.arange(count)))
    torch.autograd.grad(loss.sum(), [p for it in player.modules for p in it.parameters()])


def _counted(work: Callable[[int], object]) -> tuple[float, float, int]:
    """Of work on so many rows: the operations that it takes whatever they are, those that it takes
    for each row, and its launches."""
    # What is done once, as making constants, is no step's.
    work(max(_ROWS))
    counters = []
    for count in _ROWS:
        with Counter() as counter:
            work(count)
        counters.append(counter)
    few, many = counters
    each = (many.flops - few.flops) / (_ROWS[1] - _ROWS[0])
    return many.flops - _ROWS[1] * each, each, many.launches


class Counter(TorchDispatchMode):
    """Counts the products' floating-point operations (`flops`), and all operations as a GPU
    launches them (`launches`).

    (torch's own FlopCounterMode also tracks modules, and cannot follow a gradient's gradient.)
    """

    def __init__(self):
        super().__init__()
        self.flops = self.launches = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.ops.bench.imq.default:
            # One operation on the CPU only.
            with self:
                return plain(*args)
        out = function(*args, **kwargs)
        self.launches += 1
        if count := flop_registry.get(function._overloadpacket):
            self.flops += count(*args, **kwargs, out_val=out)
        return out
