"""The study file: read it, validate it, and expand it to curves and cells."""

import dataclasses
import importlib
import importlib.resources
import json
import math
import reprlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import data, experiments, features, systems
from bench.net import Net
from bench.study_file import StudyError, load, refusal, validate

__all__ = [
    "MAIN",
    "Cell",
    "Curve",
    "Evaluation",
    "Net",
    "Plan",
    "Study",
    "StudyError",
    "System",
    "Training",
    "read",
]

MAIN = "main"
"""The protocol that is a study's `evaluation`, and on which claims are judged."""


_HELD_OUT = 10_000
"""No data set has fewer points to hold out, so none need be asked for so many samples."""

_NEIGHBOURS = 5

_DRAWS = 50


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
class Training:
    """The budget of one cell.

    Attributes:
        steps: of optimisation.
        batch: rows in a batch.
        schedule: learning rates that are constant, or falling to zero over the second half.
        snapshots: how many evenly spaced snapshots of the parameters are kept, the last included.
    """

    steps: int
    batch: int = 64
    schedule: str = "falling"
    snapshots: int = 1


@dataclass(frozen=True)
class Evaluation:
    """A protocol: all that decides what a record's numbers are, given a trained model.

    Attributes:
        split: real points that samples are compared with.
        features: name of the extractor.
        resizer: how images are resized for Inception; None for other extractors.
        stretch: whether each generated image is stretched to the whole range of values first.
        checkpoint: which snapshot is measured: the last, the k-th of those that are kept (a number
            as text), or the one of the smallest distance from the validation or (only to show what
            that does) the test split.
        samples: number of generated points.
        metrics: what is computed beside the Fréchet distance.
        draws: posterior draws a datum of the importance-weighted bound; None without likelihood.
    """

    split: str = "test"
    features: str = "raw"
    resizer: str | None = None
    stretch: bool = False
    checkpoint: str = "last"
    samples: int = 10_000
    metrics: tuple[str, ...] = ()
    draws: int | None = None

    @property
    def extractor(self) -> str:
        """Extractor and resizer in one word: what real features are cached under."""
        return "-".join(filter(None, [self.features, self.resizer]))


@dataclass(frozen=True)
class Plan:
    """How the cells of one data set and system are trained."""

    system: System
    net: Net
    training: Training

    @property
    def options(self) -> object:
        """The system's options, of its own class."""
        return systems.load(self.system.base).Options(**self.system.options)


@dataclass(frozen=True)
class Study:
    """A validated study. Dimensions and seeds ascend; the rest is in the file's order.

    `device` is what its cells are trained and measured on (auto, cpu or cuda), and `tf32` whether
    products on a GPU may round their factors: see `bench.device`.
    """

    name: str
    seeds: tuple[int, ...]
    datasets: dict[str, tuple[int, ...]]
    plans: dict[tuple[str, str], Plan]
    protocols: dict[str, Evaluation] = field(default_factory=lambda: {MAIN: Evaluation()})
    master_seed: int = 0
    experiments: tuple[str, ...] = ()
    device: str = "cpu"
    tf32: bool = False

    @property
    def systems(self) -> tuple[str, ...]:
        """The labels of the systems."""
        return tuple(dict.fromkeys(system for _, system in self.plans))

    def plan(self, dataset: str, system: str) -> Plan:
        """How the cells of a data set and a system's label are trained."""
        return self.plans[dataset, system]

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
    document = load(path)
    validate(path, document, _schema())
    _refuse_unknown_names(path, document)
    study = Study(
        name=document["name"],
        master_seed=document.get("master_seed", 0),
        seeds=tuple(sorted(document["seeds"])),
        datasets={name: tuple(sorted(it["dims"])) for name, it in document["datasets"].items()},
        plans={
            (dataset, label): _plan(path, document, dataset, label)
            for dataset in document["datasets"]
            for label in document["systems"]
        },
        protocols={MAIN: _evaluation(document.get("evaluation", {}))}
        | {
            name: _evaluation(_changed(document.get("evaluation", {}), changes))
            for name, changes in document.get("protocols", {}).items()
        },
        experiments=tuple(document.get("experiments", ())),
        device=document.get("device", "cpu"),
        tf32=document.get("tf32", False),
    )
    _refuse_misfits(path, document, study)
    return study


