"""A trained curve and a protocol to records."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bench import data, features, metrics
from bench.data.base import DataSet
from bench.mistake import Mistake
from bench.noise import Noise
from bench.parts import mmd_imq
from bench.study import Study
from bench.systems.base import Autoencoder
from bench.training import cell_seed, load_curve

__all__ = ["evaluate_controls", "evaluate_curve", "measure"]

_ROWS = 2000
"""Points in one pass through a stack."""

_MMD = 2000
"""Codes in the estimate of the latent divergence: it takes memory by their square."""


def _passes(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function(x) [cells, N, ...], a limited number of rows (axis −2) at a time."""
    return torch.cat([function(part) for part in x.split(_ROWS, dim=-2)], dim=1)


@torch.no_grad()
def measure(
    model: Autoencoder,
    points: DataSet,
    split: str,
    extractor: Callable,
    noise: Noise,
    count: int,
) -> list[dict]:
    """The metrics of each cell of a trained stack, one dictionary a cell.

    Arguments:
        model: the stack.
        points: the data set whose `split` the cells are measured on.
        extractor: one of `bench.features.load`: what the Fréchet distance is measured on.
        noise: the randomness of the samples, the same for all systems and dimensions.
        count: number of generated samples.
    """
    x = points.batch(split, slice(None))
    real = extractor(x)
    prior = model.prior(count, noise)
    codes = _passes(model.encode, x)
    dims = model.exists.sum((-2, -1)).int().tolist()
    few = min(_MMD, count, len(x))
    drawn = model.encode(x[:few], noise)
    divergences = [
        float(
            mmd_imq(
                drawn[cell, :, :dim].double(), prior[cell, :few, :dim].double(), model.prior_scale
            )
        )
        for cell, dim in enumerate(dims)
    ]
    # Reconstructions and samples of all cells are large: one after the other.
    decoded = _passes(model.decode, codes)
    alive = _finite(codes) & _finite(decoded)
    errors = [
        metrics.reconstruction_error(x.numpy(), decoded[cell].numpy()) if alive[cell] else None
        for cell in range(len(dims))
    ]
    del decoded
    generated = _passes(model.decode, prior)
    alive &= _finite(generated)
    masks = model.mask()
    rows = []
    for cell, dim in enumerate(dims):
        if not alive[cell]:
            rows.append({"status": "diverged"})
            continue
        own = codes[cell, :, :dim].numpy()
        mask = None if masks is None else masks[cell, :dim].numpy()
        active = None if mask is None else mask >= metrics.MASK_THRESHOLD
        rows.append(
            {
                "status": "done",
                "fid": metrics.fid(extractor(generated[cell]), real),
                "reconstruction": errors[cell],
                "latent_divergence": divergences[cell],
                "nac": metrics.nac(own, active),
                "discovered_mask": None if mask is None else metrics.active_dimensions(mask),
                "discovered_units": metrics.active_units(own),
            }
        )
    return rows


def _finite(values: Tensor) -> Tensor:
    """Whether all of a cell's values are finite numbers [cells]."""
    return values.isfinite().flatten(1).all(1)


def _common(study: Study, points: DataSet, seed: int) -> dict:
    """What all records of a data set and seed share."""
    return {
        "study": study.name,
        "dataset": points.name,
        "true_dim": points.true_dim,
        "seed": seed,
        "split": study.evaluation.split,
        "features": study.evaluation.features,
        "samples": study.evaluation.samples,
    }


def _noise(study: Study, dataset: str, seed: int) -> Noise:
    return Noise(cell_seed(study, dataset, seed), purpose="evaluation")


def evaluate_curve(
    study: Study, dataset: str, system: str, seed: int, models: str | Path
) -> list[dict]:
    """The records of the trained cells in the folder `models`, by dimension.

    Raises:
        Mistake: a file there is not a cell of this curve.
    """
    points, protocol = data.load(dataset), study.evaluation
    extractor = features.load(protocol.features)
    noise = _noise(study, dataset, seed)
    common = _common(study, points, seed) | {"system": system, "base": study.systems[system].base}
    rows = []
    for model, cells in load_curve(study, points, system, seed, models):
        measured = measure(model, points, protocol.split, extractor, noise, protocol.samples)
        for cell, metric in zip(cells, measured, strict=True):
            rows.append(common | _trained(cell) | _outcome(cell, metric))
    return rows


def _trained(cell: dict) -> dict:
    """How a cell was trained, from its file."""
    net = [cell["net"]["kind"], "-".join(map(str, cell["net"]["hidden"]))]
    return {
        "dim": cell["dim"],
        "net": " ".join(net).strip(),
        "batch": cell["batch"],
        "steps": cell["steps"],
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


def evaluate_controls(study: Study, dataset: str) -> list[dict]:
    """The records of the controls, for each seed of the study.

    `real` is held-out real data, from the validation split where the protocol measures on test and
    the reverse: what a perfect generator would get. `noise` is uniform on [0, 1] for bounded data
    and N(0, 1) else, coordinate by coordinate.

    Raises:
        Mistake: the held-out split has fewer points than the protocol has samples.
    """
    points, protocol = data.load(dataset), study.evaluation
    extractor = features.load(protocol.features)
    target = extractor(points.batch(protocol.split, slice(None)))
    size = torch.Size(points.shape).numel()
    held_out = "validation" if protocol.split == "test" else "test"
    everything = points.batch(held_out, slice(None))
    if len(everything) < protocol.samples:
        raise Mistake(
            f"{protocol.samples} samples of {dataset}, whose {held_out} split, the control of real "
            f"data, has {len(everything)}"
        )
    rows = []
    for seed in study.seeds:
        noise = _noise(study, dataset, seed)
        chosen = noise.permutation("real", len(everything))[: protocol.samples]
        draw = torch.rand if points.value_range else torch.randn
        samples = {
            "real": everything[chosen],
            "noise": draw(protocol.samples, size, generator=noise.generator("noise")),
        }
        for name, x in samples.items():
            common = _common(study, points, seed)
            fid = metrics.fid(extractor(x), target)
            rows.append(common | {"system": name, "base": name, "status": "done", "fid": fid})
    return rows
