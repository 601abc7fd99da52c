"""From a trained curve to records, through the command line's own functions."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bench import data, evaluation, features, metrics, records, study, training
from bench.noise import Noise

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
        training.train_curve(tiny, "synthetic-8", system, 0, [2, 8], 4, folder / system)
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
    ((model, _),) = training.load_curve(tiny, points, "vae", 0, models / "vae")
    noise = Noise(7)
    row = evaluation.measure(model, points, "test", features.load("raw"), noise, 500)[0]
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
    model = training.build(tiny, points, "vae", 0, [2])
    values = {}
    for name, spread in [("matched", 1.0), ("shrunk", 0.3)]:
        draws = spread * Noise(3).normal("codes", len(points.test), 32) * model.exists
        model.encode = lambda x, noise=None, draws=draws: draws[:, : len(x)]
        values[name] = evaluation.measure(
            model, points, "test", features.load("raw"), Noise(7), 500
        )[0]["latent_divergence"]
    assert abs(values["matched"]) < 0.01
    assert values["shrunk"] > 0.05


def test_a_diverged_cell_is_a_row_with_its_step_and_no_numbers(tiny, models, tmp_path):
    shutil.copytree(models / "vae", tmp_path / "vae")
    path = tmp_path / "vae" / "2.safetensors"
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["cell"]) | {"diverged": 3}
    tensors = {key: value * float("nan") for key, value in load_file(path).items()}
    save_file(tensors, path, {"cell": json.dumps(about)})
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