def _schema() -> dict:
    """The study's schema, with the data sets and experiments that exist."""
    resource = importlib.resources.files("bench") / "study.schema.json"
    schema = json.loads(resource.read_text(encoding="utf-8"))
    for key, part, names in (
        ("datasets", "propertyNames", list(data.names())),
        ("experiments", "items", list(experiments.names())),
    ):
        allowed = {"enum": names, "description": f"one of {', '.join(names)}"}
        schema["properties"][key][part] = allowed
    return schema


def _refuse_unknown_names(path: str | Path, document: dict) -> None:
    """Systems that do not exist, and overrides of what is not in the study."""
    for label, options in document["systems"].items():
        where, base = ("systems", label), options.get("system", label)
        if base not in systems.names():
            allowed = f"one of {', '.join(systems.names())}"
            if "system" in options:
                raise refusal(path, (*where, "system"), reprlib.repr(base), allowed)
            allowed += ", or a key system that names one"
            raise refusal(path, where[:1], reprlib.repr(label), allowed)
    for index, override in enumerate(document.get("overrides", [])):
        for key in ("datasets", "systems"):
            for place, name in enumerate(override.get(key, [])):
                if name not in list(document[key]):
                    where = ("overrides", index, key, place)
                    allowed = f"one of {', '.join(document[key])}"
                    raise refusal(path, where, reprlib.repr(name), allowed)


def _plan(path: str | Path, document: dict, dataset: str, label: str) -> Plan:
    """The study's net, training and options with what its overrides change, later ones last."""
    net, training = document["net"], document["training"]
    options = document["systems"][label]
    base = options.get("system", label)
    options = {key: value for key, value in options.items() if key != "system"}
    options = _options(path, ("systems", label), base, options)
    for index, override in enumerate(document.get("overrides", [])):
        names = override.get("datasets", [dataset]), override.get("systems", [label])
        if dataset in names[0] and label in names[1]:
            net = override.get("net", net)
            training = training | override.get("training", {})
            where = ("overrides", index, "options")
            options |= _options(path, where, base, override.get("options", {}), options)
    net = Net(**net | {"hidden": tuple(net.get("hidden", ()))})
    return Plan(System(base, options), net, Training(**training))


def _changed(evaluation: dict, changes: dict) -> dict:
    """Other features come with their own resizer, not with the evaluation's, and other metrics
    than the likelihood without its draws."""
    own = {"resizer"} if "features" in changes else set()
    own |= set() if "likelihood" in changes.get("metrics", ["likelihood"]) else {"draws"}
    return {key: value for key, value in evaluation.items() if key not in own} | changes


def _evaluation(document: dict) -> Evaluation:
    it = Evaluation(**document | {"metrics": tuple(document.get("metrics", ()))})
    it = dataclasses.replace(it, checkpoint=str(it.checkpoint))
    if it.features == "inception" and it.resizer is None:
        it = dataclasses.replace(it, resizer="bilinear")
    if "likelihood" in it.metrics and it.draws is None:
        it = dataclasses.replace(it, draws=_DRAWS)
    return it


def _options(
    path: str | Path, where: tuple, base: str, options: dict, others: Mapping | None = None
) -> dict:
    """Options of a system, checked; its class (and so torch) is imported only if there are any.

    `others` are those that they are added to.
    """
    if not options:
        return {}
    cls = systems.load(base).Options
    fields, types = dataclasses.fields(cls), typing.get_type_hints(cls)
    schema = {
        "additionalProperties": False,
        "properties": {field.name: _property(types[field.name]) for field in fields},
    }
    validate(path, options, schema, where)
    options = {
        key: float(value) if types[key] is float else value for key, value in options.items()
    }
    try:
        cls(**(others or {}) | options)
    except ValueError as error:
        raise refusal(path, where, reprlib.repr(options), str(error)) from None
    return options


_JSON = {
    bool: {"type": "boolean", "description": "true or false"},
    int: {"type": "integer", "maximum": 10**6, "description": "an integer"},
    float: {"type": "number", "description": "a finite number"},
    str: {"type": "string", "description": "text"},
}


def _property(annotation: type) -> dict:
    """The JSON schema of an option, from its annotation: int, float, str, bool or a Literal."""
    if typing.get_origin(annotation) is typing.Literal:
        choices = list(typing.get_args(annotation))
        return {"enum": choices, "description": f"one of {', '.join(map(str, choices))}"}
    return _JSON[annotation]


