"""The command line: verbs in the order of use, and mistakes told in one line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli, records, study

VERBS = ["cells", "data", "features", "train", "join", "evaluate", "gallery", "collect", "history"]
VERBS += ["environment", "costs", "experiment", "experiments"]
VERBS += ["tables", "figures", "claims", "report", "compare"]
VERBS += ["classifier", "weights"]
SMOKE = Path(__file__).parents[1] / "workflow" / "config" / "smoke.yaml"


def row(**values):
    common = {"study": "smoke", "dataset": "synthetic-8", "system": "aae", "base": "aae"}
    common |= {"protocol": "main", "status": "done", "stretch": False, "checkpoint": "last"}
    common |= {"split": "test", "features": "raw", "samples": 500}
    common |= {"net": "mlp 32", "batch": 64, "steps": 30, "schedule": "falling"}
    return common | {"dim": 2, "seed": 0, "options": "{}"} | values


def test_help_lists_the_verbs_in_the_order_of_use(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    assert re.findall(r"^    (\w+)", capsys.readouterr().out, flags=re.MULTILINE) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main([verb, "--help"])
    assert f"usage: bench {verb}" in capsys.readouterr().out


def test_cells_prints_the_grid_and_what_it_costs(capsys):
    assert cli.main(["cells", str(SMOKE)]) == 0
    header, _, *lines, words = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header[:6] == ["dataset", "system", "dims", "seeds", "net", "curves"]
    assert [line[:2] for line in lines[:-1]] == [
        ["synthetic-8", name] for name in ("wae-mmd", "aae", "mask-aae", "pca")
    ]
    assert lines[-1][:3] == ["total", "4", "8"]
    assert lines[-1][3:] == ["<", "0.01", "<", "0.01"]
    assert "TFLOP/s" in words


def mistakes():
    """Arguments and what the one line must name."""
    features = ["features", str(SMOKE), "--dataset", "synthetic-8", "--out", "OUT"]
    unknown = [*features, "--extractor", "classifier"]
    yield "features: extractor", unknown, "no extractor 'classifier' in the study; it has raw"
    train = ["train", str(SMOKE), "--seed", "0", "--out", "OUT"]
    evaluate = ["evaluate", str(SMOKE), "--out", "OUT"]
    yield "no study", ["cells", "absent.yaml"], "absent.yaml"
    for name, arguments in (("train", [*train, "--system", "aae"]), ("evaluate", evaluate)):
        more = ["--dataset", "mnist"] + (["--controls"] if name == "evaluate" else [])
        yield f"{name}: data set", arguments + more, "no data set 'mnist' in the study; it has syn"
    synthetic = ["--dataset", "synthetic-8"]
    yield "data: data set", ["data", str(SMOKE), "--dataset", "x", "--out", "OUT"], "'x'"
    yield "train: system", [*train, *synthetic, "--system", "vae"], "'vae' in the study; it has wae"
    curve = [*evaluate, *synthetic, "--system", "aae", "--seed", "0"]
    yield "evaluate: no models", curve, "--models"
    controls = [*evaluate, *synthetic, "--controls", "--seed", "0"]
    yield "evaluate: controls", controls, "--controls have no --seed"
    unknown = [*curve, "--models", "absent", "--protocol", "x"]
    yield "evaluate: protocol", unknown, "no protocol 'x' in the study; it has main"
    yield "evaluate: folder", [*curve, "--models", "absent"], "absent: no such folder"
    for verb in ("tables", "figures", "claims", "report"):
        yield f"{verb}: no file", [verb, "absent.csv", "--out", "OUT"], "absent.csv: no such file"
        folder, told = str(SMOKE.parent), f"{SMOKE.parent}: a folder, not a file"
        yield f"{verb}: folder", [verb, folder, "--out", "OUT"], told
    mnist = str(SMOKE.parents[2] / "results" / "reference" / "mnist" / "records.csv")
    for verb, out, told in (
        ("claims", SMOKE.parent, "config: a folder, not a file"),
        ("tables", SMOKE, "smoke.yaml: a file, not a folder"),
        ("report", SMOKE / "report.html", "smoke.yaml: a file, not a folder"),
    ):
        yield f"{verb}: out", [verb, mnist, "--out", str(out)], told
    yield "report: no figures", ["report", mnist, "--figures", "absent", "--out", "OUT"], "absent/"
    costs = ["costs", str(SMOKE), "absent", "--out", "OUT"]
    yield "costs: no folder", costs, "absent: no such folder"
    logs = ["collect", str(SMOKE), "--logs", "absent", "--out", "OUT"]
    yield "collect: no logs", logs, "absent: no such folder"
    yield "tables: no records", ["tables", str(SMOKE), "--out", "OUT"], "smoke.yaml"


@pytest.mark.parametrize(
    ("arguments", "named"), [pytest.param(*it, id=name) for name, *it in mistakes()]
)
def test_a_mistake_is_told_in_one_line(arguments, named, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("bench: error: ")
    assert err.count("\n") == 1
    assert named in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "more",
    [["--dims", it] for it in ("2,-1", "2,2", "a", "65537")]
    + [["--steps", "0"], ["--seed", str(2**63)], ["--threads", "99999999999"]],
)
def test_a_bad_number_is_refused(more, capsys):
    arguments = f"train {SMOKE} --dataset synthetic-8 --system aae --seed 0 --out OUT".split()
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments + more)
    assert f"argument {more[0]}: '" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["tables", "figures", "claims", "report"])
def test_a_table_without_a_record_is_refused(verb, tmp_path, capsys):
    records.write(tmp_path / "records.csv", [])
    assert cli.main([verb, str(tmp_path / "records.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "bench: error: there is not one record" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_programming_error_keeps_its_traceback(monkeypatch):
    def broken(path):
        raise ValueError("unexpected")

    monkeypatch.setattr(study, "read", broken)
    with pytest.raises(ValueError, match="unexpected"):
        cli.main(["cells", str(SMOKE)])


def test_data_writes_a_fingerprint(tmp_path):
    out = tmp_path / "data.json"
    assert cli.main(["data", str(SMOKE), "--dataset", "synthetic-8", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["name"] == "synthetic-8"


def test_train_writes_one_file_a_cell_of_the_dims_asked_for(tmp_path):
    arguments = f"train {SMOKE} --dataset synthetic-8 --system wae-mmd --seed 7".split()
    assert cli.main([*arguments, "--dims", "0,5", "--steps", "2", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.glob("*.safetensors")} == {
        "0.safetensors",
        "5.safetensors",
    }


def test_collect_joins_records_and_refuses_a_cell_twice(tmp_path, capsys):
    one, two, out = (tmp_path / name for name in ("one.csv", "two.csv", "all.csv"))
    records.write(one, [row(dim=8, fid=0.5)])
    records.write(two, [row(dim=2, fid=1.5)])
    study = str(SMOKE)
    assert cli.main(["collect", study, str(one), str(two), "--out", str(out)]) == 0
    assert "6 of 8 records are missing" in capsys.readouterr().err
    table = records.read(out)
    assert table.loc[table["status"] == "done", "fid"].tolist() == [1.5, 0.5]
    assert cli.main(["collect", study, str(one), str(one), "--out", str(out)]) == 2
    assert "two records of one cell" in capsys.readouterr().err
    assert cli.main(["collect", study, "--out", str(out)]) == 0
    assert (records.read(out)["status"] == "missing").all()


@pytest.mark.parametrize("name", ["nan", "null", "none"])
def test_a_system_may_be_called_what_pandas_takes_for_nothing(tmp_path, name):
    path = tmp_path / "records.csv"
    records.write(path, [row(dim=8, fid=0.5) | {"system": name}])
    table = records.read(path)
    assert table["system"].tolist() == [name]
    assert table["kid"].isna().all()


def test_verbs_after_the_records_import_no_torch(tmp_path):
    table = tmp_path / "records.csv"
    records.write(table, [row(dim=dim, seed=seed, fid=1.0) for dim in (2, 8) for seed in (0, 1)])
    calls = [
        ["tables", "tables"],
        ["figures", "figures"],
        ["claims", "c.json"],
        ["report", "r.html"],
    ]
    code = (
        "import sys; from bench import cli; "
        f"codes = [cli.main([verb, {str(table)!r}, '--out', out]) for verb, out in {calls}]; "
        "sys.exit(any(codes) or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert {out for _, out in calls} <= {path.name for path in tmp_path.iterdir()}


def test_python_m_bench_is_the_same():
    command = [sys.executable, "-m", "bench", "cells", "absent.yaml"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("bench: error: absent.yaml")
