"""The study file: read it, validate it, and expand it to curves and cells."""

import dataclasses
import importlib
import importlib.resources
import json
import math
import re
import reprlib
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import yaml

from bench import data, systems
from bench.mistake import Mistake

__all__ = [
    "Cell",
    "Curve",
    "Evaluation",
    "Net",
    "Study",
    "StudyError",
    "System",
    "Training",
    "read",
]


class StudyError(Mistake):
    """A study that cannot be used: one line with file, key, value found, and what is allowed."""


@dataclass(frozen=True)
class Curve:
    """The cells of one data set, system and seed over latent dimensions: trained as one stack."""

    dataset: str
    system: str
    seed: int
    dims: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One model to train."""

    dataset: str
    system: str
    dim: int
    seed: int


@dataclass(frozen=True)
class System:
    """What a label in the study stands for: a name in `bench.systems.names()` and its options."""

    base: str
    options: dict[str, int | float | str | bool]


@dataclass(frozen=True)
class Net:
    """The net of all cells: `mlp` with the widths of its hidden layers, or `conv`."""

    kind: str
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Training:
    """The budget of one cell: optimisation steps and rows per batch."""

    steps: int
    batch: int = 64


@dataclass(frozen=True)
class Evaluation:
    """The protocol: evaluation split, feature extractor, number of samples."""

    split: str = "test"
    features: str = "raw"
    samples: int = 10_000


@dataclass(frozen=True)
class Study:
    """A validated study. Dimensions and seeds ascend; the rest is in the file's order."""

    name: str
    seeds: tuple[int, ...]
    datasets: dict[str, tuple[int, ...]]
    systems: dict[str, System]
    net: Net
    training: Training
    evaluation: Evaluation = Evaluation()
    master_seed: int = 0

    def curves(self) -> list[Curve]:
        """All curves, by data set, then system, then seed."""
        return [
            Curve(dataset, system, seed, dims)
            for dataset, dims in self.datasets.items()
            for system in self.systems
            for seed in self.seeds
        ]

    def cells(self) -> list[Cell]:
        """All cells: the curves in their order, each by dimension."""
        return [
            Cell(curve.dataset, curve.system, dim, curve.seed)
            for curve in self.curves()
            for dim in curve.dims
        ]


def read(path: str | Path) -> Study:
    """The study in a YAML file.

    Raises:
        StudyError: the file cannot be read, is no YAML, or holds something that is not allowed.
    """
    document = _load(path)
    _validate(path, document, _schema())
    _refuse_vectors(path, document)
    return Study(
        name=document["name"],
        master_seed=document.get("master_seed", 0),
        seeds=tuple(sorted(document["seeds"])),
        datasets={name: tuple(sorted(it["dims"])) for name, it in document["datasets"].items()},
        systems={
            label: _system(path, label, options, document["datasets"])
            for label, options in document["systems"].items()
        },
        net=Net(document["net"]["kind"], tuple(document["net"].get("hidden", ()))),
        training=Training(**document["training"]),
        evaluation=Evaluation(**document.get("evaluation", {})),
    )


