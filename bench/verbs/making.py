"""What is made of a study: features, models, records, pictures."""

import dataclasses
from pathlib import Path

from bench import data, records, study
from bench.mistake import Mistake
from bench.verbs import arguments
from bench.verbs.arguments import Add

__all__ = ["describe"]


def describe(add: Add) -> None:
    """Add the verbs of this file."""
    verb = add(
        _features,
        "compute the features of a data set's real points",
        "Once for all systems and seeds that are compared with them.",
    )
    arguments.study(verb, "--dataset")
    verb.add_argument(
        "--extractor", required=True, help="features of a protocol, such as raw, inception-bilinear"
    )
    arguments.threads(verb)
    arguments.out(verb, "FILE.safetensors")

    verb = add(
        _train,
        "train one curve: the cells of one data set, system and seed",
        "Writes one file a cell, <dim>.safetensors, history.csv: losses and their terms over "
        "training, and environment.json: versions, instruction set, threads.",
    )
    arguments.study(verb, "--dataset")
    arguments.curve(verb)
    verb.add_argument(
        "--dims",
        type=arguments.dims,
        metavar="M,M,...",
        help="latent dimensions to train (default: the study's for this data set)",
    )
    verb.add_argument(
        "--steps",
        type=arguments.positive,
        metavar="N",
        help="optimisation steps (default: the study's)",
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
        type=arguments.positive,
        default=30,
        metavar="SECONDS",
        help="between two checkpoints, at least, with --cells (default: 30)",
    )
    arguments.threads(verb, "; cells of a perceptron are divided among as many processes")
    arguments.out(verb, "DIR")

    verb = add(
        _join,
        "join cells of a curve that were trained apart in the curve's folder",
        "As they would be there had they been trained in one run.",
    )
    what = "a folder that train wrote, with --dims"
    verb.add_argument("folders", nargs="+", type=Path, metavar="CELLS", help=what)
    arguments.out(verb, "DIR")

    verb = add(
        _evaluate,
        "measure a trained curve, or a data set's controls, and write records",
        "The controls are real (held-out data, the floor) and noise (the ceiling).",
    )
    arguments.study(verb, "--dataset")
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("--system", help="a label among the study's systems")
    which.add_argument("--controls", action="store_true", help="evaluate the controls")
    verb.add_argument("--seed", type=arguments.natural, help="the curve's replicate, with --system")
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
    arguments.threads(verb)
    arguments.out(verb, "FILE.csv")

    verb = add(
        _gallery,
        "decode a trained curve's samples, reconstructions and learned components, describe codes",
        "Images only of data sets of images. Writes arrays, which the report shows.",
    )
    arguments.study(verb, "--dataset")
    arguments.curve(verb)
    verb.add_argument(
        "--models", required=True, type=Path, metavar="DIR", help="the folder that train wrote"
    )
    arguments.threads(verb)
    arguments.out(verb, "FILE.npz")


def _features(path: Path, dataset: str, extractor: str, threads: int, out: Path) -> None:
    it = study.read(path)
    arguments.known("data set", dataset, it.datasets)
    named = {protocol.extractor: protocol for protocol in it.protocols.values()}
    arguments.known("extractor", extractor, named)

    import torch

    from bench import device
    from bench.real import Extractors

    torch.set_num_threads(threads)
    with device.use(it.device, it.tf32):
        extractors, protocol = Extractors(data.load(dataset)), named[extractor]
        extractors.real(protocol).write(out, extractors.points, extractors(protocol))


def _train(path, dataset, system, seed, dims, steps, cells, pause, threads, out) -> None:
    it = study.read(path)
    arguments.known("data set", dataset, it.datasets)
    arguments.known("system", system, it.systems)

    from bench import device, divided

    dims = dims or it.datasets[dataset]
    with device.use(it.device, it.tf32):
        divided.train(it, dataset, system, seed, dims, steps, out, cells, pause, threads)


def _join(folders: list[Path], out: Path) -> None:
    from bench import runs

    runs.join(folders, out)


def _evaluate(path, dataset, system, seed, models, controls, protocol, real, threads, out) -> None:
    it = study.read(path)
    if protocol is not None:
        arguments.known("protocol", protocol, it.protocols)
        it = dataclasses.replace(it, protocols={protocol: it.protocols[protocol]})
    arguments.known("data set", dataset, it.datasets)
    if controls:
        if seed is not None or models is not None:
            raise Mistake("--controls have no --seed and no --models")
    else:
        if seed is None or models is None:
            raise Mistake("--system needs --seed and --models")
        arguments.known("system", system, it.systems)
        _trained(models)

    import torch

    from bench import device, evaluation

    torch.set_num_threads(threads)
    with device.use(it.device, it.tf32):
        if controls:
            rows = evaluation.evaluate_controls(it, dataset, real)
        else:
            rows = evaluation.evaluate_curve(it, dataset, system, seed, models, real)
    records.write(out, rows)


def _gallery(path, dataset, system, seed, models, threads, out) -> None:
    it = study.read(path)
    arguments.known("data set", dataset, it.datasets)
    arguments.known("system", system, it.systems)
    _trained(models)

    import torch

    from bench import device, gallery

    torch.set_num_threads(threads)
    with device.use(it.device, it.tf32):
        pictures = gallery.pictures(it, dataset, system, seed, models)
    gallery.write(out, pictures)


def _trained(models: Path) -> None:
    if not models.is_dir():
        raise Mistake(f"{models}: no such folder of models")
