"""A cluster: the smoke study by SLURM, a job of it killed, has the bytes of a local run."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser

from bench import costs, data, estimate, needs, study

ROOT = Path(__file__).parents[1]
SMOKE = ROOT / "workflow" / "config" / "smoke.yaml"
SLURM = ROOT / "tests" / "cluster" / "slurm.sh"
LINK = Path("/etc/slurm/slurm.conf")
CANNOT = 77


STUDIES = sorted(path.stem for path in (ROOT / "workflow" / "config").glob("*.yaml"))


def options(profile):
    """The keys of a profile."""
    path = ROOT / "workflow" / "profiles" / profile / "config.yaml"
    return set(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_profiles_have_options_that_snakemake_and_its_plugins_know():
    known = {
        option.lstrip("-")
        for action in get_argument_parser()._actions
        for option in action.option_strings
    }
    # The one that a plugin brings.
    known.add("kubernetes-persistent-volumes")
    assert options("slurm") <= known
    assert options("kubernetes") <= known
    assert options("default") - {"__use_yte__", "__definitions__"} <= known


def counted(it, dataset, system):
    """Operations of a step of the largest cell, by building its net."""
    alone = {dataset: it.datasets[dataset][-1:]}
    one = dataclasses.replace(it, seeds=(0,), datasets=alone, protocols={})
    return estimate.cost(one, dataset, system).flops / it.plan(dataset, system).training.steps


@pytest.mark.parametrize(
    ("name", "system"),
    [("paper", it) for it in ("vae-learned-gamma", "wae-gan", "mask-aae")]
    + [("mnist", it) for it in ("wae-mmd", "aae")],
)
def test_what_is_asked_for_is_what_torch_counts_within_a_factor_of_two(name, system):
    it = study.read(SMOKE.with_stem(name))
    plan, kind = it.plan("mnist", system), data.kind("mnist")
    found = needs.step_flops(plan, kind.shape, it.datasets["mnist"][-1])
    exact = counted(it, "mnist", system)
    assert exact / 1.1 < found < 2 * exact


def test_needs_grow_with_cells_steps_and_batch():
    it = study.read(SMOKE.with_stem("mnist"))
    few, many = (needs.training(it, "mnist", "aae", dims) for dims in ((8,), range(1, 33)))
    assert few.mem_mb < many.mem_mb
    assert few.minutes < many.minutes
    plan = it.plan("mnist", "aae")
    longer = dataclasses.replace(plan.training, steps=10 * plan.training.steps, batch=1024)
    other = dataclasses.replace(
        it, plans={("mnist", "aae"): dataclasses.replace(plan, training=longer)}
    )
    found = needs.training(other, "mnist", "aae", (8,))
    assert found.mem_mb > few.mem_mb
    assert found.minutes > 2 * few.minutes
    # The features of all cells' samples are kept.
    more = dataclasses.replace(it, datasets={"mnist": tuple(range(1, 33))})
    some, many = (needs.measuring(each, "mnist", "aae", "main") for each in (it, more))
    assert some.mem_mb < many.mem_mb


def test_a_mixture_of_many_components_needs_more_memory():
    it = study.read(SMOKE.with_stem("mixture"))
    plain, mixed = (needs.training(it, "mnist", label, (10,)) for label in ("vae", "mog-vae"))
    assert plain.mem_mb + 50 < mixed.mem_mb


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_needs(name):
    it = study.read(SMOKE.with_stem(name))
    for dataset, system in it.plans:
        dims = it.datasets[dataset]
        found, lone = (needs.training(it, dataset, system, some) for some in (dims, [max(dims)]))
        more = found.mem_mb > lone.mem_mb or found.minutes > lone.minutes
        assert more or len(dims) == 1
        for protocol in (*it.protocols, None):
            controls = needs.measuring(it, dataset, None, protocol)
            curve = needs.measuring(it, dataset, system, protocol)
            assert curve.minutes > controls.minutes
            assert curve.mem_mb >= controls.mem_mb


def test_cells_that_are_trained_apart_each_have_their_costs(tmp_path):
    it = study.read(SMOKE)
    for dim in (2, 8):
        path = tmp_path / "train" / "synthetic-8" / "aae" / "0" / f"{dim}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\tmax_rss\n{dim}\t100\n")
    assert [row["seconds"] for row in costs.collect(it, tmp_path)] == [2, 8]


def snakemake(folder, *arguments):
    """The command that runs the smoke study in `folder`."""
    folder.mkdir()
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--nocolor"]
    return [*command, "--directory", folder, "--configfile", SMOKE, *arguments]


def results(folder):
    """The bytes of all that a run made of the study, but for what tells of time."""
    root = folder / "results" / "smoke"
    names = ["records.csv", "history.csv", "environment.json", "experiments.csv", "claims.json"]
    files = [root / name for name in names]
    for part in ("data", "features", "models", "records", "gallery", "tables"):
        files += sorted(path for path in (root / part).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """The environment of a process that has SLURM's plugins for Snakemake."""
    if find_spec("snakemake_executor_plugin_slurm"):
        return os.environ
    folder = tmp_path_factory.mktemp("plugins")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pins = [pin for pin in extra["cluster"] if "slurm" in pin]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
    ended = subprocess.run([*command, *pins], capture_output=True, text=True)
    if ended.returncode:
        pytest.skip(f"{', '.join(pins)}: not there, and not to be installed: {ended.stderr[-300:]}")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


