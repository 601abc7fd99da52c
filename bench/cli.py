"""The command line: one verb per step of the way from a study file to its report."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tabulate import tabulate

from bench import data, downloads, records, store, study
from bench.mistake import Mistake
from bench.mixed import mixtures

# Everything else is imported where it is used: what comes after `collect` imports no torch.

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Returns 0, or 1 where `compare` found a change, or 2 after a mistake of the
    user's, told in one line on stderr."""
    arguments = vars(_parser().parse_args(argv))
    verb = arguments.pop("verb")
    try:
        return verb(**arguments) or 0
    except (Mistake, OSError) as error:
        print(f"bench: error: {' '.join(_reason(error).split())}", file=sys.stderr)
        return 2


def _reason(error: Exception) -> str:
    """An error in words, the file first."""
    name = isinstance(error, OSError) and (error.filename2 or error.filename)
    if not name:
        return str(error)
    told = {
        FileNotFoundError: "no such file",
        IsADirectoryError: "a folder, not a file",
        FileExistsError: "a file, not a folder",
    }
    return f"{name}: {told.get(type(error), error.strerror)}"


def _cells(path: Path) -> None:
    it = study.read(path)

    from bench import estimate

    seeds = _sequence(it.seeds)
    rows, flops, hours = [], 0.0, 0.0
    for dataset, dims in it.datasets.items():
        for system in it.systems:
            curves, cells = len(it.seeds), len(dims) * len(it.seeds)
            cost = estimate.cost(it, dataset, system)
            flops, hours = flops + cost.flops, hours + cost.hours
            net = str(it.plan(dataset, system).net)
            spent = _short(cost.flops / 1e15), _short(cost.hours)
            rows.append((dataset, system, _sequence(dims), seeds, net, curves, cells, *spent))
    spent = _short(flops / 1e15), _short(hours)
    rows.append(("total", "", "", "", "", len(it.curves()), len(it.cells()), *spent))
    columns = ["dataset", "system", "dims", "seeds", "net", "curves", "cells", "PFLOP", "GPU hours"]
    print(tabulate(rows, columns, disable_numparse=True, colalign=["left"] * 5 + ["right"] * 4))
    slow = flops / estimate.SUSTAINED_CPU / 3600
    print(
        f"PFLOP: 10^15 floating-point operations, counted. GPU hours: a rough estimate for one GPU "
        f"that sustains {estimate.SUSTAINED / 1e12:g} TFLOP/s and takes "
        f"{estimate.LAUNCH_S * 1e6:g} µs for the smallest operation. The trainer does not use GPUs "
        f"yet: at {estimate.SUSTAINED_CPU / 1e9:g} GFLOP/s, as two cores may give, the arithmetic "
        f"takes {slow:,.1f} hours."
    )


def _short(value: float) -> str:
    if 0 < value < 0.01:
        return "< 0.01"
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _data(path: Path, dataset: str, out: Path) -> None:
    _known("data set", dataset, study.read(path).datasets)
    points = data.load(dataset)
    files = [str(file.relative_to(downloads.root())) for file in points.files()]
    told = points.fingerprint() | {"files": files}
    store.write_text(out, json.dumps(told, indent=2, sort_keys=True) + "\n")


def _features(path: Path, dataset: str, extractor: str, threads: int, out: Path) -> None:
    it = study.read(path)
    _known("data set", dataset, it.datasets)
    named = {protocol.extractor: protocol for protocol in it.protocols.values()}
    _known("extractor", extractor, named)

    import torch

    from bench.real import Extractors

    torch.set_num_threads(threads)
    extractors, protocol = Extractors(data.load(dataset)), named[extractor]
    extractors.real(protocol).write(out, extractors.points, extractors(protocol))


def _train(path, dataset, system, seed, dims, steps, cells, pause, threads, out) -> None:
    it = study.read(path)
    _known("data set", dataset, it.datasets)
    _known("system", system, it.systems)

    import torch

    from bench import runs

    torch.set_num_threads(threads)
    dims = dims or it.datasets[dataset]
    runs.train(it, dataset, system, seed, dims, steps, out, cells, pause)


