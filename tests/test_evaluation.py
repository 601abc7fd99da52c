"""From a trained curve to records, through the command line's own functions."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save

from bench import (
    curves,
    data,
    distances,
    evaluation,
    features,
    metrics,
    records,
    runs,
    store,
    study,
)
from bench.mistake import Mistake
from bench.noise import Noise
from bench.real import Extractors, Real, blocks

STUDY = """
name: tiny
seeds: [0, 1]
datasets: {synthetic-8: {dims: [2, 8]}}
systems: {vae: {}, mask-aae: {}}
net: {kind: mlp, hidden: [16]}
training: {steps: 4, batch: 8}
evaluation: {samples: 500}
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(STUDY)
    return study.read(path)


@pytest.fixture(scope="module")
def models(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for system in tiny.systems:
        runs.train(tiny, "synthetic-8", system, 0, [2, 8], 4, folder / system)
    return folder


def test_records_say_what_was_measured(tiny, models):
    rows = evaluation.evaluate_curve(tiny, "synthetic-8", "mask-aae", 0, models / "mask-aae")
    table = records.frame(rows)
    assert table["dim"].tolist() == [2, 8]
    assert (table["status"] == "done").all()
    assert (table["true_dim"] == 8).all()
    assert (table["fid"] > 0).all()
    assert (table["discovered_mask"] <= table["dim"]).all()
    vae = evaluation.evaluate_curve(tiny, "synthetic-8", "vae", 0, models / "vae")
    assert records.frame(vae)["discovered_mask"].isna().all()


def test_a_cells_record_is_the_same_alone_and_in_its_curve(tiny, models, tmp_path):
    for system in tiny.systems:
        both = evaluation.evaluate_curve(tiny, "synthetic-8", system, 0, models / system)
        alone = tmp_path / system
        alone.mkdir()
        (alone / "8.safetensors").write_bytes((models / system / "8.safetensors").read_bytes())
        assert evaluation.evaluate_curve(tiny, "synthetic-8", system, 0, alone) == both[1:]


def test_metrics_are_those_of_the_cells_own_codes_and_samples(tiny, models):
    points = data.load("synthetic-8")
    ((model, _),) = curves.load(tiny, points, "vae", 0, models / "vae")
    noise = Noise(7)
    protocol = study.Evaluation(samples=500)
    row = evaluation.measure(model, protocol, Extractors(points), noise, 0)[0]
    with torch.no_grad():
        codes = model.encode(points.test)[0, :, :2]
        samples = model.decode(model.prior(500, noise))[0]
        decoded = model.decode(model.encode(points.test))[0]
    assert row["fid"] == pytest.approx(metrics.fid(samples.numpy(), points.test.numpy()))
    assert row["nac"] == pytest.approx(abs(np.corrcoef(codes.T.numpy())[0, 1]), rel=1e-4)
    expected = float((decoded - points.test).square().mean())
    assert row["reconstruction"] == pytest.approx(expected, rel=1e-4)


def test_latent_divergence_is_near_zero_for_codes_from_the_prior_and_not_for_others(tiny):
    points = data.load("synthetic-8")
    model = curves.build(tiny, points, "vae", 0, [2])
    values = {}
    for name, spread in [("matched", 1.0), ("shrunk", 0.3)]:
        draws = spread * Noise(3).normal("codes", len(points.test), 32) * model.exists
        model.encode = lambda x, noise=None, draws=draws: draws[:, : len(x)]
        protocol, extractors = study.Evaluation(samples=500), Extractors(points)
        row = evaluation.measure(model, protocol, extractors, Noise(7), 0)[0]
        values[name] = row["latent_divergence"]
    assert abs(values["matched"]) < 0.01
    assert values["shrunk"] > 0.05


def test_a_diverged_cell_is_a_row_with_its_step_and_no_numbers(tiny, models, tmp_path):
    shutil.copytree(models / "vae", tmp_path / "vae")
    path = tmp_path / "vae" / "2.safetensors"
    about, content = store.read_sealed(path)
    tensors = {key: value * float("nan") for key, value in load(content).items()}
    store.write_sealed(path, lambda told: save(tensors, {"cell": told}), about | {"diverged": 3})
    table = records.frame(evaluation.evaluate_curve(tiny, "synthetic-8", "vae", 0, path.parent))
    assert table["status"].tolist() == ["diverged", "done"]
    assert table["step"].tolist()[0] == 3
    assert table.loc[0, ["fid", "nac", "reconstruction"]].isna().all()
    assert table.loc[1, "fid"] > 0


def test_controls_are_the_floor_and_the_ceiling(tiny):
    table = records.frame(evaluation.evaluate_controls(tiny, "synthetic-8"))
    assert table["system"].tolist() == ["noise", "noise", "real", "real"]
    fid = table.set_index(["system", "seed"])["fid"]
    assert (fid["real"] < 5).all()
    assert (fid["noise"] > 50).all()
    assert fid["real"].nunique() == 2
    assert table["dim"].isna().all()


def test_records_survive_a_file(tiny, models, tmp_path):
    rows = evaluation.evaluate_curve(tiny, "synthetic-8", "vae", 0, models / "vae")
    records.write(tmp_path / "a.csv", rows)
    records.write(tmp_path / "b.csv", rows[::-1])
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    read = records.read(tmp_path / "a.csv")
    assert read["fid"].tolist() == pytest.approx([row["fid"] for row in rows], rel=1e-8)
    with pytest.raises(ValueError, match="two records of one cell"):
        records.read(tmp_path / "a.csv", tmp_path / "b.csv")


# Protocols


PROTOCOLS = """
name: protocols
seeds: [0]
datasets: {mnist: {dims: [2, 8]}}
systems: {wae-mmd: {}, pca: {}}
net: {kind: mlp, hidden: [16]}
training: {steps: 60, batch: 16, snapshots: 4}
evaluation: {samples: 300}
protocols:
  stretched: {stretch: true}
  best-validation: {checkpoint: best-validation}
  best-test: {checkpoint: best-test}
  at-2: {checkpoint: 2}
  at-4: {checkpoint: 4}
  everything: {metrics: [interval, fd-infinity, kid, neighbours]}
  few: {samples: 40}
"""


@pytest.fixture(scope="module")
def protocols(tmp_path_factory):
    """A study with several protocols on small made-up images in MNIST's place, and its records."""
    generator = torch.Generator().manual_seed(0)
    images = {
        split: (
            (255 * torch.rand(count, 1, 8, 8, generator=generator) ** 2).to(torch.uint8),
            None,
        )
        for split, count in [("train", 640), ("validation", 400), ("test", 500)]
    }
    folder = tmp_path_factory.mktemp("protocols")
    (folder / "study.yaml").write_text(PROTOCOLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data.kind("mnist"), "make", lambda self, root: images)
        patch.setattr(data.kind("mnist"), "shape", (1, 8, 8))
        it = study.read(folder / "study.yaml")
        rows = []
        for system in it.systems:
            runs.train(it, "mnist", system, 0, [2, 8], None, folder / system)
            rows += evaluation.evaluate_curve(it, "mnist", system, 0, folder / system)
        rows += evaluation.evaluate_controls(it, "mnist")
        yield it, folder, records.frame(rows)


def test_every_cell_has_a_record_of_each_protocol_which_says_it_whole(protocols):
    it, _, table = protocols
    assert len(table) == len(it.protocols) * (len(it.cells()) + 2)
    for name, protocol in it.protocols.items():
        own = table[table["protocol"] == name]
        assert (own["stretch"] == protocol.stretch).all()
        assert (own["checkpoint"] == protocol.checkpoint).all()
        assert (own["samples"] == protocol.samples).all()
    assert (table["status"] == "done").all()


def test_a_further_protocol_changes_no_record_of_the_main_one(protocols, tmp_path, monkeypatch):
    it, folder, table = protocols
    alone = dataclasses.replace(it, protocols={study.MAIN: it.protocols[study.MAIN]})
    rows = records.frame(
        evaluation.evaluate_curve(alone, "mnist", "wae-mmd", 0, folder / "wae-mmd")
    )
    main = table[(table["protocol"] == "main") & (table["system"] == "wae-mmd")]
    pd.testing.assert_frame_equal(rows, main.reset_index(drop=True))


def test_the_best_snapshot_is_the_one_of_the_smallest_distance(protocols):
    """Against the distances of all snapshots, each measured by a study of its own."""
    it, folder, table = protocols
    main = dataclasses.replace(it, protocols={study.MAIN: it.protocols[study.MAIN]})
    models = folder / "wae-mmd"
    assert curves.snapshots(models) == [15, 30, 45]
    found = {}
    for step in (15, 30, 45, 60):
        own = models if step == 60 else models / "snapshots" / str(step)
        for row in evaluation.evaluate_curve(main, "mnist", "wae-mmd", 0, own):
            found[row["dim"], step] = row["fid"]
    best = table[(table["protocol"] == "best-test") & (table["system"] == "wae-mmd")]
    for _, row in best.iterrows():
        own = {step: fid for (dim, step), fid in found.items() if dim == row["dim"]}
        assert row["snapshot"] == min(own, key=own.get)
        assert row["fid"] == pytest.approx(min(own.values()), rel=1e-9)
    honest = table[(table["protocol"] == "best-validation") & (table["system"] == "wae-mmd")]
    assert (honest["fid"].to_numpy() >= best["fid"].to_numpy() * (1 - 1e-9)).all()
    for _, row in honest.iterrows():
        assert row["fid"] == pytest.approx(found[row["dim"], row["snapshot"]], rel=1e-9)


def test_a_system_without_steps_has_its_last_snapshot_only(protocols):
    _, _, table = protocols
    pca = table[table["system"] == "pca"].set_index(["protocol", "dim"])["fid"]
    assert pca["best-test"].tolist() == pca["at-2"].tolist() == pca["main"].tolist()


def test_the_kth_checkpoint_is_the_kth_snapshot_that_is_kept(protocols, tmp_path):
    it, folder, table = protocols
    trained = table[table["system"] == "wae-mmd"].set_index("protocol")
    assert trained.loc["at-2", "snapshot"].tolist() == [30, 30]
    assert trained.loc["at-2", "checkpoint"].tolist() == ["2", "2"]
    main = dataclasses.replace(it, protocols={study.MAIN: it.protocols[study.MAIN]})
    second = folder / "wae-mmd" / "snapshots" / "30"
    rows = evaluation.evaluate_curve(main, "mnist", "wae-mmd", 0, second)
    assert trained.loc["at-2", "fid"].tolist() == [row["fid"] for row in rows]
    assert trained.loc["at-4", "snapshot"].tolist() == [60, 60]
    assert trained.loc["at-4", "fid"].tolist() == trained.loc["main", "fid"].tolist()
    shutil.copytree(folder / "wae-mmd", tmp_path / "models")
    shutil.rmtree(tmp_path / "models" / "snapshots" / "30")
    with pytest.raises(Mistake, match=r"snapshots/30/[28]\.safetensors: not a trained cell"):
        evaluation.evaluate_curve(it, "mnist", "wae-mmd", 0, tmp_path / "models")


def test_stretching_is_of_each_generated_image_by_itself(protocols):
    x = torch.tensor([[0.2, 0.4, 0.6], [0.5, 0.5, 0.5], [0.0, 1.0, 0.3]])
    expected = torch.tensor([[0.0, 0.5, 1.0], [0.5, 0.5, 0.5], [0.0, 1.0, 0.3]])
    torch.testing.assert_close(distances.stretched(x), expected)
    it, folder, table = protocols
    points = data.load("mnist")
    ((model, _),) = curves.load(it, points, "wae-mmd", 0, folder / "wae-mmd")
    with torch.no_grad():
        noise = Noise(curves.cell_seed(it, "mnist", 0), purpose="evaluation")
        samples = distances.stretched(model.decode(model.prior(300, noise))[1])
    expected = metrics.fid(samples.numpy(), points.batch("test", slice(None)).numpy())
    row = table[(table["protocol"] == "stretched") & (table["system"] == "wae-mmd")].iloc[1]
    assert row["fid"] == pytest.approx(expected, rel=1e-6)


def test_further_metrics_are_there_where_they_are_asked_for_and_nowhere_else(protocols):
    _, _, table = protocols
    names = ["fid_low", "fid_high", "fd_infinity", "kid", "kid_deviation"]
    names += ["precision", "recall", "density", "coverage"]
    asked = table["protocol"] == "everything"
    assert table.loc[asked, names].notna().all(axis=None)
    assert table.loc[~asked, names].isna().all(axis=None)
    done = table[asked]
    assert ((done["fid_low"] < done["fid"]) & (done["fid"] < done["fid_high"])).all()
    fid = table.set_index(["protocol", "system"])["fid"]
    assert (fid["everything"].to_numpy() == fid["main"].to_numpy()).all()


def test_fewer_samples_than_features_is_said_in_the_record(protocols):
    _, _, table = protocols
    few = table["protocol"] == "few"
    assert (
        table.loc[few, "caution"] == "40 samples of 64 features: the covariance is singular"
    ).all()
    assert table.loc[~few, "caution"].isna().all()


def test_real_features_are_cached_and_those_of_others_refused(protocols, tmp_path):
    it, folder, table = protocols
    path = tmp_path / "raw.safetensors"
    points = data.load("mnist")
    Extractors(points).real(it.protocols["main"]).write(path, points, features.load("raw", points))
    rows = evaluation.evaluate_curve(it, "mnist", "pca", 0, folder / "pca", tmp_path)
    own = table[table["system"] == "pca"].reset_index(drop=True)
    pd.testing.assert_frame_equal(records.frame(rows), own)
    raw = features.load("raw", points)
    with pytest.raises(Mistake, match=f"{path}: features of .*raw.*, not of .*classifier digits"):
        Real.read(path, points, features.load("classifier", points))
    points.test[0] += 1
    with pytest.raises(Mistake, match=f"{path}: features of "):
        Real.read(path, points, raw)
    points.test[0] -= 1
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Mistake, match=f"{path}: no features of real points"):
        Real.read(path, points, raw)


