"""The committed reference records are those of the study files beside them."""

from pathlib import Path

import pytest

from bench import records, study

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/records.csv"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_reference_records_are_the_whole_grid_of_their_study(folder):
    table = records.read(folder / "records.csv")
    it = study.read(ROOT / "workflow" / "config" / f"{folder.name}.yaml")
    trained = table[~table["system"].isin(["real", "noise"])]
    found = set(zip(*(trained[key] for key in ("dataset", "system", "dim", "seed")), strict=True))
    assert found == {(c.dataset, c.system, c.dim, c.seed) for c in it.cells()}
    assert (trained["steps"] == it.training.steps).all()
    assert (trained["batch"] == it.training.batch).all()
    assert set(table["features"]) == {it.evaluation.features}
    assert set(table["samples"]) == {it.evaluation.samples}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_reference_system_is_between_real_data_and_noise(folder):
    table = records.read(folder / "records.csv")
    for _, rows in table[table["status"] == "done"].groupby("dataset"):
        fid = rows.groupby("system")["fid"]
        assert fid.max()["real"] < fid.min().drop("real").min()
        assert fid.min()["noise"] > fid.mean().drop("noise").max()
