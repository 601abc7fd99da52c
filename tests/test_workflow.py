"""The workflow: what a study plans, what is refused, one run to the end, what reruns."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import costs, records, sources, study

ROOT = Path(__file__).parents[1]
SMOKE = ROOT / "workflow" / "config" / "smoke.yaml"


def snakemake(folder, *arguments):
    """Run the workflow with its results in `folder`."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    return subprocess.run(
        [*command, "--directory", folder, "--nocolor", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def said(ended):
    """The one line on stderr besides Snakemake's own, that it uses the default profile."""
    profile, line = ended.stderr.splitlines()
    assert profile.startswith("Using workflow specific profile ")
    return line


def plan(folder, *arguments):
    """The number of jobs a dry run plans, by rule, and its text."""
    ended = snakemake(folder, "--dry-run", *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    text = ended.stdout + ended.stderr
    table = text.partition("Job stats:")[2].partition("total")[0]  # absent where nothing is to do
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}, text


def variant(folder, old, new):
    """The smoke study with one text replaced."""
    text = SMOKE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = folder / "variant.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def planned(text, name):
    """The cells' (data set, system, seed) whose models a plan makes."""
    return set(re.findall(rf"output: results/{name}/models/([\w-]+)/([\w-]+)/(\d+)", text))


def test_the_default_study_is_planned_where_none_is_given(tmp_path):
    jobs, text = plan(tmp_path)
    curves = study.read(ROOT / "workflow" / "config" / "default.yaml").curves()
    assert planned(text, "default") == {(it.dataset, it.system, str(it.seed)) for it in curves}
    assert jobs["train"] == jobs["evaluate"] == len(curves)


def test_another_study_has_no_cell_of_the_default_one(tmp_path):
    jobs, text = plan(tmp_path, "--configfile", SMOKE)
    assert "results/default" not in text
    assert planned(text, "smoke") == {
        ("synthetic-8", system, "0") for system in ("wae-mmd", "aae", "mask-aae", "pca")
    }
    once = (
        "data",
        "real_features",
        "controls",
        "collect",
        "history",
        "environment",
        "costs",
        "experiment",
        "experiments",
        "tables",
        "figures",
        "claims",
        "report",
        "all",
    )
    assert jobs == {"train": 4, "evaluate": 4, "gallery": 4} | dict.fromkeys(once, 1)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("steps: 30", "steps: 0", "training.steps: found 0; allowed: an integer greater than 0"),
        (
            "dims: [2, 8]",
            "dims: [2, 2]",
            "datasets.synthetic-8.dims[1]: found 2 again; allow",
        ),
        (
            "seeds: [0]",
            "seeds: [0]\nseeds: [1]",
            "seeds: found the key again on line 5; all",
        ),
        ("pca: {}", "pac: {}", "systems: found 'pac'; allowed: one of aae, "),
    ],
)
def test_an_invalid_study_ends_with_2_and_one_line_and_nothing_is_run(tmp_path, old, new, line):
    path = variant(tmp_path, old, new)
    ended = snakemake(tmp_path, "--cores", "1", "--configfile", path)
    assert ended.returncode == 2
    assert said(ended).startswith(f"bench: error: variant.yaml: {line}")
    assert not ended.stdout
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "arguments", [["--config", "seeds=[1]"], ["--configfile", SMOKE, SMOKE.with_stem("mnist")]]
)
def test_config_that_would_be_merged_is_refused(tmp_path, arguments):
    ended = snakemake(tmp_path, "--cores", "1", *arguments)
    assert ended.returncode == 2
    assert said(ended).startswith(f"bench: error: {arguments[0]}: found ")
    assert not (tmp_path / "results").exists()


