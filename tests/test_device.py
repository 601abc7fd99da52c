"""A study's device: the CPU's bytes, and that nothing is left on the CPU where there is a GPU.

What needs a GPU is skipped where there is none.
"""

import json
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from pretended import pretend

from bench import cli, curves, data, device, evaluation, gallery, memory, runs, study, systems
from bench import environment as environments
from bench.cells import Stack, placed, read_cell
from bench.mistake import Mistake
from bench.mixed import mixtures
from bench.noise import Noise
from bench.points import Points
from bench.progress import Keeper
from bench.study import Net
from bench.systems.base import Space, Step
from bench.training import train

ROOT = Path(__file__).parents[1]
MLP, DIMS = Net("mlp", (16, 16)), [2, 3, 8]
NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
STUDY = """
name: tiny
seeds: [0]
datasets: {synthetic-8: {dims: [2, 3, 8]}}
systems: {wae-mmd: {}, vae: {}}
net: {kind: mlp, hidden: [16]}
training: {steps: 4, batch: 8}
evaluation: {samples: 50}
"""
IMAGES = """
name: images
seeds: [0]
datasets: {mnist: {dims: [2, 3]}}
systems: {mog-vae: {components: 3}, mask-aae: {}, conv: {system: ae}}
net: {kind: mlp, hidden: [16]}
training: {steps: 4, batch: 16, snapshots: 2}
overrides: [{systems: [conv], net: {kind: conv}}]
evaluation:
  samples: 80
  features: classifier
  checkpoint: best-validation
  metrics: [likelihood, intrinsic, labels, moments, components, neighbours]
  draws: 2
"""


def read(folder, text):
    path = folder / "study.yaml"
    path.write_text(text)
    return study.read(path)


def stacked(name, dims=DIMS):
    """A stack of a system as the trainer builds it."""
    cls = systems.load(name)
    with device.use("cpu"):
        space = Space((128,), bounded=True, labelled=True)
        model = cls(Stack(dims, seed=1), space, MLP, cls.Options())
    return placed(model)


