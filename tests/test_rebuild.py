"""From the reference records alone, without torch, everything is rebuilt byte for byte."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/records.csv"))
DRAWN = [folder for folder in REFERENCE if any(folder.glob("*.svg"))]
TORCH = ["torch", "torchvision", "torchgen", "functorch", "triton", "nvidia", "safetensors"]
TORCH += ["numba", "pytorch_fid", "torch_fidelity", "zuko"]
REBUILD = """
import contextlib, importlib.util, pathlib, sys, time
(root, installed, absent, out), folders = sys.argv[1:5], sys.argv[5:]
sys.path += [root, *installed.split(":")]
found = [name for name in absent.split() if importlib.util.find_spec(name)]
assert not found, found
from bench import cli
with contextlib.suppress(SystemExit):
    cli.main(["--help"])
for folder in map(pathlib.Path, folders):
    to = pathlib.Path(out, folder.name)
    to.mkdir(parents=True)
    for verb, name in (("tables", "tables"), ("figures", "figures"), ("claims", "claims.json"),
                       ("report", "report.html")):
        with (to / f"{verb}.txt").open("w", encoding="utf-8") as text:
            with contextlib.redirect_stdout(text):
                drawn = ["--figures", str(to / "figures")] if verb == "report" else []
                told = [verb, str(folder / "records.csv"), *drawn, "--out", str(to / name)]
                assert not cli.main(told)
assert "torch" not in sys.modules
print("seconds", time.process_time())
"""


def without_torch(folder):
    """A folder of links to all that is installed, but torch and what needs it."""
    for installed in installed_in():
        for entry in Path(installed).iterdir():
            name = entry.name.lower()
            needs = name.startswith(("nvidia", *(f"{it}{end}" for it in TORCH for end in ".-_")))
            if not needs and name not in TORCH and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)
    return folder


def installed_in():
    return sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def files(folder):
    return {it.relative_to(folder): it.read_bytes() for it in folder.rglob("*") if it.is_file()}


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """All that is made of the reference records, without torch; the seconds that took (of one
    processor); and what is made where torch is installed."""
    base = tmp_path_factory.mktemp("rebuilt")
    (base / "site").mkdir()
    runs = {
        "without": (str(without_torch(base / "site")), " ".join(TORCH)),
        "with": (":".join(installed_in()), ""),
    }
    # Neither the environment nor `site` adds a folder: what is given is all there is.
    told = {}
    for name, where in runs.items():
        command = [sys.executable, "-I", "-S", "-c", REBUILD, ROOT, *where, base / name]
        run = subprocess.run([*command, *REFERENCE], cwd=base, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        told[name] = run.stdout
    seconds = float(told["without"].split()[-1])
    return files(base / "without"), seconds, files(base / "with")


def test_all_is_rebuilt_without_torch_byte_for_byte(rebuilt):
    here, _, there = rebuilt
    assert sorted(here) == sorted(there)
    assert [str(path) for path in here if here[path] != there[path]] == []
    for folder in REFERENCE:
        made = {path.relative_to(folder.name) for path in here if path.parts[0] == folder.name}
        assert made >= {Path("claims.json"), Path("report.html")}
        assert {path.parts[0] for path in made} >= {"tables", "figures"}


def test_all_is_rebuilt_within_a_minute(rebuilt):
    assert rebuilt[1] < 60


@pytest.mark.parametrize("folder", DRAWN, ids=lambda folder: folder.name)
def test_committed_figures_are_what_is_drawn_now(rebuilt, folder):
    """Where they are not, `make reference` draws them anew."""
    made = rebuilt[0]
    drawings = sorted(folder.glob("*.svg"))
    old = [
        it.name for it in drawings if made[Path(folder.name, "figures", it.name)] != it.read_bytes()
    ]
    assert old == []


@pytest.mark.parametrize("folder", REFERENCE, ids=lambda folder: folder.name)
def test_committed_verdicts_are_what_is_judged_now(rebuilt, folder):
    """Where they are not, `make reference` writes them anew; a claim may be newer than they are."""
    committed = verdicts((folder / "verdicts.txt").read_text(encoding="utf-8"))
    judged = verdicts(rebuilt[0][Path(folder.name, "claims.txt")].decode())
    old = {claim for claim, _ in committed}
    assert old
    assert [it for it in judged if it[0] in old] == committed


def test_the_documents_show_a_verdict_as_it_is():
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    ((folder, shown),) = re.findall(
        r"    .* claims (\S+)/records.csv --out .*?\n\n    (reproduced .*?)\n\n", text, re.DOTALL
    )
    every = (ROOT / folder / "verdicts.txt").read_text(encoding="utf-8")
    assert " ".join(shown.split()) in " ".join(every.split())


def test_the_readmes_table_is_the_suites_own(rebuilt):
    """The distances on synthetic-8, the first of the table's parts."""
    made = rebuilt[0][Path("synthetic", "tables", "table-synthetic-8.md")].decode()
    (_, _, _, part, *_) = made.split("\n\n")
    assert part.startswith("| m ")
    assert f"\n\n{part}\n\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def verdicts(text):
    """The claim of each verdict, and its two lines."""
    lines = text.splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [(first[14:].split(" · ")[0].strip(), f"{first}\n{second}") for first, second in pairs]