def _evaluate(path, dataset, system, seed, models, controls, protocol, real, threads, out) -> None:
    it = study.read(path)
    if protocol is not None:
        _known("protocol", protocol, it.protocols)
        it = dataclasses.replace(it, protocols={protocol: it.protocols[protocol]})
    _known("data set", dataset, it.datasets)
    if not controls:
        if seed is None or models is None:
            raise Mistake("--system needs --seed and --models")
        _known("system", system, it.systems)
        if not models.is_dir():
            raise Mistake(f"{models}: no such folder of models")

    import torch

    from bench import evaluation

    torch.set_num_threads(threads)
    if controls:
        rows = evaluation.evaluate_controls(it, dataset, real)
    else:
        rows = evaluation.evaluate_curve(it, dataset, system, seed, models, real)
    records.write(out, rows)


def _gallery(path, dataset, system, seed, models, threads, out) -> None:
    it = study.read(path)
    _known("data set", dataset, it.datasets)
    _known("system", system, it.systems)
    if not models.is_dir():
        raise Mistake(f"{models}: no such folder of models")

    import torch

    from bench import gallery

    torch.set_num_threads(threads)
    gallery.write(out, gallery.pictures(it, dataset, system, seed, models))


def _collect(path: Path, files: list[Path], logs: Path, allow_mixed: bool, out: Path) -> None:
    table = records.complete(records.read(*files), study.read(path), logs)
    mixed = mixtures(table)
    if mixed and not allow_mixed:
        advice = "make them anew, or say --allow-mixed and the report will tell"
        raise Mistake(f"records with {'; '.join(mixed)}: {advice}")
    records.write(out, table.to_dict("records"))
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
    _known("experiment", name, it.experiments)

    import torch

    from bench.experiments import base

    torch.set_num_threads(1)
    base.write(out, base.replicates(name, it.master_seed, it.seeds))


def _experiments(files: list[Path], out: Path) -> None:
    from bench.experiments import base

    base.write(out, base.read(*files).to_dict("records"))


def _tables(path: Path, out: Path) -> None:
    from bench.report import tables

    tables.write(records.read(path), out)


def _figures(path: Path, out: Path) -> None:
    from bench.report import figures, results

    figures.write(results.read(path), out)


def _claims(path: Path, out: Path) -> None:
    from bench.report import claims, results

    claims.write(records.read(path), out, results.training(path), results.experiments(path))
    print(claims.summary(out))


def _report(path: Path, out: Path) -> None:
    from bench.report import page, results

    page.write(results.read(path), out)


def _compare(reference: Path, results: Path, markdown: Path | None, update: bool) -> int:
    from bench.report import compare

    made, code = compare.read(results), 0
    try:
        found = compare.compare(compare.read(reference), made)
        text = compare.markdown(found)
        code = int(found.regressed or found.improved)
    except (Mistake, FileNotFoundError) as error:
        if not update:
            raise
        text = f"## A new reference\n\n{_reason(error)}\n"
    if markdown is not None:
        store.write_text(markdown, text)
    print(text, end="")
    if not update:
        return code
    for path in compare.update(reference, results):
        print(f"written: {path}")
    return 0


def _classifier(name: str, out: Path) -> None:
    from bench.features import fit

    fit.train(name, out)