def points_of(size, count=640):
    """Random points in [0, 1], with labels, on the device of this block."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(count, size, generator=generator)
    return Points.of(device.place(x), device.place(torch.arange(count) % 3))


def order(index, turn):
    return device.place(torch.arange(64) + (index + 3 * turn) % 10 * 64)


def trained(name, dims=DIMS, **more):
    model, split = stacked(name, dims), points_of(128)
    model.fit(split)
    train(model, split, order, 4, 2, epoch=2, **more)
    return model, split


# The device of a study.


def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.resolve("auto") == device.resolve("cpu") == torch.device("cpu")
    with pytest.raises(Mistake, match="^device: found cuda, but torch sees no GPU here.*$"):
        device.resolve("cuda")


def test_with_a_gpu_auto_takes_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.resolve("auto") == device.resolve("cuda") == torch.device("cuda")
    assert device.resolve("cpu") == torch.device("cpu")


def state():
    products = torch.backends.cuda.matmul, torch.backends.cudnn.conv
    return torch.are_deterministic_algorithms_enabled(), *(it.fp32_precision for it in products)


@pytest.mark.parametrize(("tf32", "told"), [(False, "cuda"), (True, "cuda+tf32")])
def test_a_gpu_is_deterministic_and_without_tf32_unless_allowed(monkeypatch, tf32, told):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = state()
    with device.use("cuda", tf32):
        precision = "tf32" if tf32 else "ieee"
        assert state() == (True, precision, precision)
        assert device.name() == told
        assert device.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        with device.use("cpu"):
            assert device.name() == "cpu"
    assert state() == before
    with device.use("cpu"):
        assert (state(), device.name(), device.describe()) == (before, "cpu", {})


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("device: gpu", "device: found 'gpu'; allowed: one of auto, cpu, cuda"),
        ("tf32: true", "tf32: found True; allowed: false, for device cpu has no TF32"),
    ],
)
def test_a_study_names_a_device_that_exists(tmp_path, lines, told):
    with pytest.raises(study.StudyError, match=told):
        read(tmp_path, STUDY + lines)


def files(folder):
    found = sorted(it for it in folder.rglob("*") if it.is_file())
    return {it.relative_to(folder).as_posix(): it.read_bytes() for it in found}


def test_auto_without_a_gpu_is_the_cpus_bytes_and_keys(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    made = []
    for name, more in (("a", ""), ("b", "device: auto\ntf32: true\n")):
        (tmp_path / name).mkdir()
        read(tmp_path / name, STUDY + more)
        curve = [str(tmp_path / name / "study.yaml"), "--dataset", "synthetic-8"]
        curve += ["--system", "vae", "--seed", "0"]
        models, cells = (str(tmp_path / name / it) for it in ("models", "cells"))
        assert cli.main(["train", *curve, "--cells", cells, "--out", models]) == 0
        out = str(tmp_path / name / "records.csv")
        assert cli.main(["evaluate", *curve, "--models", models, "--out", out]) == 0
        made.append(files(tmp_path / name))
        del made[-1]["study.yaml"]
    assert made[0] == made[1]
    assert b",cpu," in made[0]["records.csv"]


def test_cuda_without_a_gpu_ends_before_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    read(tmp_path, STUDY + "device: cuda\n")
    curve = ["--dataset", "synthetic-8", "--system", "vae", "--seed", "0"]
    out = tmp_path / "models"
    assert cli.main(["train", str(tmp_path / "study.yaml"), *curve, "--out", str(out)]) == 2
    assert "torch sees no GPU here" in capsys.readouterr().err
    assert not out.exists()


def test_records_of_two_devices_do_not_mix(monkeypatch):
    columns = ["status", "environment", "code", "dim", "base", "dataset", "protocol", "data"]
    table = pd.DataFrame([["done", "e", "a-b-c", 2, "vae", "mnist", "main", "d"]] * 2)
    table = table.set_axis(columns, axis=1).assign(extractor="raw", device=["cpu", "cpu"])
    assert mixtures(table) == []
    mixed = table.assign(device=["cuda", "cuda+tf32"])
    told = "different devices: cuda (1 records), cuda+tf32 (1 records)"
    assert mixtures(mixed) == [told]


def test_an_environment_tells_of_a_gpu_and_of_nothing_new_on_the_cpu(monkeypatch):
    described = environments.describe()
    assert not {"gpu", "device"} & described.keys()
    digests = [environments.digest(described)]
    for name in ("cuda", "cuda+tf32"):
        monkeypatch.setattr(device, "describe", lambda name=name: {"device": name})
        digests.append(environments.digest(environments.describe()))
    assert len(set(digests)) == 3


# Stacks that fit.


def test_a_stack_is_split_in_few_parts_of_nearly_one_size():
    assert memory.split([1, 2, 3, 4, 5], 10, 50) == [[1, 2, 3, 4, 5]]
    assert memory.split([1, 2, 3, 4, 5], 10, 49) == [[1, 2], [3, 4, 5]]
    assert memory.split([1, 2, 3], 10, 9) == [[1], [2], [3]]
    assert memory.split([], 10, 100) == []


def test_splitting_a_stack_changes_no_byte_on_the_cpu(tmp_path, monkeypatch):
    tiny = read(tmp_path, STUDY)
    made = []
    for room in (2**40, 0):
        monkeypatch.setattr(device, "memory", lambda room=room: room)
        count = len(curves.stacks(tiny, "synthetic-8", "vae", [2, 3, 8]))
        assert count == (1 if room else 3)
        out = tmp_path / str(room)
        runs.train(tiny, "synthetic-8", "vae", 0, [2, 3, 8], None, out)
        rows = evaluation.evaluate_curve(tiny, "synthetic-8", "vae", 0, out)
        made.append((files(out), rows))
    assert made[0] == made[1]


@pytest.mark.parametrize("name", [it for it in systems.names() if it != "pca"])
def test_a_cell_takes_no_more_than_was_counted(name):
    """The most that all its players' losses and gradients add to what was there, and parameters."""
    model, split, size = stacked(name, [8]), points_of(128), 128
    model.fit(split)
    held = sum(it.nbytes for it in model.parameters())
    most = max(peak(player, split) for player in model.players())
    # Parameters, Adam's moments and a checkpoint of all of it.
    assert most + 6 * held <= memory.of_cell(MLP, size, 8, 64, model.options)


