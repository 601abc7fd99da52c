"""What a curve was trained with: what is told of it and what is not, and how curves are joined."""

import getpass
import json
import socket
from importlib import metadata
from pathlib import Path

import pytest
import torch

from bench import cli, environment
from bench.mistake import Mistake


def test_what_decides_numbers_is_told_and_who_ran_it_is_not(tmp_path):
    path = tmp_path / "environment.json"
    environment.write(path)
    told = json.loads(path.read_text())
    assert told["scikit-learn"] == metadata.version("scikit-learn")
    assert told["instructions"] == torch.backends.cpu.get_cpu_capability()
    assert told["threads"] == str(torch.get_num_threads())
    for private in (socket.gethostname(), str(Path.home()), str(tmp_path), getpass.getuser()):
        assert not any(private in value for value in told.values())
    before = path.read_bytes()
    environment.write(path)
    assert path.read_bytes() == before


def test_curves_are_joined_with_counts(tmp_path):
    for name, threads in (("a", "1"), ("b", "2"), ("c", "1")):
        (tmp_path / name).write_text(json.dumps({"python": "3.11", "threads": threads}))
    files, out = [str(tmp_path / name) for name in "bca"], tmp_path / "all.json"
    assert cli.main(["environment", *files, "--out", str(out)]) == 0
    key = environment.digest({"python": "3.11"})
    described = {"python": {"3.11": 3}, "threads": {"1": 2, "2": 1}}
    assert environment.read(out) == {key: described}
    environment.collect(reversed(files), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == out.read_bytes()


def test_another_package_machine_or_instruction_set_is_another_environment(tmp_path):
    described = environment.describe()
    for name in described:
        changed = environment.digest(described | {name: "other"}) != environment.digest(described)
        assert changed == (name != "threads")
    for name, torch_version in (("a", "1"), ("b", "2"), ("c", "1")):
        (tmp_path / name).write_text(json.dumps({"torch": torch_version}))
    environment.collect([tmp_path / name for name in "abc"], tmp_path / "all.json")
    found = environment.read(tmp_path / "all.json")
    assert found == {
        environment.digest({"torch": "1"}): {"torch": {"1": 2}},
        environment.digest({"torch": "2"}): {"torch": {"2": 1}},
    }


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"python": 3}', '{"a": {"python": {"3.11": "many"}}}', '{"a": {"python": 3}}'],
)
def test_what_is_no_environment_is_refused(tmp_path, text):
    path = tmp_path / "environment.json"
    path.write_text(text)
    with pytest.raises(Mistake, match=r"environment\.json: not an environment"):
        environment.read(path)
    with pytest.raises(Mistake, match=r"environment\.json: not an environment"):
        environment.collect([path], tmp_path / "out.json")
