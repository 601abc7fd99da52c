"""A trained curve and a study's protocols to records."""

import json
import math
from pathlib import Path

import numpy as np
import torch

from bench import curves, data, metrics, provenance, seeds
from bench.checkpoints import choose
from bench.codes import columns, dimensions
from bench.components import Components, components
from bench.data.base import DataSet
from bench.distances import distances
from bench.likelihood import bits_per_dimension, bounds
from bench.mistake import Mistake
from bench.noise import Noise
from bench.parts import mmd_imq
from bench.real import Extractors, blocks
from bench.records import described
from bench.samples import Kept, finite, generate
from bench.study import Evaluation, Study
from bench.systems.base import Autoencoder

__all__ = ["evaluate_controls", "evaluate_curve", "measure"]

_MMD = 2000
"""Codes in the estimate of the latent divergence: it takes memory by their square."""


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
    codes, drawn, errors = [], [], np.zeros(len(dims))
    alive = model.exists.new_ones(len(dims), dtype=torch.bool)
    count = len(getattr(points, split))
    few = min(_MMD, protocol.samples, count)
    for index, block in enumerate(blocks(count, torch.Size(points.shape).numel())):
        x = points.batch(split, block)
        codes.append(model.encode(x))
        if block.start < few:
            drawn.append(model.encode(x[: few - block.start], noise.at(block=index)))
        decoded = model.decode(codes[-1])
        alive &= finite(codes[-1]) & finite(decoded)
        for cell in range(len(dims)):
            if alive[cell]:
                error = metrics.reconstruction_error(
                    *(it.numpy(force=True) for it in (x, decoded[cell]))
                )
                errors[cell] += error * len(x) / count
    codes, drawn = torch.cat(codes, 1), torch.cat(drawn, 1)
    kept, drawable = generate(model, prior, protocol, extractors(protocol))
    alive &= drawable
    masks, labels = model.mask(), points.labels(split)
    labels = None if labels is None else labels.numpy()
    likelihoods = _likelihoods(model, protocol, points, noise)
    learned = None
    if "components" in protocol.metrics:
        places = blocks(count, torch.Size(points.shape).numel())
        learned = components(model, (codes[:, place] for place in places))
    rows = []
    for cell, dim in enumerate(dims):
        if not alive[cell]:
            rows.append({"status": "diverged"})
            continue
        own = codes[cell, :, :dim].numpy(force=True)
        mask = None if masks is None else masks[cell, :dim].numpy(force=True)
        parts = {
            name: part[cell, 0, :dim].bool().numpy(force=True)
            for name, part in model.parts().items()
        }
        divergence = mmd_imq(
            drawn[cell, :, :dim].double(), prior[cell, :few, :dim].double(), model.prior_scale
        )
        rows.append(
            {"status": "done"}
            | distances(kept[cell].features, extractors.real(protocol), protocol, seed)
            | {
                "reconstruction": float(errors[cell]),
                "latent_divergence": float(divergence),
            }
            | columns(own, protocol, seed, mask, labels, parts)
            | likelihoods[cell]
            | kept[cell].moments(extractors)
            | _separated(learned, cell, float(errors[cell]))
        )
    return rows


def _separated(learned: Components | None, cell: int, error: float) -> dict:
    """The columns of a record about a cell's components, where it has any and they are numbers."""
    if learned is None or not all(part[cell].isfinite().all() for part in learned):
        return {}
    return {
        "component_separation": metrics.component_separation(
            learned.images[cell].numpy(force=True), error
        ),
        "components_used": metrics.components_used(learned.shares[cell].numpy(force=True)),
    }


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
        chosen = choose(study, system, seed, models, protocol, extractors, noise)
        common = described(study, dataset, name) | {
            "true_dim": points.true_dim,
            "system": system,
            "base": base,
            "seed": seed,
        }
        for model, cells in curves.load(study, points, system, seed, models, chosen):
            measured = measure(model, protocol, extractors, noise, _metrics_seed(study, noise))
            for cell, metric in zip(cells, measured, strict=True):
                made = provenance.of_cell(cell, extractors(protocol))
                rows.append(common | _trained(cell) | _outcome(cell, metric) | made)
    return rows


def _noise(study: Study, dataset: str, seed: int) -> Noise:
    return Noise(curves.cell_seed(study, dataset, seed), purpose="evaluation")


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
    draw = torch.rand if points.bounded() else torch.randn
    rows, fingerprint = [], points.fingerprint()
    for name, protocol in study.protocols.items():
        extractor, target = extractors(protocol), extractors.real(protocol)
        held_out = "validation" if protocol.split == "test" else "test"
        count = len(getattr(points, held_out))
        if count < protocol.samples:
            raise Mistake(
                f"{protocol.samples} samples of {dataset}, whose {held_out} split, the control of "
                f"real data, has {count}"
            )
        made = provenance.of_control(fingerprint, extractor)
        for seed in study.seeds:
            noise = _noise(study, dataset, seed)
            chosen = noise.permutation("real", count)[: protocol.samples]
            noisy = draw(protocol.samples, size, generator=noise.generator("noise"))
            for control in ("real", "noise"):
                kept = Kept(protocol, extractor)
                for block in blocks(protocol.samples, size):
                    x = noisy[block]
                    if control == "real":
                        x = points.batch(held_out, chosen[block])
                    kept.add(x)
                found = {}
                if control == "real" and "intrinsic" in protocol.metrics:
                    own = points.batch(protocol.split, slice(None)).numpy(force=True)
                    found = dimensions(own, _metrics_seed(study, noise))
                rows.append(
                    described(study, dataset, name)
                    | {"true_dim": points.true_dim, "system": control, "base": control}
                    | {"seed": seed, "status": "done"}
                    | distances(kept.features, target, protocol, _metrics_seed(study, noise))
                    | found
                    | kept.moments(extractors)
                    | made
                )
    return rows