def test_a_failed_jobs_reason_is_told_at_the_end(tmp_path, monkeypatch):
    images = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    images.parent.mkdir(parents=True)
    images.write_bytes(b"altered")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    study_file = SMOKE.with_stem("mnist")
    target = "results/mnist/data/mnist.json"
    ended = snakemake(tmp_path, target, "--cores", "1", "--configfile", study_file)
    assert ended.returncode == 1
    reason = f"bench: error: {images} is truncated, altered or another file"
    assert f"results/mnist/logs/data/mnist.log: {reason}" in ended.stderr


def test_data_that_cannot_be_had_leave_a_whole_report_that_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "nothing"))
    images = tmp_path / "nothing" / "FashionMNIST" / "raw" / "train-images-idx3-ubyte.gz"
    images.parent.mkdir(parents=True)
    images.write_bytes(b"altered")
    two = "datasets:\n  fashion-mnist: {dims: [2]}"
    path = variant(tmp_path, "datasets:", two)
    few = path.read_text(encoding="utf-8").replace("  aae: {}\n  mask-aae: {}\n  pca: {}\n", "")
    path.write_text(few, encoding="utf-8")
    results = tmp_path / "results" / "smoke"
    figure = results / "figures" / "ucurve-fashion-mnist.svg"
    took = results / "benchmarks" / "train" / "fashion-mnist" / "wae-mmd" / "0.tsv"
    for left in (figure, took):
        left.parent.mkdir(parents=True)
        left.write_text("of an earlier run")
    ended = snakemake(tmp_path, "--cores", "2", "--keep-going", "--configfile", path)
    assert ended.returncode == 1
    assert f"bench: error: {images} is truncated, altered or another file" in ended.stderr
    assert any(figure.parent.iterdir())
    assert not figure.exists()
    assert not took.exists()
    table = records.read(results / "records.csv")
    status = table.groupby("dataset")["status"].apply(list)
    assert status["fashion-mnist"] == ["missing"]
    assert set(status["synthetic-8"]) == {"done"}
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "there is no record of a cell of fashion-mnist" in page
    assert (results / "claims.json").exists()
    assert "Report, with what is missing: " in ended.stdout
    # Without the option the run ends at the first failure, with no table of part of the study.
    (results / "records.csv").unlink()
    ended = snakemake(tmp_path, "--cores", "1", "--configfile", path)
    assert ended.returncode == 1
    assert not (results / "records.csv").exists()