def _refuse_misfits(path: str | Path, document: dict, study: Study) -> None:
    """What is fine by itself, but not together with the study's data sets or the rest of it.

    A data set's class, a net or a system (and so torch) is imported only where it matters.
    """
    if study.tf32 and study.device == "cpu":
        raise refusal(path, ("tf32",), "True", "false, for device cpu has no TF32")
    for (dataset, label), plan in study.plans.items():
        if plan.net.kind != "mlp":
            nets = importlib.import_module("bench.nets")
            kind, dims = data.kind(dataset), study.datasets[dataset]
            if lack := nets.lack(plan.net, kind.shape, dims):
                allowed = f"a net that fits {dataset}, system {label}: {lack}"
                raise refusal(path, ("net", "kind"), repr(plan.net.kind), allowed)
        if plan.system.base == "pca":
            size, most = math.prod(data.kind(dataset).shape), max(study.datasets[dataset])
            if most > size:
                allowed = f"at most {size}, which {dataset} has principal components, for {label}"
                raise refusal(path, ("datasets", dataset, "dims"), str(most), allowed)
        if plan.system.options:
            space = importlib.import_module("bench.systems.base").Space
            cls, kind = systems.load(plan.system.base), data.kind(dataset)
            if lack := cls.needs(plan.options, space(kind.shape, kind.bounded(), kind.labelled)):
                found = reprlib.repr(plan.system.options)
                raise refusal(path, ("systems", label), found, f"{lack}, which {dataset} is not")
    for name, protocol in study.protocols.items():
        where = ("evaluation",) if name == MAIN else ("protocols", name)
        if protocol.resizer and protocol.features != "inception":
            allowed = "no resizer: only inception resizes"
            raise refusal(path, (*where, "resizer"), repr(protocol.resizer), allowed)
        if protocol.draws is not None and "likelihood" not in protocol.metrics:
            allowed = "no draws: only the metric likelihood has them"
            raise refusal(path, (*where, "draws"), repr(protocol.draws), allowed)
        fewest = min(plan.training.snapshots for plan in study.plans.values())
        if protocol.checkpoint.isdecimal():
            if int(protocol.checkpoint) > fewest:
                allowed = f"at most {fewest}, training.snapshots"
                raise refusal(path, (*where, "checkpoint"), protocol.checkpoint, allowed)
        elif protocol.checkpoint != "last" and fewest < 2:
            allowed = "last, for training.snapshots is 1 and there is nothing to choose from"
            raise refusal(path, (*where, "checkpoint"), repr(protocol.checkpoint), allowed)
        own = f"best-{protocol.split}"
        if protocol.checkpoint == own and (protocol.split == "validation" or name == MAIN):
            allowed = "a choice by other data than are measured"
            if protocol.split == "test":
                allowed += ", but in a further protocol, to show what the choice does"
            raise refusal(path, (*where, "checkpoint"), repr(protocol.checkpoint), allowed)
        if "neighbours" in protocol.metrics and protocol.samples <= _NEIGHBOURS:
            allowed = f"more than {_NEIGHBOURS}, for neighbours"
            raise refusal(path, (*where, "samples"), repr(protocol.samples), allowed)
        for dataset in document["datasets"]:
            if "labels" in protocol.metrics and not data.kind(dataset).labelled:
                place = protocol.metrics.index("labels")
                allowed = f"other metrics, for {dataset} has no labels"
                raise refusal(path, (*where, "metrics", place), "'labels'", allowed)
            if protocol.samples > _HELD_OUT:
                held_out = "validation" if protocol.split == "test" else "test"
                if protocol.samples > (count := data.kind(dataset).sizes[held_out]):
                    allowed = f"at most {count}, the {held_out} points of {dataset}"
                    raise refusal(path, (*where, "samples"), repr(protocol.samples), allowed)
            if protocol.features == "raw" and not protocol.stretch:
                continue
            kind = data.kind(dataset)
            if lack := features.lack(protocol.features, kind):
                allowed = f"raw, for {dataset} {lack}"
                raise refusal(path, (*where, "features"), repr(protocol.features), allowed)
            if protocol.stretch and not kind.bounded():
                allowed = f"false, for {dataset} has no range to stretch to"
                raise refusal(path, (*where, "stretch"), "True", allowed)
    for plan in study.plans.values():
        if plan.training.snapshots > plan.training.steps:
            allowed = f"at most one a step, {plan.training.steps}"
            raise refusal(path, ("training", "snapshots"), repr(plan.training.snapshots), allowed)