class _Loader(yaml.SafeLoader):
    """YAML with 1e-3 a number (PyYAML knows only 1.0e-3)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _load(path: str | Path) -> object:
    try:
        loader = _Loader(Path(path).read_text(encoding="utf-8"))
        node = loader.get_single_node()
        _refuse_bad_keys(path, node, (), set())
        return loader.construct_document(node) if node else None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise _error(path, (), f"no readable file ({reason})", "a study file in YAML") from None
    except StudyError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise _error(path, (), f"invalid YAML ({error})", "a study file in YAML") from None


def _refuse_bad_keys(path, node: yaml.Node | None, where: tuple, seen: set[int]) -> None:
    """PyYAML keeps the last of two equal keys without a word; here every key is text and unique."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _error(path, where, f"the key {key.value!r}", "keys that are text")
            if key.value in keys:
                found = f"the key again on line {key.start_mark.line + 1}"
                raise _error(path, (*where, key.value), found, "every key once")
            keys.add(key.value)
            _refuse_bad_keys(path, value, (*where, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _refuse_bad_keys(path, value, (*where, i), seen)


def _schema() -> dict:
    """The study's schema, with the data sets that exist."""
    resource = importlib.resources.files("bench") / "study.schema.json"
    schema = json.loads(resource.read_text(encoding="utf-8"))
    names = list(data.names())
    schema["properties"]["datasets"]["propertyNames"] = {
        "enum": names,
        "description": f"one of {', '.join(names)}",
    }
    return schema


def _refuse_vectors(path: str | Path, document: dict) -> None:
    """What only images have; a data set's class (and so torch) is imported only to find out."""
    for section, key, value, instead in (
        ("net", "kind", "conv", "mlp"),
        ("evaluation", "features", "classifier", "raw"),
    ):
        if document.get(section, {}).get(key) != value:
            continue
        for name in document["datasets"]:
            if len(data.kind(name).shape) != 3:
                allowed = f"{instead}, for {name} has no images"
                raise _error(path, (section, key), reprlib.repr(value), allowed)


def _system(path: str | Path, label: str, options: dict, datasets: Iterable[str]) -> System:
    """A system of the study; its class (and so torch) is imported only to check options."""
    where, base = ("systems", label), options.get("system", label)
    if base not in systems.names():
        allowed = f"one of {', '.join(systems.names())}"
        if "system" in options:
            raise _error(path, (*where, "system"), reprlib.repr(base), allowed)
        raise _error(
            path, where[:1], reprlib.repr(label), f"{allowed}, or a key system that names one"
        )
    options = {key: value for key, value in options.items() if key != "system"}
    if not options:
        return System(base, {})
    system = systems.load(base)
    cls = system.Options
    fields, types = dataclasses.fields(cls), typing.get_type_hints(cls)
    schema = {
        "additionalProperties": False,
        "properties": {field.name: _property(types[field.name]) for field in fields},
    }
    _validate(path, options, schema, where)
    options = {
        key: float(value) if types[key] is float else value for key, value in options.items()
    }
    try:
        chosen = cls(**options)
    except ValueError as error:
        raise _error(path, where, reprlib.repr(options), str(error)) from None
    from bench.systems.base import Space

    for name in datasets:
        kind = data.kind(name)
        if lack := system.needs(chosen, Space(kind.shape, kind.bounded())):
            raise _error(path, where, reprlib.repr(options), f"{lack}, which {name} is not")
    return System(base, options)


_JSON = {
    bool: {"type": "boolean", "description": "true or false"},
    int: {"type": "integer", "description": "an integer"},
    float: {"type": "number", "description": "a finite number"},
    str: {"type": "string", "description": "text"},
}


def _property(annotation: type) -> dict:
    """The JSON schema of an option, from its annotation: int, float, str, bool or a Literal."""
    if typing.get_origin(annotation) is typing.Literal:
        choices = list(typing.get_args(annotation))
        return {"enum": choices, "description": f"one of {', '.join(map(str, choices))}"}
    return _JSON[annotation]


def _is_integer(_, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: object) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


# JSON Schema takes 1.0 for an integer and infinity for a number.
_VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _validate(path: str | Path, document: object, schema: dict, where: tuple = ()) -> None:
    """Raise a `StudyError` for the most telling error of a document that breaks the schema."""
    error = jsonschema.exceptions.best_match(_VALIDATOR(schema).iter_errors(document))
    if error is None:
        return
    where = (*where, *error.absolute_path)
    found, allowed = error.instance, error.schema.get("description")
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(key for key in found if key not in known)
        where, found, allowed = (*where, unknown), found[unknown], f"only {', '.join(known)}"
        raise _error(path, where, f"an unknown key with {reprlib.repr(found)}", allowed)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in found)
        allowed = error.schema["properties"][missing]["description"]
        raise _error(path, (*where, missing), "nothing", allowed)
    if error.validator == "uniqueItems":
        i = next(i for i, value in enumerate(found) if value in found[:i])
        raise _error(path, (*where, i), f"{reprlib.repr(found[i])} again", "every value once")
    raise _error(path, where, reprlib.repr(found), allowed)


def _error(path: str | Path, where: tuple, found: str, allowed: str) -> StudyError:
    key = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in where).lstrip(".")
    line = f"{path}: {key or 'the file'}: found {found}; allowed: {allowed}"
    return StudyError(" ".join(line.split()))