def test_the_paper_study_is_planned_with_inceptions_weights_as_an_input(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    path = SMOKE.with_stem("paper")
    jobs, text = plan(tmp_path, "--configfile", path)
    it = study.read(path)
    curves = it.curves()
    alone = [it.plan(curve.dataset, curve.system).net.kind != "mlp" for curve in curves]
    # Convolutional cells are jobs of their own, three a curve; all others of a curve are one stack.
    assert 0 < sum(alone) < len(curves)
    assert jobs["train"] == len(curves) - sum(alone)
    assert jobs["train_cell"] == 3 * jobs["join"] == 3 * sum(alone)
    assert jobs["evaluate"] == 2 * len(curves)
    assert jobs["inception_weights"] == 1
    assert jobs["real_features"] == jobs["data"] == 4
    assert jobs["controls"] == 8
    # Pictures are of one seed.
    assert len(it.seeds) > 1
    assert jobs["gallery"] == len({(it.dataset, it.system) for it in curves})
    assert planned(text, "paper") == {(it.dataset, it.system, str(it.seed)) for it in curves}
    weights = "results/paper/features/inception.json"
    assert re.search(rf"rule real_features:\n +input: .*{weights}", text)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The smoke study, run to its end in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("smoke run")
    return folder, snakemake(folder, "--cores", "2", "--configfile", SMOKE)


def test_the_smoke_study_runs_to_its_report(run):
    folder, ended = run
    assert ended.returncode == 0, ended.stdout + ended.stderr
    results = folder / "results" / "smoke"
    table = records.read(results / "records.csv")
    cells = table[table["dim"].notna()]
    found = set(cells[["dataset", "system", "dim", "seed"]].itertuples(index=False, name=None))
    wanted = study.read(SMOKE).cells()
    assert found == {(it.dataset, it.system, it.dim, it.seed) for it in wanted}
    assert len(cells) == len(wanted)
    assert set(table[table["dim"].isna()]["system"]) == {"real", "noise"}
    assert any((results / "tables").iterdir())
    assert {".svg", ".png"} <= {path.suffix for path in (results / "figures").iterdir()}
    galleries = {path.stem for path in (results / "gallery" / "synthetic-8").iterdir()}
    assert galleries == {"wae-mmd", "aae", "mask-aae", "pca"}
    assert (results / "figures" / "covariance-synthetic-8.svg").exists()
    told = json.loads((results / "environment.json").read_text(encoding="utf-8"))
    (described,) = told.values()
    assert described["threads"] == {"1": len(study.read(SMOKE).curves())}
    assert set(table["environment"]) == set(told)
    spent = costs.read(results / "costs.csv")
    assert spent.groupby("stage").size().to_dict() == {"evaluate": 4, "gallery": 4, "train": 4}
    assert (spent["seconds"] > 0).all()
    assert ended.stdout.rstrip().endswith(f"Report: {results / 'report.html'}")


def test_snakemakes_own_report_has_figures_tables_claims_and_captions(run, tmp_path):
    folder, _ = run
    path = tmp_path / "own.html"
    ended = snakemake(folder, "--report", path, "--configfile", SMOKE)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    text = path.read_text(encoding="utf-8")
    results = folder / "results" / "smoke"
    shown = [*(results / "figures").glob("*.svg"), *(results / "tables").glob("*.csv")]
    names = [path.name for path in shown] + ["records.csv", "claims.json", "report.html"]
    assert [name for name in names if f'"name": "{name}"' not in text] == []
    for caption in ("Figure ucurve-synthetic-8", "Numbers of table-synthetic-8", "one row a model"):
        assert caption in text
    assert "Latent-variable autoencoders, trained and measured" in text  # the workflow's own words


@pytest.mark.parametrize(
    ("old", "new", "trained"), [("Its numbers mean", "They mean", 0), ("[0]", "[0, 1]", 4)]
)
def test_after_a_run_only_what_changed_is_planned(run, tmp_path, old, new, trained):
    """Of a run that was one; every kind of change is in test_dependants.py."""
    jobs, _ = plan(run[0], "--configfile", variant(tmp_path, old, new))
    assert jobs.get("train", 0) == trained
    assert bool(jobs) == bool(trained)


@pytest.mark.parametrize(
    ("modules", "inside", "outside"),
    [
        (
            ["runs", "systems/mask-aae"],
            ["curves.py", "training.py", "systems/mask_aae.py", "systems/aae.py", "parts/masks.py"]
            + ["nets/dense.py", "nets/convolutional.py"],
            ["systems/wae_mmd.py", "evaluation.py", "study.py", "report/page.py"]
            + ["features/__init__.py", "features/inception.py", "features/digits.safetensors"],
        ),
        (
            ["evaluation", "records"],
            ["evaluation.py", "metrics/frechet.py", "features/digits.safetensors"]
            + ["features/inception.py"],
            ["study.py", "report/page.py"],
        ),
        (
            ["report/page", "report/claims/forms/u_shape"],
            ["report/page.py", "report/page.html", "records.py", "report/claims/schema.yaml"]
            + ["report/claims/ledger/u-shape.yaml", "report/claims/forms/u_shape.py"],
            ["training.py", "study.py", "features/inception.py", "data/base.py"],
        ),
    ],
)
def test_what_a_result_depends_on_is_what_is_imported_to_make_it(modules, inside, outside):
    found = {path.relative_to(ROOT / "bench").as_posix() for path in sources.files(*modules)}
    assert found >= set(inside)
    assert not found & set(outside)
