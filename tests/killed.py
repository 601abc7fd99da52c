"""A curve's training, killed at random moments and begun again, in copies of one process.

    killed.py STUDY FOLDER SYSTEM STEPS KILLS SEED THREADS

All is loaded and tried once before, so that what is killed is training. FOLDER/whole is what nobody
killed left, FOLDER/out what there is after the kills, FOLDER/cells its kept cells. Prints how many
kills found a checkpoint.
"""

import os
import random
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import torch

from bench import divided, study


def trained(path, system, dims, steps, out, cells, threads=1):
    curve = study.read(path), "synthetic-8", system, 0
    divided.train(*curve, dims, steps, out, cells, 0, threads)


def begun(path, system, steps, out, cells, threads):
    """A process that trains the curve, as a file descriptor that tells its end."""
    process = os.fork()
    if not process:
        trained(path, system, [2, 4], steps, out, cells, threads)
        os._exit(0)
    return process


def ended(process):
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def main(path, folder, system, steps, kills, seed, threads):
    torch.set_num_threads(1)
    out, cells, pick, resumed = folder / "out", folder / "cells", random.Random(seed), 0
    tried = folder / "tried"
    trained(path, system, [2], 2, tried, tried)
    began = time.monotonic()
    assert ended(begun(path, system, steps, folder / "whole", folder / "kept", threads)) == 0
    longest = time.monotonic() - began
    for _ in range(kills):
        process = begun(path, system, steps, out, cells, threads)
        select.select([os.pidfd_open(process)], [], [], pick.uniform(0, longest))
        os.kill(process, signal.SIGKILL)
        code = ended(process)
        assert code in (0, -signal.SIGKILL), code
        resumed += any(not it.name.startswith(".") for it in cells.glob("checkpoints/*"))
        if code == 0:
            # It came to its end: from the beginning again, so that every kill is of a training.
            shutil.rmtree(out)
            shutil.rmtree(cells)
    assert ended(begun(path, system, steps, out, cells, threads)) == 0
    print(resumed)


if __name__ == "__main__":
    study_file, where, name, *numbers = sys.argv[1:]
    main(Path(study_file), Path(where), name, *map(int, numbers))
