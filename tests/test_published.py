"""Published numbers: the reader refuses what is wrong; the files say what their sources say."""

import dataclasses
import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from bench import published, systems
from bench.mistake import Mistake


@pytest.fixture(scope="module")
def table():
    return published.read()


def of(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def test_types_and_files(table):
    assert dict(table.dtypes.astype(str)) == {"paper": "string"} | published.COLUMNS
    names = ["ard-vae", "homoencoder", "mask-aae", "rae", "two-stage-vae", "wae"]
    assert table["paper"].drop_duplicates().tolist() == names
    assert table.groupby("paper")["source"].nunique().eq(1).all()


@pytest.mark.parametrize(
    ("wanted", "value", "confidence"),
    [
        (("mask-aae", "MaskAAE", "celeba-128", "fid"), 40.5, "unverified"),
        (("two-stage-vae", "VAE, learned γ", "cifar10", "fid"), 76.7, "read"),
        (("two-stage-vae", "LSGAN", "cifar10", "fid"), 87.1, "read"),
        (("two-stage-vae", "2-Stage VAE", "celeba-140", "fid"), 34, "read"),
        (("wae", "WAE-GAN", "celeba-140", "fid"), 42, "read"),
        (("ard-vae", "MaskAAE", "mnist", "fid"), 144.92, "read"),
        (("ard-vae", "MaskAAE", "cifar10", "discovered_mask"), 3.8, "read"),
    ],
)
def test_key_numbers(table, wanted, value, confidence):
    paper, system, dataset, metric = wanted
    rows = of(table, paper=paper, system=system, dataset=dataset, metric=metric)
    assert (rows["value"].item(), rows["confidence"].item()) == (value, confidence)


def test_every_number_of_rae_has_its_own_confidence(table):
    rows = of(table, paper="rae").set_index(["system", "dataset", "sampler"])
    assert rows["confidence"].value_counts().to_dict() == {"read": 22, "unverified": 29}
    assert rows.loc[("RAE-L2", "mnist", "mixture-10"), "confidence"] == "read"
    assert rows.loc[("RAE-L2", "mnist", "gaussian"), "confidence"] == "unverified"
    assert rows.loc[("RAE-GP", "celeba-140", "gaussian"), "value"] == 116.30
    # The two-stage VAE has a sampler of its own only.
    assert ("2sVAE", "mnist", "mixture-10") not in rows.index


def test_whole_tables_and_nothing_twice(table):
    counts = table.groupby(["paper", "place"], sort=True).size()
    assert counts.loc[("two-stage-vae", "Table 1")] == 13 * 4
    assert counts.loc[("mask-aae", "Table 1")] == 2 * 4
    assert counts.loc["rae"].sum() == (9 * 2 - 1) * 3
    trained = of(table, paper="two-stage-vae", place="Table 1").dropna(subset="base")
    assert set(trained["trials"]) == {10}
    assert set(trained["dim"]) == {64}
    assert trained["spread"].notna().all()


def test_nats_fall_with_the_epoch_and_the_homoencoder_needs_fewer(table):
    nats = of(table, metric="nats").pivot(index="epoch", columns="system", values="value")
    assert nats.index.tolist() == [50, 100, 300]
    assert nats.diff().dropna().lt(0).all(axis=None)
    assert (nats["VHE"] < nats["VAE"]).all()
    assert of(table, metric="gradient_ratio")["value"].tolist() == [1.8, 1.03]


def test_options_exist_and_a_null_stands_for_the_default(table):
    rows = table.dropna(subset="options")[["base", "options"]].drop_duplicates()
    for base, options in rows.itertuples(index=False):
        fields = {f.name: f.default for f in dataclasses.fields(systems.load(base).Options)}
        for name, fits in json.loads(options).items():
            own = fits if isinstance(fits, list) else [fits]
            assert (None in own) == (fields[name] in own), (base, name)


@pytest.mark.parametrize(
    ("own", "fits"),
    [
        ({"regulariser": "l2", "density": "gaussian"}, True),
        ({"density": "gaussian"}, True),
        ({"density": "gaussian", "lr": 0.1}, True),
        ({"regulariser": "gp", "density": "gaussian"}, False),
        ({"regulariser": "l2"}, False),
    ],
)
def test_matches(own, fits):
    assert published.matches('{"regulariser": ["l2", null], "density": "gaussian"}', own) == fits


def test_no_options_fit_any():
    assert published.matches(None, {"lr": 0.1})
    assert published.matches(pd.NA, {})


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("value", "about 12", "value is about 12, not a number"),
        ("value", "nan", "value is nan, not a number"),
        ("value", "", "value is empty"),
        ("spread", "-1", "spread is -1, not a number ≥ 0"),
        ("dim", "6.5", "dim is 6.5, not a count"),
        ("confidence", "sure", "confidence is sure, not one of read, unverified, inferred"),
        ("dataset", "celeba", "dataset is celeba, not one of"),
        ("base", "gan", "base is gan, not one of"),
        ("options", "[1]", r"options are \[1\], not a JSON object"),
        ("source", "", "source is empty"),
    ],
)
def test_a_bad_value_is_named_by_file_and_line(column, value, words, tmp_path):
    path = tmp_path / "wae.csv"
    rows = pd.read_csv(published.FOLDER / "wae.csv", dtype=str, keep_default_na=False)
    rows.loc[1, column] = value
    rows.to_csv(path, index=False)
    with pytest.raises(Mistake, match=rf"wae\.csv, line 3: {words}"):
        published.read(tmp_path)


def test_other_mistakes(tmp_path):
    with pytest.raises(Mistake, match="no files of published numbers"):
        published.read(tmp_path)
    path = tmp_path / "wae.csv"
    shutil.copy(published.FOLDER / "wae.csv", path)
    text = path.read_text()
    path.write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(Mistake, match="one number twice: wae, FID on CelebA, VAE"):
        published.read(tmp_path)
    path.write_text(text + "\n" + text.splitlines()[1] + "\n")
    with pytest.raises(Mistake, match="line 5: system is empty"):
        published.read(tmp_path)
    path.write_text(text.replace("spread", "sd", 1))
    with pytest.raises(Mistake, match="the columns of published numbers are"):
        published.read(tmp_path)


def test_reading_imports_no_torch():
    code = "import sys; from bench import published; published.read(); "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