def _weights(out: Path) -> None:
    from bench.features import inception

    inception.fetch()
    about = {"sha256": inception.SHA256, "url": inception.URL}
    store.write_text(out, json.dumps(about, indent=2, sort_keys=True) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="The steps of the way from a study file to its report, one verb each.",
        epilog="`bench VERB --help` has a verb's arguments. `snakemake --cores all --configfile "
        "STUDY` calls them all, for a whole study.",
    )
    verbs = parser.add_subparsers(title="verbs, in the order of use", metavar="VERB", required=True)

    def add(function: Callable, line: str, more: str = "") -> argparse.ArgumentParser:
        name = function.__name__.lstrip("_")
        verb = verbs.add_parser(name, help=line, description=f"{line[0].upper()}{line[1:]}. {more}")
        verb.set_defaults(verb=function)
        return verb

    verb = add(_cells, "print the grid of a study: its curves, cells and cost")
    _study(verb)

    verb = add(
        _data,
        "get a data set and write its fingerprint (sizes and hashes)",
        "Data sets are read from the folder BENCH_DATA (default: the user's cache folder), and "
        "downloaded to it where there is a network.",
    )
    _study(verb, "--dataset")
    _out(verb, "FILE.json")

    verb = add(
        _features,
        "compute the features of a data set's real points",
        "Once for all systems and seeds that are compared with them.",
    )
    _study(verb, "--dataset")
    verb.add_argument(
        "--extractor", required=True, help="features of a protocol, such as raw, inception-bilinear"
    )
    _threads(verb)
    _out(verb, "FILE.safetensors")

    verb = add(
        _train,
        "train one curve: the cells of one data set, system and seed",
        "Writes one file a cell, <dim>.safetensors, history.csv: losses and their terms, by epoch, "
        "and environment.json: versions, instruction set, threads.",
    )
    _study(verb, "--dataset")
    verb.add_argument("--system", required=True, help="a label among the study's systems")
    verb.add_argument("--seed", required=True, type=_natural, help="replicate, an integer >= 0")
    verb.add_argument(
        "--dims",
        type=_dims,
        metavar="M,M,...",
        help="latent dimensions to train (default: the study's for this data set)",
    )
    verb.add_argument(
        "--steps", type=_positive, metavar="N", help="optimisation steps (default: the study's)"
    )
    verb.add_argument(
        "--cells",
        type=Path,
        metavar="DIR",
        help="a folder where trained cells are kept: those that are there are not trained again, "
        "and what was interrupted goes on (default: nothing is kept)",
    )
    verb.add_argument(
        "--pause",
        type=_positive,
        default=30,
        metavar="SECONDS",
        help="between two checkpoints, at least, with --cells (default: 30)",
    )
    _threads(verb)
    _out(verb, "DIR")

    verb = add(
        _evaluate,
        "measure a trained curve, or a data set's controls, and write records",
        "The controls are real (held-out data, the floor) and noise (the ceiling).",
    )
    _study(verb, "--dataset")
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("--system", help="a label among the study's systems")
    which.add_argument("--controls", action="store_true", help="evaluate the controls")
    verb.add_argument("--seed", type=_natural, help="the curve's replicate, with --system")
    verb.add_argument(
        "--models", type=Path, metavar="DIR", help="the folder that train wrote, with --system"
    )
    verb.add_argument(
        "--protocol", help="one of the study's protocols, main among them (default: all)"
    )
    verb.add_argument(
        "--real",
        type=Path,
        metavar="DIR",
        help="a folder of <extractor>.safetensors that features wrote (default: they are computed)",
    )
    _threads(verb)
    _out(verb, "FILE.csv")

    verb = add(
        _gallery,
        "decode a trained curve's samples, reconstructions and learned components, describe codes",
        "Images only of data sets of images. Writes arrays, which the report shows.",
    )
    _study(verb, "--dataset")
    verb.add_argument("--system", required=True, help="a label among the study's systems")
    verb.add_argument("--seed", required=True, type=_natural, help="the curve's replicate")
    verb.add_argument(
        "--models", required=True, type=Path, metavar="DIR", help="the folder that train wrote"
    )
    _threads(verb)
    _out(verb, "FILE.npz")

    verb = add(
        _collect,
        "join records of several files in one table",
        "A cell of the study without a record becomes a row whose status is `missing`, `failed` or "
        "`timed-out`. Records of different code, environments or data are refused.",
    )
    _study(verb)
    logs = "the workflow's logs, which tell failed from missing"
    verb.add_argument("--logs", type=Path, metavar="DIR", help=logs)
    verb.add_argument(
        "--allow-mixed", action="store_true", help="join them all the same; the report tells"
    )
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help="records, as CSV")
    _out(verb, "RECORDS.csv")

    verb = add(_history, "join what curves told of their training in one table")
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help="history.csv of curves")
    _out(verb, "HISTORY.csv")

    verb = add(_environment, "join what curves were trained with, with counts")
    files = "environment.json of curves"
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help=files)
    _out(verb, "ENVIRONMENT.json")

    verb = add(
        _costs,
        "join what jobs took, in time and memory, in one table",
        "Of the jobs that train, evaluate and draw a study's curves; no result depends on it.",
    )
    _study(verb)
    what = "the workflow's benchmarks, by job"
    verb.add_argument("folder", type=Path, metavar="BENCHMARKS", help=what)
    _out(verb, "COSTS.csv")

    verb = add(
        _experiment,
        "take an experiment's numbers, which need no trained model",
        "A replicate for each of the study's seeds.",
    )
    _study(verb)
    verb.add_argument("--name", required=True, help="one of the study's experiments")
    _out(verb, "FILE.csv")

    verb = add(_experiments, "join the numbers of several experiments in one table")
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files of experiment")
    _out(verb, "EXPERIMENTS.csv")

    beside = (
        "Shows what lies beside RECORDS too: history.csv, experiments.csv, "
        "gallery/<dataset>/<system>.npz."
    )
    judged = (
        "Beside RECORDS, claims on the course of training need history.csv, and those on "
        "experiments experiments.csv."
    )
    for function, line, more, out in (
        (_tables, "write a table per data set, as Markdown and LaTeX", "", "DIR"),
        (_figures, "draw U-curves, training curves and samples, as SVG and PNG", beside, "DIR"),
        (_claims, "judge the papers' claims and print the verdicts", judged, "FILE.json"),
        (
            _report,
            "write the report: one self-contained page",
            f"{beside[:-1]}, environment.json, costs.csv.",
            "FILE.html",
        ),
    ):
        verb = add(function, line, more)
        verb.add_argument(
            "path", type=Path, metavar="RECORDS", help="a table that collect made: records.csv"
        )
        _out(verb, out)

    verb = add(
        _compare,
        "compare records with a reference: the regression gate",
        "Digit by digit where the environments beside them agree, else by chance, with seeds for "
        "replicates. Ends with 0 where they are the same, 1 after a regression or an unexplained "
        "improvement, 2 where they cannot be compared. See docs/compare.md.",
    )
    for name in ("reference", "results"):
        verb.add_argument(
            name, type=Path, metavar=name.upper(), help="records.csv, or the folder that holds it"
        )
    verb.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write what is printed to a file too"
    )
    verb.add_argument(
        "--update",
        action="store_true",
        help="then make the reference what the results are, and end with 0",
    )

    verb = add(
        _classifier,
        "train a classifier that image features come from",
        "Its weights are shipped: this is how they were made.",
    )
    verb.add_argument("name", metavar="NAME", help="digits, fashion or colour")
    _out(verb, "FILE.safetensors")

    verb = add(
        _weights,
        "get Inception's weights, check them and write their hash",
        "They are read from the folder BENCH_DATA, downloaded to it where there is a network, and "
        "checked against their SHA-256.",
    )
    _out(verb, "FILE.json")
    return parser


