"""Which of a trained cell's snapshots a protocol measures."""

from pathlib import Path

import torch

from bench import curves, metrics
from bench.data.base import DataSet
from bench.noise import Noise
from bench.real import Extractors
from bench.samples import generate
from bench.study import Evaluation, Study

__all__ = ["choose"]


@torch.no_grad()
def choose(
    study: Study,
    system: str,
    seed: int,
    models: str | Path,
    protocol: Evaluation,
    extractors: Extractors,
    noise: Noise,
) -> dict[int, int]:
    """For each dimension the step of the snapshot that is measured; the last is left out.

    The best one is that of the smallest distance of the protocol's samples from the split it
    chooses by. On the validation split they are other samples than those that are then measured; on
    the test split they are the same, as where a source reports the smallest of its test distances.

    Arguments:
        noise: of the samples that are then measured.
    """
    if protocol.checkpoint == "last":
        return {}
    if protocol.checkpoint.isdecimal():
        return _kth(study, system, seed, models, int(protocol.checkpoint), extractors.points)
    split = protocol.checkpoint.removeprefix("best-")
    if split != protocol.split:
        noise = noise.at(purpose="choice")
    moments = extractors.real(protocol).moments(split)
    best: dict[int, tuple[float, int | None]] = {}
    for step in [*curves.snapshots(models), None]:
        folder = models if step is None else Path(models, "snapshots", str(step))
        for model, cells in curves.load(study, extractors.points, system, seed, folder):
            prior = model.prior(protocol.samples, noise)
            kept, alive = generate(model, prior, protocol, extractors(protocol))
            for index, cell in enumerate(cells):
                if alive[index]:
                    own = metrics.moments(kept[index].features)
                    found = (metrics.frechet_distance(*own, *moments), step)
                    best[cell["dim"]] = min(
                        best.get(cell["dim"], found), found, key=lambda it: it[0]
                    )
    return {dim: step for dim, (_, step) in best.items() if step is not None}


def _kth(
    study: Study, system: str, seed: int, models: str | Path, k: int, points: DataSet
) -> dict[int, int]:
    """The k-th of the snapshots that training keeps."""
    count = study.plan(points.name, system).training.snapshots
    if k == count:
        return {}
    return {
        cell["dim"]: cell["steps"] * k // count
        for model, cells in curves.load(study, points, system, seed, models)
        for cell in cells
        # What has nobody to move takes no steps, and its last snapshot is its only one.
        if model.players()
    }
