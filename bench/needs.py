"""What a job is asked for, memory and minutes: counted from the study's widths, no net is built.

`estimate` counts what torch computes, and builds every net for it. A scheduler needs a safe figure,
at once, for each of thousands of jobs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench import data, memory
from bench.net import Net
from bench.nets.published import critic_widths, form
from bench.study import Plan, Study

__all__ = ["Needs", "measuring", "step_flops", "training"]

_RATE = 1e10
"""Floating-point operations that one core makes a second, at least."""

_STEP_S = 0.02
"""Seconds that the calls of a player's turn take at most, however small its tensors are."""

_CELL_S = 60.0
"""Seconds that measuring a cell takes at most, beside decoding and features."""

_START_S = 600.0
"""Seconds for what comes before and after."""

_SPARE = 2
"""So many times the counted minutes are asked for."""

_PROCESS_MB = 1000
"""Python, torch and this package; and the Snakemake that runs a job of a cluster."""

_GPU_MB = 4000
"""What CUDA's libraries may take of a GPU's host: a generous guess, not measured."""

_MEASURE_MB = 1500
"""What measuring has in memory beside samples and features: distances, block by block."""

_INCEPTION = 1.14e10, 2048
"""Floating-point operations of Inception-v3 for one image, and its features."""


@dataclass(frozen=True)
class Needs:
    """Memory in MB (10⁶ bytes) and minutes of one core, rounded up."""

    mem_mb: int
    minutes: int


@dataclass(frozen=True)
class _Size:
    """Weights of a net, and for one datum its forward pass's operations and activations."""

    weights: float = 0
    flops: float = 0
    activations: float = 0

    def __add__(self, other: "_Size") -> "_Size":
        return _Size(
            self.weights + other.weights,
            self.flops + other.flops,
            self.activations + other.activations,
        )


def training(study: Study, dataset: str, system: str, dims: Sequence[int]) -> Needs:
    """What one job needs that trains these cells of a curve."""
    kind, plan = data.kind(dataset), study.plan(dataset, system)
    it = plan.training
    flops = sum(step_flops(plan, kind.shape, dim) for dim in dims)
    if plan.net.kind == "mlp":
        size, stacks = math.prod(kind.shape), 1
        held = len(dims) * memory.of_cell(plan.net, size, max(dims), it.batch, plan.options)
    else:
        sizes, stacks = [_cell(plan.net, kind.shape, dim) for dim in dims], len(dims)
        held = max(4 * memory.COPIES * (one.weights + it.batch * one.activations) for one in sizes)
    seconds = it.steps * (flops / _RATE + stacks * (1 + _turns(plan)) * _STEP_S)
    mem = _process_mb(study) + _points_mb(kind) + held / 1e6
    return _needs(mem, seconds)


def measuring(study: Study, dataset: str, system: str | None, protocol: str | None) -> Needs:
    """What one job needs that measures a curve, under a protocol or (None) whichever needs most;
    or that has no system: a data set's controls and real features."""
    kind = data.kind(dataset)
    protocols = [study.protocols[protocol]] if protocol else list(study.protocols.values())
    dims = study.datasets[dataset] if system else [0]
    decoding = weights = 0.0
    snapshots = 1
    if system:
        plan = study.plan(dataset, system)
        sizes = [_cell(plan.net, kind.shape, dim) for dim in dims]
        decoding, weights = sum(it.flops for it in sizes), sum(it.weights for it in sizes)
        snapshots = plan.training.snapshots
    mem, seconds = 0.0, 0.0
    for it in protocols:
        inception, width = _INCEPTION if it.features == "inception" else (0, math.prod(kind.shape))
        models = snapshots if it.checkpoint.startswith("best") else 1
        images = max(it.samples, kind.sizes[it.split])
        # Draws of the posterior, and both passes for each: of the likelihood.
        passes = models + (it.draws or 0)
        work = images * (passes * decoding + len(dims) * models * inception)
        seconds = max(seconds, work / _RATE + _CELL_S * len(dims) * models)
        # Of one cell at a time, in float64; and the features of all cells' samples, in float32.
        mem = max(mem, (8 * 6 * images + 4 * len(dims) * it.samples) * width / 1e6)
    mem += _process_mb(study) + _MEASURE_MB + _points_mb(kind) + 8 * weights / 1e6
    return _needs(mem, seconds)


def step_flops(plan: Plan, shape: Sequence[int], dim: int) -> float:
    """Floating-point operations of one step of one cell: both passes of its nets, and in each turn
    of a critic the encoder's, the critic's and its gradient penalty's."""
    cell = _cell(plan.net, shape, dim)
    critic = _dense([max(1, dim), *critic_widths(plan.net, shape), 1])
    # The gap's two passes forward and back are six, the penalty's and its gradient's nine.
    turn = cell.flops / 2 + 15 * critic.flops
    return plan.training.batch * (3 * cell.flops + _turns(plan) * turn)


def _turns(plan: Plan) -> int:
    """Of a critic in one step; 0 where the system has none."""
    options = plan.options
    return getattr(options, "critic_turns", int(hasattr(options, "critic_lr")))


def _cell(net: Net, shape: Sequence[int], dim: int) -> _Size:
    """An encoder and a decoder."""
    if net.kind == "mlp":
        half = _dense([math.prod(shape), *net.hidden, max(1, dim)])
        return half + half
    it = form(net, shape)
    channels, *sides = shape
    size = _Size()
    for layer in it.down:
        sides = [math.ceil(side / 2) for side in sides]
        size += _convolution(channels, layer.width, it.kernel, math.prod(sides), math.prod(sides))
        channels = layer.width
    size += _dense([channels * math.prod(sides), *(layer.width for layer in it.dense), dim])
    channels, area = it.grid.width, math.prod(it.start(shape))
    size += _dense([dim, *(layer.width for layer in reversed(it.dense)), channels * area])
    for layer in it.up:
        size += _convolution(channels, layer.width, it.kernel, area, 4 * area)
        channels, area = layer.width, 4 * area
    kernel, stride = it.last
    return size + _convolution(channels, shape[0], kernel, area, area * stride**2)


def _dense(widths: Sequence[int]) -> _Size:
    weights = sum(a * b for a, b in zip(widths, widths[1:], strict=False))
    return _Size(weights, 2 * weights, sum(widths))


def _convolution(fan_in: int, fan_out: int, kernel: int, places: int, out: int) -> _Size:
    """Its kernel is laid on so many places, and makes so many positions."""
    weights = kernel**2 * fan_in * fan_out
    return _Size(weights, 2 * weights * places, fan_out * out)


def _process_mb(study: Study) -> float:
    return _PROCESS_MB + (_GPU_MB if study.device != "cpu" else 0)


def _points_mb(kind: type) -> float:
    """All splits: images as bytes; others in double precision while they are made, twice."""
    return sum(kind.sizes.values()) * math.prod(kind.shape) * (1 if kind.bounded() else 16) / 1e6


def _needs(mem_mb: float, seconds: float) -> Needs:
    return Needs(math.ceil(mem_mb), math.ceil(_SPARE * (_START_S + seconds) / 60))
