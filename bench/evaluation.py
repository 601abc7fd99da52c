"""A trained curve and a study's protocols to records."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import data, metrics, seeds, training
from bench.data.base import DataSet
from bench.distances import distances, stretched
from bench.likelihood import bits_per_dimension, bounds
from bench.mistake import Mistake
from bench.noise import Noise
from bench.parts import mmd_imq
from bench.real import Extractors, blocks
from bench.records import described
from bench.study import Evaluation, Study
from bench.systems.base import Autoencoder

__all__ = ["evaluate_controls", "evaluate_curve", "measure"]

_MMD = 2000
"""Codes in the estimate of the latent divergence: it takes memory by their square."""


def _generate(
    model: Autoencoder, prior: Tensor, extractors: Iterable[tuple[Callable, bool]]
) -> tuple[list[list[np.ndarray]], Tensor]:
    """Features of each cell's samples, decoded from prior draws [cells, N, width] block by block.

    Arguments:
        extractors: each with whether images are stretched first.

    Returns:
        Features [N, D] by extractor and cell, and which cells' samples are finite numbers [cells].
        Other cells' features mean nothing.
    """
    extractors, cells = list(extractors), len(prior)
    width = torch.Size(model.space.shape).numel()
    parts = [[[] for _ in range(cells)] for _ in extractors]
    alive = torch.ones(cells, dtype=bool)
    for block in blocks(prior.shape[1], width):
        samples = model.decode(prior[:, block])
        alive &= _finite(samples)
        for (extractor, stretch), own in zip(extractors, parts, strict=True):
            for cell in range(cells):
                x = samples[cell].nan_to_num()
                own[cell].append(extractor(stretched(x) if stretch else x))
    return [[np.concatenate(part) for part in own] for own in parts], alive


def _finite(values: Tensor) -> Tensor:
    """Whether all of a cell's values are finite numbers [cells]."""
    return values.isfinite().flatten(1).all(1)


@torch.no_grad()
def measure(
    model: Autoencoder,
    protocol: Evaluation,
    extractors: Extractors,
    noise: Noise,
    seed: int,
) -> list[dict]:
    """The metrics of each cell of a trained stack under a protocol, one dictionary a cell.

    Arguments:
        model: the stack.
        extractors: of the data set whose split the cells are measured on.
        noise: the randomness of the samples, the same for all systems and dimensions.
        seed: decides the metrics' subsets and resamples.
    """
    points, split = extractors.points, protocol.split
    dims = model.exists.sum((-2, -1)).int().tolist()
    prior = model.prior(protocol.samples, noise)
    codes, drawn, errors, alive = [], [], np.zeros(len(dims)), torch.ones(len(dims), dtype=bool)
    count = len(getattr(points, split))
    few = min(_MMD, protocol.samples, count)
    for index, block in enumerate(blocks(count, torch.Size(points.shape).numel())):
        x = points.batch(split, block)
        codes.append(model.encode(x))
        if block.start < few:
            drawn.append(model.encode(x[: few - block.start], noise.at(block=index)))
        decoded = model.decode(codes[-1])
        alive &= _finite(codes[-1]) & _finite(decoded)
        for cell in range(len(dims)):
            if alive[cell]:
                error = metrics.reconstruction_error(x.numpy(), decoded[cell].numpy())
                errors[cell] += error * len(x) / count
    codes, drawn = torch.cat(codes, 1), torch.cat(drawn, 1)
    generated, finite = _generate(model, prior, [(extractors(protocol), protocol.stretch)])
    alive &= finite
    masks = model.mask()
    likelihoods = _likelihoods(model, protocol, points, noise)
    rows = []
    for cell, dim in enumerate(dims):
        if not alive[cell]:
            rows.append({"status": "diverged"})
            continue
        own = codes[cell, :, :dim].numpy()
        mask = None if masks is None else masks[cell, :dim].numpy()
        active = None if mask is None else mask >= metrics.MASK_THRESHOLD
        divergence = mmd_imq(
            drawn[cell, :, :dim].double(), prior[cell, :few, :dim].double(), model.prior_scale
        )
        rows.append(
            {"status": "done"}
            | distances(generated[0][cell], extractors.real(protocol), protocol, seed)
            | {
                "reconstruction": float(errors[cell]),
                "latent_divergence": float(divergence),
                "nac": metrics.nac(own, active),
                "discovered_mask": None if mask is None else metrics.active_dimensions(mask),
                "discovered_units": metrics.active_units(own),
            }
            | likelihoods[cell]
            | (_dimensions(own, seed) if "intrinsic" in protocol.metrics else {})
        )
    return rows


