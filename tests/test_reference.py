"""The committed reference records are those of the study files beside them."""

import json
from pathlib import Path

import pytest

from bench import records, study
from bench.experiments import base

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/records.csv"))
CONTROLS = ["real", "noise"]
METRICS = {
    "interval": ["fid_low", "fid_high"],
    "fd-infinity": ["fd_infinity"],
    "kid": ["kid", "kid_deviation"],
    "neighbours": ["precision", "recall", "density", "coverage"],
    "likelihood": ["draws"],
    "intrinsic": [],
    "labels": [],
    "moments": ["mean_gap", "variance_ratio"],
    "components": [],
}


def test_the_studies_that_the_readme_speaks_of_have_reference_records():
    wanted = {"synthetic", "mnist", "fashion", "protocols", "systems", "homoencoder"}
    assert {folder.name for folder in FOLDERS} >= wanted


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def reference(request):
    """A study and its reference records."""
    it = study.read(ROOT / "workflow" / "config" / f"{request.param.name}.yaml")
    return it, records.read(request.param / "records.csv")


def test_reference_experiments_are_those_of_their_study():
    taken = 0
    for folder in FOLDERS:
        it = study.read(ROOT / "workflow" / "config" / f"{folder.name}.yaml")
        if it.experiments:
            table = base.read(folder / "experiments.csv")
            found = set(table[["experiment", "seed"]].itertuples(index=False, name=None))
            assert found == {(name, seed) for name in it.experiments for seed in it.seeds}
            taken += 1
    assert taken


def test_reference_records_are_the_whole_grid_of_their_study(reference):
    it, table = reference
    assert set(table["status"]) <= {"done", "diverged"}
    trained = table[~table["system"].isin(CONTROLS)]
    keys = ["dataset", "system", "dim", "seed", "protocol"]
    found = set(zip(*(trained[key] for key in keys), strict=True))
    assert found == {
        (c.dataset, c.system, c.dim, c.seed, name) for c in it.cells() for name in it.protocols
    }
    controls = table[table["system"].isin(CONTROLS)]
    assert len(controls) == len(CONTROLS) * len(it.datasets) * len(it.seeds) * len(it.protocols)


def test_reference_records_were_trained_and_measured_as_their_study_says(reference):
    it, table = reference
    for (dataset, system), rows in table.groupby(["dataset", "system"]):
        if system not in CONTROLS:
            plan = it.plan(dataset, system)
            assert set(rows["net"]) == {str(plan.net)}
            assert set(rows["steps"]) == {plan.training.steps}
            assert set(rows["batch"]) == {plan.training.batch}
            assert set(rows["schedule"]) == {plan.training.schedule}
            assert set(rows["options"]) == {json.dumps(plan.system.options, sort_keys=True)}
    for (dataset, name), rows in table.groupby(["dataset", "protocol"]):
        expected = records.described(it, dataset, name)
        for key, value in expected.items():
            assert rows[key].isna().all() if value is None else set(rows[key]) == {value}, key


def test_reference_records_have_the_metrics_that_their_study_asks_for(reference):
    it, table = reference
    done = table[table["status"] == "done"]
    for name, rows in done.groupby("protocol"):
        asked = ["fid", *(c for metric in it.protocols[name].metrics for c in METRICS[metric])]
        assert rows[asked].notna().all(axis=None)
        points = rows.loc[rows["system"] != "noise", ["pca_dimension", "two_nn", "mle_dimension"]]
        assert points.notna().all(axis=None) == ("intrinsic" in it.protocols[name].metrics)
        codes = rows.loc[~rows["system"].isin(CONTROLS) & (rows["dim"] > 0)]
        labels = codes[["label_accuracy", "label_variance"]]
        assert labels.notna().all(axis=None) == ("labels" in it.protocols[name].metrics)
        mixtures = codes[codes["base"].isin(["mog-vae", "vamp-vae"])]
        if not mixtures.empty:
            separate = mixtures[["component_separation", "components_used"]].notna()
            assert separate.all(axis=None) == ("components" in it.protocols[name].metrics)
        bounds = rows.loc[rows["base"] == "vae", ["elbo", "iwae"]]
        if not bounds.empty:
            assert bounds.notna().all(axis=None) == ("likelihood" in it.protocols[name].metrics)


def test_every_reference_system_is_between_real_data_and_noise(reference):
    """Every cell is above real data; below noise it is a system's mean over its dimensions, for two
    principal components of synthetic-16 are no better than noise."""
    _, table = reference
    for _, rows in table[table["status"] == "done"].groupby(["dataset", "protocol"]):
        fid = rows.groupby("system")["fid"]
        assert fid.max()["real"] < fid.min().drop("real").min()
        assert fid.min()["noise"] > fid.mean().drop("noise").max()
