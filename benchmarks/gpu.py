"""A curve of the paper's widest perceptron on MNIST as one stack, beside one of its cells alone.

Prints milliseconds per step, the time of all steps, their ratio, whether the cell ends with the
same bytes in both, and on a GPU the memory. The net, batch and schedule are those of
`workflow/config/paper.yaml`; the images are random bytes of MNIST's shape, on whose values no time
depends. Nothing is downloaded.

    python -m benchmarks.gpu [--device auto|cpu|cuda] [--steps N] [--system LABEL] [--tf32]
"""

import argparse
import contextlib
import io
import platform
import time
from pathlib import Path

import torch
from tabulate import tabulate
from torch import Tensor

from bench import curves, data, device, memory, study, training
from bench.cells import read_cell

PAPER = Path(__file__).parents[1] / "workflow/config/paper.yaml"
DIMS, ALONE = range(4, 65, 4), 16
WARM = 20


class _Images(data.kind("mnist")):
    """Random bytes in MNIST's place."""

    def make(self, root=None):
        generator = torch.Generator().manual_seed(0)

        def drawn(count: int) -> torch.Tensor:
            shape = (count, *self.shape)
            return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

        return {split: (drawn(count), None) for split, count in self.sizes.items()}


def timed(
    paper: study.Study, points: _Images, system: str, dims: list[int], steps: int
) -> tuple[float, dict[str, Tensor] | None]:
    """Seconds that so many steps of a stack take, after some that are not counted; and the
    parameters that its cell `ALONE`, if it has one, then has."""
    plan = paper.plan("mnist", system).training
    split = points.rows("train")
    order = training.Order(len(split), plan.batch, 0)
    model = curves.build(paper, points, system, 0, dims)
    model.fit(split)
    for count in (min(WARM, steps), steps):
        _wait()
        start = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):
            training.train(model, split, order, count, 0, order.epoch, schedule=plan.schedule)
        _wait()
    taken = time.perf_counter() - start
    return taken, read_cell(model, dims.index(ALONE)) if ALONE in dims else None


def _wait() -> None:
    """A GPU's work is only begun when the call returns."""
    if device.current().type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    """Time the stack, then one cell, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--steps", type=int, default=20_000, help="default: 20,000")
    parser.add_argument("--system", choices=["aae", "mask-aae"], default="aae")
    parser.add_argument("--tf32", action="store_true", help="a GPU's products may round")
    given = parser.parse_args()
    paper, points = study.read(PAPER), _Images()
    plan = paper.plan("mnist", given.system)
    with device.use(given.device, given.tf32):
        parts = curves.stacks(paper, "mnist", given.system, list(DIMS))
        found = [timed(paper, points, given.system, part, given.steps) for part in parts]
        stack = sum(seconds for seconds, _ in found)
        (stacked,) = (it for _, it in found if it is not None)
        alone, lone = timed(paper, points, given.system, [ALONE], given.steps)
        described = device.describe() or {"device": "cpu", "machine": platform.machine()}
        if device.current().type == "cuda":
            most = torch.cuda.max_memory_allocated()
            described["memory"] = f"{most / 1e9:.2f} GB at the most"
    size = torch.Size(points.shape).numel()
    counted = memory.of_cell(plan.net, size, max(DIMS), plan.training.batch, plan.options)
    told = ", ".join(f"{name} {value}" for name, value in described.items())
    print(f"{given.system}, {plan.net}, batch {plan.training.batch}, {given.steps} steps")
    print(f"{told}; {torch.get_num_threads()} threads; torch {torch.__version__}")
    print(f"counted: {len(DIMS) * counted / 1e9:.2f} GB, in {len(parts)} stacks")
    rows = [
        (f"{len(DIMS)} cells, one stack", stack, 1e3 * stack / given.steps),
        ("one cell alone", alone, 1e3 * alone / given.steps),
    ]
    print(tabulate(rows, ["", "s", "ms per step"], floatfmt=".2f"))
    print(f"ratio: {stack / alone:.2f}; per cell: {stack / alone / len(DIMS):.2f}")
    same = all(lone[it].numpy().tobytes() == stacked[it].numpy().tobytes() for it in lone)
    print(f"bytes of the cell, alone and in the stack: {'the same' if same else 'not the same'}")


if __name__ == "__main__":
    main()