def _likelihoods(
    model: Autoencoder, protocol: Evaluation, points: DataSet, noise: Noise
) -> list[dict]:
    """Bounds on the likelihood by cell, where asked for, the system has one, and they are numbers.

    Arguments:
        noise: of the posterior draws, the same for all systems and dimensions.
    """
    if "likelihood" not in protocol.metrics or not hasattr(model, "log_weights"):
        return [{}] * len(model.exists)
    split, width = protocol.split, torch.Size(points.shape).numel()
    places = blocks(len(getattr(points, split)), width)
    found = bounds(model, lambda place: points.batch(split, place), places, noise, protocol.draws)
    return [
        {
            "elbo": elbo,
            "iwae": iwae,
            "bits": bits_per_dimension(iwae, width, points.value_range, model.continuous),
        }
        if math.isfinite(elbo) and math.isfinite(iwae)
        else {}
        for elbo, iwae in zip(*(it.tolist() for it in found), strict=True)
    ]


def _dimensions(x: np.ndarray, seed: int) -> dict:
    """The columns of a record that say how many dimensions points [N, D] have."""
    return {
        "pca_dimension": metrics.pca_dimension(x, seed=seed),
        "two_nn": metrics.two_nn(x, seed=seed),
        "mle_dimension": metrics.mle_dimension(x, seed=seed),
    }


def evaluate_curve(
    study: Study,
    dataset: str,
    system: str,
    seed: int,
    models: str | Path,
    real: str | Path | None = None,
) -> list[dict]:
    """The records of the trained cells in the folder `models`, by dimension and protocol.

    Arguments:
        real: the folder of the data set's real features; see `Extractors`.

    Raises:
        Mistake: a file there is not a cell of this curve.
    """
    points = data.load(dataset)
    extractors = Extractors(points, real)
    noise = _noise(study, dataset, seed)
    base = study.plan(dataset, system).system.base
    rows = []
    for name, protocol in study.protocols.items():
        chosen = {}
        if protocol.checkpoint != "last":
            chosen = _choose(study, system, seed, models, protocol, extractors)
        common = described(study, dataset, name) | {
            "true_dim": points.true_dim,
            "system": system,
            "base": base,
            "seed": seed,
        }
        for model, cells in training.load_curve(study, points, system, seed, models, chosen):
            measured = measure(model, protocol, extractors, noise, _metrics_seed(study, noise))
            for cell, metric in zip(cells, measured, strict=True):
                rows.append(common | _trained(cell) | _outcome(cell, metric))
    return rows


@torch.no_grad()
def _choose(
    study: Study,
    system: str,
    seed: int,
    models: str | Path,
    protocol: Evaluation,
    extractors: Extractors,
) -> dict[int, int]:
    """For each dimension the step of the snapshot with the smallest distance; the last is left out.

    The distance is that of the protocol's samples from the split it chooses by. On the validation
    split they are other samples than those that are then measured; on the test split they are the
    same, as where a source reports the smallest of all its test distances.
    """
    split = protocol.checkpoint.removeprefix("best-")
    noise = _noise(study, extractors.points.name, seed)
    if split != protocol.split:
        noise = noise.at(purpose="choice")
    moments = extractors.real(protocol).moments(split)
    best: dict[int, tuple[float, int | None]] = {}
    for step in [*training.snapshots(models), None]:
        folder = models if step is None else Path(models, "snapshots", str(step))
        for model, cells in training.load_curve(study, extractors.points, system, seed, folder):
            prior = model.prior(protocol.samples, noise)
            generated, alive = _generate(model, prior, [(extractors(protocol), protocol.stretch)])
            for index, cell in enumerate(cells):
                if alive[index]:
                    own = metrics.moments(generated[0][index])
                    found = (metrics.frechet_distance(*own, *moments), step)
                    best[cell["dim"]] = min(
                        best.get(cell["dim"], found), found, key=lambda it: it[0]
                    )
    return {dim: step for dim, (_, step) in best.items() if step is not None}