def peak(player, split):
    rows = order(0, 0)
    group = [p for module in player.modules for p in module.parameters()]
    with torch.profiler.profile(profile_memory=True) as profile:
        loss = player.loss(split[rows], Step(0, 4, Noise(0), rows))
        torch.autograd.grad(loss.sum(), group)
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    total = most = 0
    for event in sorted(events, key=lambda it: it.start_ns()):
        total += event.nbytes()
        most = max(most, total)
    assert most > 0
    return most


# One device, pretended.


@pytest.mark.parametrize("name", systems.names())
@pytest.mark.filterwarnings("ignore:cov")
def test_a_system_trains_encodes_and_draws_on_one_device(name, monkeypatch):
    with pretend(monkeypatch), device.use("cuda"):
        model, split = trained(name)
        model.settle(split)
        with torch.no_grad():
            z = model.eval().encode(split[order(0, 0)], Noise(3))
            drawn = model.decode(model.prior(64, Noise(4)))
        held = [*model.parameters(), *model.buffers(), z, model.decode(z), drawn]
        assert {it.device.type for it in held} == {"meta"}
        assert {it.device.type for it in read_cell(model, 0).values()} == {"cpu"}


@pytest.mark.parametrize("name", ["vhe", "mask-aae", "rae"])
def test_interrupted_training_goes_on_on_its_device(name, tmp_path, monkeypatch):
    def killed(done):
        if done == 4:
            raise KeyboardInterrupt

    def keeper():
        return Keeper(tmp_path / "checkpoint", "a", pause=0, share=math.inf)

    with pretend(monkeypatch), device.use("cuda"):
        with pytest.raises(KeyboardInterrupt):
            trained(name, after=killed, keeper=keeper())
        steps = []
        model, _ = trained(name, after=steps.append, keeper=keeper())
        assert steps == [4]
        held = [*model.parameters(), *model.buffers()]
        assert {it.device.type for it in held} == {"meta"}


@pytest.mark.parametrize("left", ["exists", "encoder.trunk.layers.0.weight"])
def test_a_tensor_that_is_left_on_the_cpu_is_noticed(left, monkeypatch):
    with pretend(monkeypatch), device.use("cuda"):
        model, split = stacked("wae-mmd"), points_of(128)
        *path, name = left.split(".")
        owner = model.get_submodule(".".join(path))
        was = getattr(owner, name)
        here = torch.ones(was.shape)
        own = torch.nn.Parameter(here) if isinstance(was, torch.nn.Parameter) else here
        setattr(owner, name, own)
        with pytest.raises(AssertionError, match="of tensors of two devices"):
            train(model, split, order, 1, 2)


@pytest.fixture
def images(monkeypatch):
    """Made-up images in MNIST's place."""
    generator = torch.Generator().manual_seed(0)

    def split(count):
        drawn = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)
        return drawn, torch.arange(count) % 3

    made = {"train": split(64), "validation": split(80), "test": split(80)}
    monkeypatch.setattr(data.kind("mnist"), "make", lambda self, root: made)