@pytest.mark.parametrize("width", [1, 128, 784, 3072, 12288, 10**8])
def test_blocks_cover_all_rows_once_and_are_bounded(width):
    found = blocks(5000, width)
    assert [row for it in found for row in range(it.start, it.stop)] == list(range(5000))
    assert all((it.stop - it.start) * width <= max(width, 2**21) for it in found)


def test_cells_without_a_record_are_rows_that_say_so(tiny, models):
    rows = evaluation.evaluate_curve(tiny, "synthetic-8", "vae", 0, models / "vae")
    table = records.complete(records.frame(rows), tiny)
    assert len(table) == len(tiny.cells())
    missing = table[table["status"] == "missing"]
    assert len(missing) == len(table) - 2
    assert set(missing["true_dim"]) == {8}
    assert missing["fid"].isna().all()
    assert table.loc[table["status"] == "done", "fid"].tolist() == [row["fid"] for row in rows]
    for change, reason in (
        ({"dim": 3}, "a record of no cell of the study tiny: .* dim 3, "),
        ({"protocol": "other"}, "a record of no cell of the study tiny: .* protocol other"),
        ({"dim": None, "dataset": "mnist"}, "a record of no cell of the study tiny: dataset mnist"),
        ({"steps": 5}, "a record of synthetic-8, vae, protocol main has steps 5, and the study 4"),
        ({"options": '{"lr": 1}'}, "has options .*, and the study {}"),
        ({"samples": 7}, "has samples 7, and the study 500"),
        ({"draws": 50}, "has draws 50, and the study None"),
        ({"resizer": "bicubic"}, "has resizer bicubic, and the study None"),
        ({"stretch": None}, "has stretch .*, and the study False"),
    ):
        with pytest.raises(Mistake, match=reason):
            records.complete(records.frame([rows[0] | change]), tiny)


def test_snapshots_of_an_earlier_run_are_not_this_ones(protocols, tmp_path):
    it, _, _ = protocols
    for steps in (60, 8):
        runs.train(it, "mnist", "wae-mmd", 0, [2], steps, tmp_path)
    assert curves.snapshots(tmp_path) == [2, 4, 6]
