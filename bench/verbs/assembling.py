"""What was made is joined; none of it needs a trained model, nor torch but for experiments."""

import sys
from pathlib import Path

from bench import records, study
from bench.mistake import Mistake
from bench.mixed import mixtures
from bench.verbs import arguments
from bench.verbs.arguments import Add

__all__ = ["describe"]


def describe(add: Add) -> None:
    """Add the verbs of this file."""
    verb = add(
        _collect,
        "join records of several files in one table",
        "A cell of the study without a record becomes a row whose status is `missing`, `failed` or "
        "`timed-out`. Records of different code, environments or data are refused.",
    )
    arguments.study(verb)
    logs = "the workflow's logs, which tell failed from missing"
    verb.add_argument("--logs", type=Path, metavar="DIR", help=logs)
    verb.add_argument(
        "--allow-mixed", action="store_true", help="join them all the same; the report tells"
    )
    arguments.files(verb, "records, as CSV")
    arguments.out(verb, "RECORDS.csv")

    verb = add(_history, "join what curves told of their training in one table")
    arguments.files(verb, "history.csv of curves")
    arguments.out(verb, "HISTORY.csv")

    verb = add(_environment, "join what curves were trained with, with counts")
    arguments.files(verb, "environment.json of curves")
    arguments.out(verb, "ENVIRONMENT.json")

    verb = add(
        _costs,
        "join what jobs took, in time and memory, in one table",
        "Of the jobs that train, evaluate and draw a study's curves; no result depends on it.",
    )
    arguments.study(verb)
    what = "the workflow's benchmarks, by job"
    verb.add_argument("folder", type=Path, metavar="BENCHMARKS", help=what)
    arguments.out(verb, "COSTS.csv")

    verb = add(
        _experiment,
        "take an experiment's numbers, which need no trained model",
        "A replicate for each of the study's seeds.",
    )
    arguments.study(verb)
    verb.add_argument("--name", required=True, help="one of the study's experiments")
    arguments.out(verb, "FILE.csv")

    verb = add(_experiments, "join the numbers of several experiments in one table")
    arguments.files(verb, "files of experiment")
    arguments.out(verb, "EXPERIMENTS.csv")


def _collect(
    path: Path, files: list[Path], logs: Path | None, allow_mixed: bool, out: Path
) -> None:
    table = records.complete(records.read(*files), study.read(path), logs)
    mixed = mixtures(table)
    if mixed and not allow_mixed:
        advice = "make them anew, or say --allow-mixed and the report will tell"
        raise Mistake(f"records with {'; '.join(mixed)}: {advice}")
    records.write(out, table)
    for text in mixed:
        print(f"records with {text}", file=sys.stderr)
    for status in records.ABSENT:
        if count := int((table["status"] == status).sum()):
            print(f"{count} of {len(table)} records are {status}", file=sys.stderr)


def _history(files: list[Path], out: Path) -> None:
    from bench import history

    history.write(out, history.read(*files).to_dict("records"))


def _environment(files: list[Path], out: Path) -> None:
    from bench import environment

    environment.collect(files, out)


def _costs(path: Path, folder: Path, out: Path) -> None:
    from bench import costs

    costs.write(out, costs.collect(study.read(path), folder))


def _experiment(path: Path, name: str, out: Path) -> None:
    it = study.read(path)
    arguments.known("experiment", name, it.experiments)

    import torch

    from bench.experiments import base

    torch.set_num_threads(1)
    base.write(out, base.replicates(name, it.master_seed, it.seeds))


def _experiments(files: list[Path], out: Path) -> None:
    from bench.experiments import base

    base.write(out, base.read(*files).to_dict("records"))
