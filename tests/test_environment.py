"""The lock, the conda environment and pyproject.toml say the same."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {
    "playwright-python": "playwright",
    "pytorch": "torch",
    "snakemake-minimal": "snakemake",
}
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def locked(python):
    """Name to version, on Linux with that Python."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    found = {}
    for line in LOCK.splitlines():
        requirement = Requirement(line)
        if requirement.marker is None or Marker(str(requirement.marker)).evaluate(environment):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            assert requirement.name not in found
            found[requirement.name] = pin.version
    return found


def conda():
    """Name (PyPI's) to version."""
    pins = (line.split("=") for line in CONDA["dependencies"] if line != "pip")
    return {CONDA_NAMES.get(name, name): version for name, version in pins}


def direct():
    """The direct dependencies: to run, to develop, to build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [
        Requirement(line)
        for line in (
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["dev"],
            *project["build-system"]["requires"],
        )
    ]


def test_the_lock_pins_versions_and_holds_no_url():
    assert locked("3.11")
    assert "://" not in LOCK
    assert not re.search(r"^\s*-|@", LOCK, flags=re.MULTILINE)


def test_conda_has_the_locked_versions_and_nothing_else():
    pins = conda()
    python = pins.pop("python")
    lock = locked(python)
    assert pins == {name: lock[name] for name in pins}


def test_all_direct_dependencies_are_in_both_at_versions_that_pyproject_allows():
    lock, pins = locked("3.11"), conda()
    for requirement in direct():
        assert requirement.name in pins
        assert lock[requirement.name] in requirement.specifier


def test_the_lock_serves_each_python_that_pyproject_allows():
    for python in ("3.11", "3.12", "3.13"):
        assert {it.name for it in direct()} <= set(locked(python))