@pytest.mark.usefixtures("images")
def test_images_go_to_the_device_once_and_as_bytes(monkeypatch):
    points = data.load("mnist")
    with pretend(monkeypatch), device.use("cuda"):
        split = points.rows("train")
        one, other = split[torch.arange(3)], split[slice(5)]
        assert (one.device.type, other.device.type, split.labels.device.type) == ("meta",) * 3
        ((_, held),) = points._placed.items()
        assert (held.dtype, held.device.type) == (torch.uint8, "meta")
    assert points.batch("train", slice(3)).device.type == "cpu"


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("system", ["mog-vae", "mask-aae", "conv"])
def test_a_curve_is_trained_measured_and_drawn_on_one_device(system, tmp_path, monkeypatch):
    it, out = read(tmp_path, IMAGES + "device: cuda\n"), tmp_path / "models"
    with pretend(monkeypatch), device.use(it.device, it.tf32):
        runs.train(it, "mnist", system, 0, (2, 3), None, out)
        rows = evaluation.evaluate_curve(it, "mnist", system, 0, out)
        assert {(row["status"], row["device"]) for row in rows} == {("done", "cuda")}
        assert len(rows) == 2
        assert {"samples", "dims"} <= gallery.pictures(it, "mnist", system, 0, out).keys()
        controls = evaluation.evaluate_controls(it, "mnist")
        assert [row["system"] for row in controls] == ["real", "noise"]
    # The files are the CPU's: they load anywhere.
    assert len(list(curves.load(it, data.load("mnist"), system, 0, out))) in (1, 2)


def test_on_a_gpu_a_cells_key_names_its_stack(tmp_path, monkeypatch, capsys):
    tiny, shelf = read(tmp_path, STUDY), tmp_path / "cells"

    def run(dims, wanted):
        with device.use(wanted):
            runs.train(tiny, "synthetic-8", "vae", 0, dims, None, tmp_path / "out", shelf)
        told = [json.loads(it.read_text())["determined"] for it in shelf.rglob("cell.json")]
        return sorted((it["dim"], it.get("stack", [])) for it in told)

    assert run([2, 8], "cpu") == [(2, []), (8, [])]
    with pretend(monkeypatch):
        found = run([2, 8], "cuda")
        assert found == [(2, []), (2, [2, 8]), (8, []), (8, [2, 8])]
        capsys.readouterr()
        assert run([2, 8], "cuda") == found
        assert "dims 2,8: trained before" in capsys.readouterr().err
        assert len(run([2, 3, 8], "cuda")) == 7
        assert "trained before" not in capsys.readouterr().err


@pytest.mark.parametrize(("wanted", "gpus"), [("auto", 0), ("cuda", 5)])
def test_jobs_ask_for_a_gpu_where_the_study_must_have_one(wanted, gpus, tmp_path):
    """Features, controls, training, measuring and pictures do; data, tables and the like do not."""
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace(", vae: {}", "") + f"device: {wanted}\n")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--dry-run"]
    command += ["--directory", tmp_path, "--configfile", path, "--cores", "1", "--nocolor"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("gpu=1") == gpus


# On a GPU.


@NO_GPU
@pytest.mark.parametrize("name", systems.names())
def test_on_a_gpu_two_runs_are_the_same_bytes(name):
    with device.use("cuda"):
        one, other = (read_cell(trained(name)[0], 1) for _ in range(2))
    assert all(one[it].numpy().tobytes() == other[it].numpy().tobytes() for it in one)


@NO_GPU
@pytest.mark.parametrize("name", [it for it in systems.names() if it != "pca"])
def test_a_gpus_losses_and_gradients_are_the_cpus_but_for_rounding(name):
    """Of the first step: later ones part, as Adam's first steps only know a gradient's sign."""
    found = []
    for wanted in ("cpu", "cuda"):
        with device.use(wanted):
            model, split, rows = stacked(name), points_of(128), order(0, 0)
            model.fit(split)
            found.append([])
            for player in model.players():
                group = [p for module in player.modules for p in module.parameters()]
                loss = player.loss(split[rows], Step(0, 4, Noise(0), rows))
                gradients = torch.autograd.grad(loss.sum(), group)
                found[-1] += [it.detach().cpu() for it in (loss, *gradients)]
    for own, other in zip(*found, strict=True):
        torch.testing.assert_close(other, own, rtol=1e-3, atol=1e-4 * float(own.abs().max()))
