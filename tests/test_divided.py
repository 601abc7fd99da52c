"""A curve's cells divided among processes: the same files, whatever becomes of the processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_runs import STUDY, files

from bench import cli, divided, runs, study
from bench.mistake import Mistake


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return path


def train(path, out, system="vae", threads=1, cells=None, steps=None, dims=(2, 4, 6)):
    curve = study.read(path), "synthetic-8", system, 0
    divided.train(*curve, list(dims), steps, out, cells, 0, threads)
    return files(out)


@pytest.mark.parametrize("cells", [5, 1, 16])
@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_cells_are_divided_in_order_and_evenly(cells, processes):
    parts = divided.divide(range(cells), processes)
    assert sum(parts, []) == list(range(cells))
    assert len(parts) == min(cells, processes)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(("system", "threads"), [("vae", 2), ("vhe", 9)])
def test_the_files_are_those_of_one_process(system, threads, tiny, tmp_path, capfd):
    whole = train(tiny, tmp_path / "whole", system)
    capfd.readouterr()
    assert train(tiny, tmp_path / "parts", system, threads) == whole
    told = capfd.readouterr().err
    for part in ("2,4", "6") if threads == 2 else "246":
        assert f"dims {part}: step 40 of 40" in told
    assert "environment.json" in whole


def test_a_cell_is_trained_once_by_however_many_processes(tiny, tmp_path, capfd):
    cells = tmp_path / "cells"
    train(tiny, tmp_path / "a", cells=cells, dims=[4])
    capfd.readouterr()
    train(tiny, tmp_path / "b", threads=2, cells=cells)
    told = capfd.readouterr().err
    assert "dims 4: trained before" in told
    assert "dims 2: step 40" in told
    assert "dims 6: step 40" in told
    train(tiny, tmp_path / "c", threads=3, cells=cells)
    assert "step" not in capfd.readouterr().err
    assert files(tmp_path / "b") == files(tmp_path / "c")
    assert not list(cells.glob("checkpoints/*"))


def test_parts_have_checkpoints_of_their_own(tiny, tmp_path, monkeypatch):
    paths, whole = [], runs.Keeper
    monkeypatch.setattr(
        runs, "Keeper", lambda path, *more: paths.append(path) or whole(path, *more)
    )
    for part in range(3):
        it = study.read(tiny), "synthetic-8", "vae", 0, [2 + 2 * part]
        runs.train(*it, 2, tmp_path / str(part), tmp_path / "cells", part=part, parts=3)
    assert len(set(paths)) == 3


def test_parts_share_the_memory(tiny, monkeypatch):
    room, splits = 3 * 10**9, []
    monkeypatch.setattr(runs.curves.device, "memory", lambda: room)
    monkeypatch.setattr(runs.curves.memory, "split", lambda dims, each, room: splits.append(room))
    for parts in (1, 3):
        runs.curves.stacks(study.read(tiny), "synthetic-8", "vae", [2, 4], parts)
    assert splits == [room, room // 3]


def test_a_mistake_of_one_process_is_told_in_one_line(tiny, tmp_path, capfd):
    tiny.write_text(STUDY.replace("batch: 64", "batch: 640000"))
    command = ["train", str(tiny), "--dataset", "synthetic-8", "--system", "vae", "--seed", "0"]
    assert cli.main([*command, "--threads", "2", "--out", str(tmp_path / "out")]) == 2
    told = capfd.readouterr().err
    assert told.startswith("bench: error: a batch of 640000 from ")
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_process_that_is_killed_is_told(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(runs.curves, "build", lambda *curve: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(Mistake, match="^synthetic-8 vae seed 0: a process was killed$"):
        train(tiny, tmp_path / "out", threads=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_with_the_one_that_began_them(ending, tiny, tmp_path):
    command = [sys.executable, "-m", "bench", "train", tiny, "--dataset", "synthetic-8"]
    command += ["--system", "vae", "--seed", "0", "--steps", "10000000", "--threads", "2"]
    begun = subprocess.Popen(
        [*map(str, command), "--out", tmp_path / "out", "--cells", tmp_path / "cells"],
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children")
    try:
        deadline = time.monotonic() + 60
        while len(begun_now := children.read_text().split()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(begun.pid, ending) if ending != signal.SIGINT else os.killpg(begun.pid, ending)
        begun.wait(30)
        deadline = time.monotonic() + 30
        while any(_runs(int(it)) for it in begun_now):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        begun.kill()


def _runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