def _noise(study: Study, dataset: str, seed: int) -> Noise:
    return Noise(training.cell_seed(study, dataset, seed), purpose="evaluation")


def _metrics_seed(study: Study, noise: Noise) -> int:
    return seeds.derive(noise.seed, purpose="metrics")


def _trained(cell: dict) -> dict:
    """How a cell was trained, from its file."""
    return {
        "dim": cell["dim"],
        "net": cell["net"],
        "batch": cell["batch"],
        "steps": cell["steps"],
        "schedule": cell["schedule"],
        "snapshot": cell["snapshot"],
        "options": json.dumps(cell["options"], sort_keys=True),
    }


def _outcome(cell: dict, metric: dict) -> dict:
    """A cell's status and metrics: none where it diverged."""
    if cell["diverged"] is not None:
        return {"status": "diverged", "step": cell["diverged"]}
    if metric["status"] == "diverged":
        # Its parameters are finite, and it is only now that codes or samples turn out not to be.
        return {"status": "diverged", "step": cell["steps"]}
    return metric


@torch.no_grad()
def evaluate_controls(study: Study, dataset: str, real: str | Path | None = None) -> list[dict]:
    """The records of the controls, for each seed and protocol of the study.

    `real` is held-out real data, from the validation split where the protocol measures on test and
    the reverse: what a perfect generator would get. `noise` is uniform on [0, 1] for bounded data
    and N(0, 1) else, coordinate by coordinate. Both take the place of generated points: a protocol
    that stretches stretches them too. The dimensions in the rows of `real` are those of the points
    of the protocol's split, whose codes are the cells', in the data's own coordinates.

    Raises:
        Mistake: the held-out split has fewer points than the protocol has samples.
    """
    points = data.load(dataset)
    extractors = Extractors(points, real)
    size = torch.Size(points.shape).numel()
    draw = torch.rand if points.value_range else torch.randn
    rows = []
    for name, protocol in study.protocols.items():
        extractor, target = extractors(protocol), extractors.real(protocol)
        held_out = "validation" if protocol.split == "test" else "test"
        count = len(getattr(points, held_out))
        if count < protocol.samples:
            raise Mistake(
                f"{protocol.samples} samples of {dataset}, whose {held_out} split, the control of "
                f"real data, has {count}"
            )
        for seed in study.seeds:
            noise = _noise(study, dataset, seed)
            chosen = noise.permutation("real", count)[: protocol.samples]
            noisy = draw(protocol.samples, size, generator=noise.generator("noise"))
            for control in ("real", "noise"):
                parts = []
                for block in blocks(protocol.samples, size):
                    x = noisy[block]
                    if control == "real":
                        x = points.batch(held_out, chosen[block])
                    parts.append(extractor(stretched(x) if protocol.stretch else x))
                found = np.concatenate(parts)
                dimensions = {}
                if control == "real" and "intrinsic" in protocol.metrics:
                    own = points.batch(protocol.split, slice(None)).numpy()
                    dimensions = _dimensions(own, _metrics_seed(study, noise))
                rows.append(
                    described(study, dataset, name)
                    | {"true_dim": points.true_dim, "system": control, "base": control}
                    | {"seed": seed, "status": "done"}
                    | distances(found, target, protocol, _metrics_seed(study, noise))
                    | dimensions
                )
    return rows
