"""A curve's cells divided among processes of one thread each.

That is faster than one process of as many threads, whose small operations wait for one another, and
the bytes are the same: a cell has the same in any stack.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, connection, parent_process
from pathlib import Path

import numpy as np
import torch

from bench import device, runs
from bench.mistake import Mistake
from bench.study import Study

__all__ = ["divide", "train", "worker"]


def divide(dims: Sequence[int], processes: int) -> list[list[int]]:
    """Cells in order, in as many parts as there are processes or cells, of nearly one size."""
    return [part.tolist() for part in np.array_split(dims, min(processes, len(dims)))]


def worker() -> None:
    """Set up a process of one thread, which ends with the one that started it, however that ends,
    and without a word where both are told to."""
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent_process().sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


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
    threads: int = 1,
) -> None:
    """As `runs.train`, with so many threads: perceptrons on the CPU in as many processes, all else
    in this one.

    Raises:
        Mistake: as `runs.train`; or a process was killed.
    """
    alike = device.current().type == "cpu" and study.plan(dataset, system).net.kind == "mlp"
    parts = divide(dims, threads if alike else 1)
    curve = study, dataset, system, seed
    if len(parts) == 1:
        torch.set_num_threads(threads)
        runs.train(*curve, dims, steps, out, cells, pause)
        return
    # A process that starts as a copy of this one must not have been left by threads of its own.
    torch.set_num_threads(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(len(parts), initializer=worker) as pool,
    ):
        outs = [Path(folder, str(index)) for index in range(len(parts))]
        try:
            jobs = [
                pool.submit(runs.train, *curve, part, steps, own, cells, pause, index, len(parts))
                for index, (part, own) in enumerate(zip(parts, outs, strict=True))
            ]
            for job in jobs:
                job.result()
        except BrokenProcessPool:
            raise Mistake(f"{dataset} {system} seed {seed}: a process was killed") from None
        except BaseException:
            # Nobody waits for the others any more, be it a mistake or a signal.
            for process in active_children():
                process.terminate()
            raise
        runs.join(outs, out)
