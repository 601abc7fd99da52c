"""The study file: what is refused, and how; defaults; expansion."""

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bench import cli, features, study
from bench.nets import published

STUDIES = sorted((Path(__file__).parents[1] / "workflow" / "config").glob("*.yaml"))
GOOD = {
    "name": "some-study",
    "seeds": [0, 1],
    "datasets": {"synthetic-8": {"dims": [2, 8]}},
    "systems": {"wae-mmd": {}, "aae": {}},
    "net": {"kind": "mlp", "hidden": [16]},
    "training": {"steps": 5},
}


def write(folder, text):
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(*keys, value):
    """GOOD with one value replaced, as YAML; the value ... removes the key."""
    document = copy.deepcopy(GOOD)
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return yaml.safe_dump(document, sort_keys=False)


REFUSED = {
    "more principal components than the data has": (
        yaml.safe_dump(
            GOOD | {"systems": {"pca": {}}, "datasets": {"synthetic-8": {"dims": [129]}}}
        ),
        "datasets.synthetic-8.dims",
        "129",
        "at most 128, which synthetic-8 has principal components, for pca",
    ),
    "no file": (None, "the file", "no readable file", "a study file in YAML"),
    "invalid YAML": ("name: [a\nseeds: 1", "the file", "invalid YAML", "a study file in YAML"),
    "control character": ("name: a\x00b", "the file", "invalid YAML", "a study file in YAML"),
    "date that is none": ("name: 2001-99-99", "the file", "invalid YAML", "a study file in YAML"),
    "empty file": ("", "the file", "None", "a mapping with the keys of a study"),
    "list": ("- 1", "the file", "[1]", "a mapping with the keys of a study"),
    "duplicate key": (
        "seeds: [0]\nseeds: [1]",
        "seeds",
        "again on line 2",
        "every key once",
    ),
    "nested duplicate key": (
        changed("net", value=...) + "net: {kind: mlp, kind: conv}",
        "net.kind",
        "again",
        "every key once",
    ),
    "key that is no text": ("1: 2", "the file", "the key '1'", "keys that are text"),
    "unknown key": (changed("sedes", value=[0]), "sedes", "[0]", "name, master_seed, seeds"),
    "unknown nested key": (
        changed("datasets", "synthetic-8", "dim", value=[2]),
        "datasets.synthetic-8.dim",
        "[2]",
        "only dims",
    ),
    "missing key": (
        changed("seeds", value=...),
        "seeds",
        "nothing",
        "a list of one or more integers",
    ),
    "name with a slash": (changed("name", value="../x"), "name", "'../x'", "lower-case letters"),
    "name with a line end": (changed("name", value="x\n"), "name", "'x\\n'", "lower-case letters"),
    "name of a kept folder": (
        changed("name", value="reference"),
        "name",
        "'reference'",
        "other than",
    ),
    "text for a number": (
        changed("training", "steps", value="5"),
        "training.steps",
        "'5'",
        "integer",
    ),
    "boolean for a number": (
        changed("training", "steps", value=True),
        "training.steps",
        "True",
        "an integer greater than 0",
    ),
    "float for an integer": (changed("seeds", value=[1.0]), "seeds[0]", "1.0", "an integer"),
    "negative seed": (changed("seeds", value=[0, -1]), "seeds[1]", "-1", "at least 0"),
    "duplicate seed": (
        changed("seeds", value=[3, 0, 3]),
        "seeds[2]",
        "3 again",
        "every value once",
    ),
    "no seeds": (changed("seeds", value=[]), "seeds", "[]", "one or more integers"),
    "no data sets": (changed("datasets", value={}), "datasets", "{}", "one or more data sets"),
    "no systems": (changed("systems", value={}), "systems", "{}", "one or more systems"),
    "no dims": (
        changed("datasets", "synthetic-8", "dims", value=[]),
        "datasets.synthetic-8.dims",
        "[]",
        "one or more integers of at least 0",
    ),
    "dim below 0": (
        changed("datasets", "synthetic-8", "dims", value=[2, -1]),
        "datasets.synthetic-8.dims[1]",
        "-1",
        "an integer of at least 0",
    ),
    "duplicate dim": (
        changed("datasets", "synthetic-8", "dims", value=[2, 4, 8, 2]),
        "datasets.synthetic-8.dims[3]",
        "2 again",
        "every value once",
    ),
    "unknown data set": (
        changed("datasets", "minst", value={"dims": [2]}),
        "datasets",
        "'minst'",
        "celeba-128, celeba-140, cifar10, fashion-mnist, mnist, synthetic-16",
    ),
    "unknown system": (changed("systems", "waemmd", value={}), "systems", "'waemmd'", "wae-mmd"),
    "unknown system of a label": (
        changed("systems", "mine", value={"system": "waemmd"}),
        "systems.mine.system",
        "'waemmd'",
        "wae-mmd",
    ),
    "control as a label": (
        changed("systems", "noise", value={"system": "aae"}),
        "systems",
        "'noise'",
        "other than real and noise",
    ),
    "no options": (changed("systems", "aae", value=None), "systems.aae", "None", "{} for none"),
    "unknown option": (
        changed("systems", "wae-mmd", value={"wieght": 1.0}),
        "systems.wae-mmd.wieght",
        "1.0",
        "weight",
    ),
    "option of the wrong type": (
        changed("systems", "wae-mmd", value={"weight": "high"}),
        "systems.wae-mmd.weight",
        "'high'",
        "a finite number",
    ),
    "infinite option": (
        changed("systems", "wae-mmd", value={"weight": float("inf")}),
        "systems.wae-mmd.weight",
        "inf",
        "a finite number",
    ),
    "option that is none of the choices": (
        changed("systems", "mask-aae", value={"mask_loss": "other"}),
        "systems.mask-aae.mask_loss",
        "'other'",
        "code, paper",
    ),
    "unknown kind of net": (changed("net", "kind", value="cnn"), "net.kind", "cnn", "mlp, conv"),
    "mlp without widths": (
        changed("net", "hidden", value=...),
        "net.hidden",
        "nothing",
        "layer widths",
    ),
    "conv with widths": (changed("net", "kind", value="conv"), "net.hidden", "[16]", "only kind"),
    "conv on vectors": (
        changed("net", value={"kind": "conv"}),
        "net.kind",
        "'conv'",
        "a net that fits synthetic-8",
    ),
    "map of a size that the net has not": (
        changed("net", value={"kind": "conv", "code": "map"})
        .replace("synthetic-8", "mnist")
        .replace("- 8", "- 49"),
        "net.kind",
        "'conv'",
        "49",
    ),
    "map for an mlp": (changed("net", "code", value="map"), "net.code", "'map'", "only kind"),
    "unknown code": (
        changed("net", value={"kind": "conv", "code": "grid"}),
        "net.code",
        "'grid'",
        "one of vector, map",
    ),
    "classifier on vectors": (
        changed("evaluation", value={"features": "classifier"}),
        "evaluation.features",
        "'classifier'",
        "raw",
    ),
    "classifier on vectors in a further protocol": (
        changed("protocols", value={"other": {"features": "classifier"}}),
        "protocols.other.features",
        "'classifier'",
        "raw",
    ),
    "inception on vectors": (
        changed("evaluation", value={"features": "inception"}),
        "evaluation.features",
        "'inception'",
        "raw",
    ),
    "resizer without inception": (
        changed("evaluation", value={"resizer": "bicubic"}),
        "evaluation.resizer",
        "'bicubic'",
        "only inception resizes",
    ),
    "vectors stretched": (
        changed("protocols", value={"stretched": {"stretch": True}}),
        "protocols.stretched.stretch",
        "True",
        "false, for synthetic-8 has no range",
    ),
    "best of one snapshot": (
        changed("evaluation", value={"checkpoint": "best-test"}),
        "evaluation.checkpoint",
        "'best-test'",
        "last, for training.snapshots is 1",
    ),
    "more snapshots than steps": (
        changed("training", "snapshots", value=6),
        "training.snapshots",
        "6",
        "at most one a step, 5",
    ),
    "a checkpoint of later snapshots": (
        changed("protocols", value={"a": {"checkpoint": 6}}).replace(
            "steps: 5", "steps: 5\n  snapshots: 5"
        ),
        "protocols.a.checkpoint",
        "6",
        "at most 5, training.snapshots",
    ),
    "a checkpoint before the first": (
        changed("evaluation", value={"checkpoint": 0}),
        "evaluation.checkpoint",
        "0",
        "an integer of at least 1, or one of last, best-validation, best-test",
    ),
    "half a checkpoint": (
        changed("evaluation", value={"checkpoint": 1.5}),
        "evaluation.checkpoint",
        "1.5",
        "an integer of at least 1, or one of last, best-validation, best-test",
    ),
    "an unknown checkpoint": (
        changed("evaluation", value={"checkpoint": "first"}),
        "evaluation.checkpoint",
        "'first'",
        "one of last, best-validation, best-test, or an integer of at least 1",
    ),
    "a checkpoint that is neither": (
        changed("evaluation", value={"checkpoint": True}),
        "evaluation.checkpoint",
        "True",
        "one of last, best-validation, best-test, or an integer of at least 1",
    ),
    "best of the split that is measured": (
        changed("evaluation", value={"checkpoint": "best-test"}).replace(
            "steps: 5", "steps: 5\n  snapshots: 5"
        ),
        "evaluation.checkpoint",
        "'best-test'",
        "a choice by other data than are measured, but in a further protocol",
    ),
    "best of the validation split, measured there": (
        changed(
            "protocols", value={"a": {"split": "validation", "checkpoint": "best-validation"}}
        ).replace("steps: 5", "steps: 5\n  snapshots: 5"),
        "protocols.a.checkpoint",
        "'best-validation'",
        "a choice by other data than are measured",
    ),
    "more samples than points held out": (
        changed("evaluation", value={"samples": 10_001}),
        "evaluation.samples",
        "10001",
        "at most 10000, the validation points of synthetic-8",
    ),
    "too few samples for neighbours": (
        changed("evaluation", value={"samples": 5, "metrics": ["neighbours"]}),
        "evaluation.samples",
        "5",
        "more than 5, for neighbours",
    ),
    "no draws": (
        changed("evaluation", value={"metrics": ["likelihood"], "draws": 0}),
        "evaluation.draws",
        "0",
        "an integer greater than 0",
    ),
    "half a draw": (
        changed("evaluation", value={"metrics": ["likelihood"], "draws": 0.5}),
        "evaluation.draws",
        "0.5",
        "an integer greater than 0",
    ),
    "draws of nothing": (
        changed("protocols", value={"a": {"metrics": ["intrinsic"], "draws": 9}}),
        "protocols.a.draws",
        "9",
        "no draws: only the metric likelihood has them",
    ),
    "labels of data without any": (
        changed("protocols", value={"a": {"metrics": ["intrinsic", "labels"]}}),
        "protocols.a.metrics[1]",
        "'labels'",
        "other metrics, for synthetic-8 has no labels",
    ),
    "unknown metric": (
        changed("evaluation", value={"metrics": ["dimension"]}),
        "evaluation.metrics[0]",
        "'dimension'",
        "one of interval, fd-infinity, kid, neighbours, likelihood, intrinsic, labels, moments",
    ),
    "metric twice": (
        changed("evaluation", value={"metrics": ["kid", "kid"]}),
        "evaluation.metrics[1]",
        "'kid' again",
        "every value once",
    ),
    "protocol called main": (
        changed("protocols", value={"main": {}}),
        "protocols",
        "'main'",
        "other than main",
    ),
    "override of a data set that is not in the study": (
        changed("overrides", value=[{"datasets": ["mnist"], "training": {"steps": 1}}]),
        "overrides[0].datasets[0]",
        "'mnist'",
        "one of synthetic-8",
    ),
    "override of a system that is not in the study": (
        changed("overrides", value=[{"systems": ["vae"]}]),
        "overrides[0].systems[0]",
        "'vae'",
        "one of wae-mmd, aae",
    ),
    "override with an unknown option": (
        changed("overrides", value=[{"systems": ["aae"], "options": {"wieght": 1.0}}]),
        "overrides[0].options.wieght",
        "1.0",
        "weight",
    ),
    "unknown split": (
        changed("evaluation", value={"split": "train"}),
        "evaluation.split",
        "'train'",
        "test, validation",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line_with_file_key_value_and_what_is_allowed(case, tmp_path, capsys):
    text, key, found, allowed = REFUSED[case]
    path = tmp_path / "absent.yaml" if text is None else write(tmp_path, text)
    assert cli.main(["cells", str(path)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert err.startswith(f"bench: error: {path}: {key}: found ")
    said_found, said_allowed = err.split(": found ")[1].split("; allowed: ")
    assert found in said_found
    assert allowed in said_allowed


def test_defaults(tmp_path):
    it = study.read(write(tmp_path, yaml.safe_dump(GOOD)))
    assert it.master_seed == 0
    assert it.protocols == {"main": study.Evaluation("test", "raw", samples=10_000)}
    assert it.plan("synthetic-8", "aae") == study.Plan(
        study.System("aae", {}), study.Net("mlp", (16,)), study.Training(5, 64, "falling", 1)
    )


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_are_valid_and_named_as_their_files(path):
    assert study.read(path).name == path.stem


def test_the_schema_knows_all_features():
    known = study._schema()["$defs"]["evaluation"]["properties"]
    assert sorted(known["features"]["enum"]) == sorted(features.names())
    assert known["resizer"]["enum"] == list(features.RESIZERS)


def test_the_schema_knows_all_nets():
    kinds = study._schema()["$defs"]["net"]["properties"]["kind"]["enum"]
    assert kinds == ["mlp", *published._FORMS]


def test_expansion_is_by_dataset_system_seed_dim(tmp_path):
    document = GOOD | {
        "seeds": [1, 0],
        "datasets": {"synthetic-8": {"dims": [8, 2]}, "mnist": {"dims": [4]}},
    }
    it = study.read(write(tmp_path, yaml.safe_dump(document, sort_keys=False)))
    assert it.curves() == [
        study.Curve(dataset, system, seed, dims)
        for dataset, dims in [("synthetic-8", (2, 8)), ("mnist", (4,))]
        for system in ("wae-mmd", "aae")
        for seed in (0, 1)
    ]
    assert it.cells()[:4] == [
        study.Cell("synthetic-8", "wae-mmd", 2, 0),
        study.Cell("synthetic-8", "wae-mmd", 8, 0),
        study.Cell("synthetic-8", "wae-mmd", 2, 1),
        study.Cell("synthetic-8", "wae-mmd", 8, 1),
    ]
    assert len(it.cells()) == 12


def test_a_label_may_stand_for_a_variant(tmp_path):
    text = changed("systems", value={"mine": {"system": "wae-mmd", "weight": 2}, "aae": {}})
    it = study.read(write(tmp_path, text))
    assert it.systems == ("mine", "aae")
    mine = it.plan("synthetic-8", "mine").system
    assert mine == study.System("wae-mmd", {"weight": 2.0})
    assert type(mine.options["weight"]) is float
    assert it.plan("synthetic-8", "aae").system == study.System("aae", {})


def test_scientific_notation_is_a_number(tmp_path):
    text = changed("systems", value={"wae-mmd": {"lr": "LR"}}).replace("LR", "1e-3")
    plan = study.read(write(tmp_path, text)).plan("synthetic-8", "wae-mmd")
    assert plan.system.options == {"lr": 0.001}


def test_overrides_change_what_they_name_and_later_ones_win(tmp_path):
    document = GOOD | {
        "datasets": {"synthetic-8": {"dims": [2]}, "mnist": {"dims": [4]}},
        "overrides": [
            {"datasets": ["mnist"], "net": {"kind": "conv"}, "training": {"steps": 7}},
            {"systems": ["wae-mmd"], "options": {"weight": 2}, "training": {"batch": 8}},
            {"datasets": ["mnist"], "systems": ["wae-mmd"], "options": {"lr": 1.0}},
        ],
    }
    it = study.read(write(tmp_path, yaml.safe_dump(document, sort_keys=False)))
    mlp, conv = study.Net("mlp", (16,)), study.Net("conv")
    wae = {"weight": 2.0, "lr": 1.0}
    assert it.plans == {
        ("synthetic-8", "wae-mmd"): study.Plan(
            study.System("wae-mmd", {"weight": 2.0}), mlp, study.Training(5, 8)
        ),
        ("synthetic-8", "aae"): study.Plan(study.System("aae", {}), mlp, study.Training(5, 64)),
        ("mnist", "wae-mmd"): study.Plan(study.System("wae-mmd", wae), conv, study.Training(7, 8)),
        ("mnist", "aae"): study.Plan(study.System("aae", {}), conv, study.Training(7, 64)),
    }


def test_protocols_are_the_evaluation_with_changes(tmp_path):
    document = GOOD | {
        "datasets": {"mnist": {"dims": [4]}},
        "training": {"steps": 5, "snapshots": 5},
        "evaluation": {"features": "inception", "resizer": "bilinear", "samples": 70},
        "protocols": {
            "a": {"resizer": "bicubic"},
            "b": {"checkpoint": "best-test"},
            "c": {"features": "classifier"},
        },
    }
    it = study.read(write(tmp_path, yaml.safe_dump(document)))
    main = study.Evaluation(features="inception", resizer="bilinear", samples=70)
    assert it.protocols == {
        "main": main,
        "a": dataclasses.replace(main, resizer="bicubic"),
        "b": dataclasses.replace(main, checkpoint="best-test"),
        "c": dataclasses.replace(main, features="classifier", resizer=None),
    }
    assert [one.extractor for one in it.protocols.values()] == [
        "inception-bilinear",
        "inception-bicubic",
        "inception-bilinear",
        "classifier",
    ]


def test_draws_come_with_the_likelihood_and_go_with_it(tmp_path):
    document = GOOD | {
        "evaluation": {"metrics": ["likelihood", "intrinsic"], "draws": 7},
        "protocols": {
            "other-split": {"split": "validation"},
            "other-metrics": {"metrics": ["intrinsic"]},
            "fewer-metrics": {"metrics": ["likelihood"]},
            "more-draws": {"draws": 70},
        },
    }
    it = study.read(write(tmp_path, yaml.safe_dump(document)))
    assert {name: one.draws for name, one in it.protocols.items()} == {
        "main": 7,
        "other-split": 7,
        "other-metrics": None,
        "fewer-metrics": 7,
        "more-draws": 70,
    }
    document = GOOD | {"protocols": {"bounds": {"metrics": ["likelihood"]}}}
    it = study.read(write(tmp_path, yaml.safe_dump(document)))
    assert [one.draws for one in it.protocols.values()] == [None, 50]


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (study.Net("mlp", (128, 64)), "mlp 128-64"),
        (study.Net("dcgan"), "dcgan"),
        (study.Net("flexae", code="map"), "flexae map"),
    ],
)
def test_a_nets_name_in_records(net, text):
    assert str(net) == text


def test_reading_a_study_without_options_imports_no_torch(tmp_path):
    path = write(tmp_path, yaml.safe_dump(GOOD))
    code = f"import sys; from bench import study; study.read({str(path)!r}); print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "bench.study" in modules.stdout.split()
    assert "torch" not in modules.stdout.split()
