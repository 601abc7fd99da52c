"""What the documents show works as shown: a new system, data set and claim, one file each."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("results/toy/", "results/cells/", ".snakemake/")


def shown():
    """The files that the documents show: a path, and the block of code that it introduces."""
    text = "\n".join(
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("adding.md", "claims.md")
    )
    return dict(re.findall(r"`([\w/.-]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL))


def hashes(folder):
    files = (it for it in folder.rglob("*") if it.is_file() and "__pycache__" not in it.parts)
    return {
        it.relative_to(folder).as_posix(): hashlib.sha256(it.read_bytes()).hexdigest()
        for it in files
    }


def run(folder, *command):
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, as a new user has it, and the hashes of its files."""
    folder = tmp_path_factory.mktemp("project")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.splitlines():
        if (ROOT / name).exists() and not name.startswith("results/reference/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)
    return folder, hashes(folder)


def test_a_system_a_data_set_and_a_claim_are_one_file_each(project):
    folder, before = project
    files = shown()
    assert sorted(files) == [
        "bench/data/swiss_roll.py",
        "bench/report/claims/ledger/short-codes-better.yaml",
        "bench/systems/short_vae.py",
        "workflow/config/toy.yaml",
    ]
    assert not set(files) & set(before)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    told = run(folder, "snakemake", "--cores", "2", "--configfile", "workflow/config/toy.yaml")

    results = folder / "results" / "toy"
    verdicts = json.loads((results / "claims.json").read_text(encoding="utf-8"))["verdicts"]
    (verdict,) = (it for it in verdicts if it["claim"] == "short-codes-better")
    assert (verdict["dataset"], verdict["system"]) == ("swiss-roll", "short-vae")
    assert verdict["seeds"] == [0, 1, 2]
    assert verdict["verdict"] in ("reproduced", "not reproduced", "inconclusive")
    assert "short-codes-better · swiss-roll · short-vae" in told
    page = (results / "report.html").read_text(encoding="utf-8")
    for text in ("Short codes make better samples", "swiss-roll", "short-vae", verdict["finding"]):
        assert text in page

    after = hashes(folder)
    assert {name: after.get(name) for name in before} == before
    new = {name for name in set(after) - set(before) if not name.startswith(OURS)}
    assert new == set(files)
