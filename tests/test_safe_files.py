"""Nothing that is loaded runs code, and nothing that is downloaded is used unchecked."""

import ast
import contextlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml

from bench import cli, data
from bench.data import cifar10
from bench.features import classifier, inception
from bench.mistake import Mistake
from bench.report import results

ROOT = Path(__file__).parents[1]
ROOMS = ("bench", "benchmarks", "workflow")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
RUNNING = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "code"}
UNSAFE_YAML = {"load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"}
CONNECTING = {"urlopen", "urlretrieve", "download_url", "download_and_extract_archive", "socket"}
CONNECTING |= {"download_file_from_google_drive", "load_state_dict_from_url", "requests"}
# An unpickler that knows arrays only, and the name of an error.
PICKLE_IN = {"bench/data/cifar10.py": {"Unpickler", "UnpicklingError"}}
PICKLE_IN["bench/features/inception.py"] = {"UnpicklingError"}


def dangers(text, allowed=frozenset()):
    """What a source says that could run what a file holds."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = {it.name.split(".")[0] for it in node.names}
            yield from names & RUNNING - ({"pickle"} if allowed else set())
        elif isinstance(node, ast.ImportFrom):
            yield from {(node.module or "").split(".")[0]} & RUNNING
        elif isinstance(node, ast.Attribute):
            of = ast.unparse(node.value)
            if (of == "pickle" and node.attr not in allowed) or node.attr == "read_pickle":
                yield f"{of}.{node.attr}"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            said = {it.arg: ast.unparse(it.value) for it in node.keywords}
            if said.get("allow_pickle", "False") != "False":
                yield f"{name}(allow_pickle)"
            if name.startswith("yaml.") and name.split(".")[1] in UNSAFE_YAML:
                yield name
            if name in ("torch.load", "torch.hub.load") and said.get("weights_only") != "True":
                yield name
            if name in ("eval", "exec", "compile", "__import__", "os.system"):
                yield name
            if said.get("shell", "False") != "False" or name == "np.fromregex":
                yield f"{name}(shell)"


def test_no_source_loads_what_could_run_code():
    found = {}
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        told = list(dangers(path.read_text(encoding="utf-8"), PICKLE_IN.get(name, frozenset())))
        found |= {name: told} if told else {}
    assert len(SOURCES) > 100
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader)",
        "yaml.unsafe_load(text)",
        "pd.read_pickle(path)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_walk_through_the_sources_sees(text):
    assert list(dangers(text))


class Code:
    """What makes a file when it is unpickled."""

    made = None

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The folder that is there once a payload has run."""
    monkeypatch.setattr(Code, "made", tmp_path / "made")
    pickle.loads(pickle.dumps(Code()))
    Code.made.rmdir()  # the payload works
    return Code.made


def test_a_gallery_runs_no_code(made, tmp_path):
    path = tmp_path / "vae.npz"
    np.savez(path, dims=np.array([Code()], dtype=object))
    with pytest.raises(Mistake, match=f"^{path}: [^\n]*$"):
        results._pictures(path)
    assert not made.exists()


def test_a_batch_of_cifar_runs_no_code(made, tmp_path):
    with pytest.raises(Mistake, match="^batch holds more than arrays: [^\n]*$"):
        cifar10._decode(Path("batch"), pickle.dumps({"data": Code()}, protocol=2))
    assert not made.exists()


@pytest.mark.parametrize("where", ["a value", "the document", "a key"])
def test_a_study_runs_no_code(where, made, tmp_path, capsys):
    code = f"!!python/object/apply:os.mkdir ['{made}']"
    text = {"a value": f"name: {code}\n", "the document": code, "a key": f"? {code}\n: x\n"}[where]
    with contextlib.suppress(yaml.YAMLError):  # what is made is no key, afterwards
        yaml.unsafe_load(text)
    made.rmdir()  # the payload works
    path = tmp_path / "study.yaml"
    path.write_text(text)
    assert cli.main(["cells", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not made.exists()


def pinned():
    """Every file from outside, by name, with its hash as it is pinned."""
    yield "inception", inception.SHA256
    for name in sorted(classifier.NETS):
        yield name, classifier.NETS[name].sha256
    for name in data.names():
        source = getattr(data.kind(name), "source", None)
        if source is None:
            continue
        if hasattr(source, "resources"):
            yield from ((f"{name} {file}", md5) for file, md5 in source.resources)
        elif hasattr(source, "tgz_md5"):
            yield f"{name} {source.filename}", source.tgz_md5
            yield from (
                (f"{name} {file}", md5) for file, md5 in (*source.train_list, *source.test_list)
            )
        else:
            sources = data.kind(name)._sources()
            yield from ((f"{name} {file}", md5) for file, (_, md5) in sources.items())


def test_every_file_from_outside_has_a_pinned_hash():
    found = dict(pinned())
    assert all(len(it) in (32, 64) and set(it) <= set("0123456789abcdef") for it in found.values())
    known = {"inception": [Path("inception")]} | {
        name: data.kind(name).files("root") for name in data.names()
    }
    for name, files in known.items():
        for file in files:
            assert file.name in found or f"{name} {file.name}" in found, file


def test_everything_from_outside_goes_through_the_check():
    """Nothing but `bench.downloads` opens a connection, and CelebA's source, which it calls."""
    users = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
        and (ast.unparse(node).split(".")[-1] in CONNECTING)
    ]
    assert set(users) == {"bench/downloads.py", "bench/data/celeba_140.py"}