def jobs(environ):
    """By number, what SLURM tells of its jobs: what for, memory, limit of time, state."""
    if shutil.which("squeue") is None:
        # It is still being installed.
        return {}
    command = ["squeue", "--noheader", "--states=all", "--format=%i|%k|%m|%l|%T"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True)
    rows = (line.split("|") for line in ended.stdout.splitlines())
    return {number: tuple(rest) for number, *rest in rows}


def killed_once(process, environ):
    """Cancel a running job of training; all jobs as they were last seen, and the killed one."""
    seen, killed = {}, None
    while process.poll() is None:
        seen |= jobs(environ)
        ended = [number for number, (*_, state) in seen.items() if state == "CANCELLED"]
        running = [
            number
            for number, (what, _, _, state) in seen.items()
            if what.startswith("rule_train") and state == "RUNNING"
        ]
        # It may have ended by itself in between: then it is the next one.
        if running and not ended:
            subprocess.run(["scancel", running[0]], env=environ, check=True)
            killed = running[0]
        time.sleep(1)
    return seen, killed


def test_slurm_goes_on_after_a_killed_job_with_the_bytes_of_a_local_run(tmp_path, plugins):
    slurm = tmp_path / "slurm"
    slurm.mkdir()
    left_by_a_killed_run(tmp_path / "left.conf")
    environ = plugins | {"SLURM_CONF": str(slurm / "slurm.conf")}
    profile = ["--workflow-profile", ROOT / "workflow" / "profiles" / "slurm"]
    # One node has no accounts, keeps no accounting, and need not be asked so seldom.
    here = ["--slurm-no-account", "--slurm-status-command", "squeue", "--latency-wait", "10"]
    here += ["--slurm-init-seconds-before-status-checks", "2"]
    here += ["--default-resources", "slurm_partition=cpu", "runtime=10"]
    with (tmp_path / "log").open("w+") as log:
        command = [SLURM, slurm, *snakemake(tmp_path / "far", *profile, *here)]
        process = subprocess.Popen(command, env=plugins, stdout=log, stderr=subprocess.STDOUT)
        try:
            seen, killed = killed_once(process, environ)
        finally:
            process.terminate()
            process.wait()
        log.seek(0)
        text = log.read()
    if process.returncode == CANNOT:
        pytest.skip(text.splitlines()[-1])
    assert process.returncode == 0, text

    # Every job but the light ones was SLURM's; the killed one came again, and got twice as much.
    stages = {"data": 1, "real_features": 1, "controls": 1, "experiment": 1}
    stages |= {"train": 4, "evaluate": 4, "gallery": 4}
    assert len(seen) == sum(stages.values()) + 1
    what, memory, limit, state = seen[killed]
    assert state == "CANCELLED"
    (again,) = [it for number, it in seen.items() if it[0] == what and number != killed]
    assert again[3] == "COMPLETED"
    assert int(again[1].rstrip("M")) == 2 * int(memory.rstrip("M"))
    assert minutes(again[2]) == 2 * minutes(limit)
    # Its daemons have ended.
    assert not list(slurm.glob("*.pid"))
    assert not LINK.is_symlink()

    near = snakemake(tmp_path / "near", "--cores", "2")
    ended = subprocess.run(near, env=plugins, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert results(tmp_path / "far") == results(tmp_path / "near")


def left_by_a_killed_run(path):
    """The link of a run whose process is no more, where there is none."""
    if os.geteuid() == 0 and not LINK.is_symlink() and not LINK.exists():
        with subprocess.Popen(["true"]) as ended:
            pass
        path.write_text(f"# slurm.sh, process {ended.pid}\n")
        LINK.parent.mkdir(exist_ok=True)
        LINK.symlink_to(path)


def minutes(limit):
    """SLURM's [days-][hours:]minutes:seconds."""
    days, _, clock = limit.rpartition("-")
    *rest, _ = clock.split(":")
    total = 0
    for part in rest:
        total = 60 * total + int(part)
    return 24 * 60 * int(days or 0) + total