def _study(verb: argparse.ArgumentParser, *names: str) -> None:
    verb.add_argument("path", type=Path, metavar="STUDY", help="a study file, in YAML")
    for name in names:
        verb.add_argument(name, required=True, help="a name among the study's data sets")


def _threads(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--threads", type=_positive, default=1, metavar="N", help="of the processor (default: 1)"
    )


def _out(verb: argparse.ArgumentParser, metavar: str) -> None:
    what = "folder" if metavar == "DIR" else "file"
    verb.add_argument(
        "--out", required=True, type=Path, metavar=metavar, help=f"the {what} to write"
    )


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no integer of at least 0")
    return int(text)


def _positive(text: str) -> int:
    value = _natural(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not greater than 0")
    return value


def _dims(text: str) -> tuple[int, ...]:
    dims = tuple(_natural(part.strip()) for part in text.split(","))
    if len(set(dims)) < len(dims):
        raise argparse.ArgumentTypeError(f"{text!r} has a dimension twice")
    return dims


def _known(what: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise Mistake(f"no {what} {name!r} in the study; it has {', '.join(names)}")


def _sequence(numbers: Sequence[int]) -> str:
    """Numbers in a few characters: 2, 4, ..., 32 where they are evenly spaced."""
    if len(numbers) > 3 and len({b - a for a, b in zip(numbers, numbers[1:], strict=False)}) == 1:
        return f"{numbers[0]}, {numbers[1]}, ..., {numbers[-1]}"
    return ", ".join(map(str, numbers))
