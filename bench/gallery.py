"""A trained curve to pictures: its samples, its reconstructions, its prior's learned components."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import curves, data, store
from bench.components import components
from bench.data.base import DataSet
from bench.mistake import Mistake
from bench.noise import Noise
from bench.real import blocks
from bench.study import Study
from bench.systems.base import Autoencoder

__all__ = ["pictures", "write"]

SAMPLES, ORIGINALS = 64, 8


def write(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as compressed `.npz`, in their order; the same bytes for the same arrays."""
    with store.atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


@torch.no_grad()
def pictures(
    study: Study, dataset: str, system: str, seed: int, models: str | Path
) -> dict[str, np.ndarray]:
    """What the trained cells in the folder `models` draw, C of them, by dimension.

    A cell that diverged, or draws what is no finite number, is left out. Images are uint8
    [height, width, channels].

    Returns:
        `dims` [C], the cells' latent dimensions; `samples` [C, 64, ...], decoded prior draws, whose
        noise is the same for all systems; `originals` [8, ...], the first of the test split, and
        their `reconstructions` [C, 8, ...]. Of systems whose prior is a mixture also `centres`
        [C, K, ...], the decoded means of its components in the order of their use, at most the 100
        most used, and `use` float32 [C, K], a component's mean responsibility for the codes of the
        validation split (z = E[z | x]).

    Raises:
        Mistake: the data set has no images, or a file in `models` is no cell of this curve.
    """
    kind = data.kind(dataset)
    if len(kind.shape) != 3 or not kind.bounded():
        raise Mistake(f"{dataset} has no images, and so no gallery")
    points = data.load(dataset)
    noise = Noise(curves.cell_seed(study, dataset, seed), purpose="gallery")
    first = points.batch("test", slice(ORIGINALS))
    parts: dict[str, list[np.ndarray]] = {}
    for model, cells in curves.load(study, points, system, seed, models):
        drawn = {
            "samples": model.decode(model.prior(SAMPLES, noise)),
            "reconstructions": model.decode(model.encode(first)),
        } | _centres(model, points)
        alive = torch.tensor([cell["diverged"] is None for cell in cells])
        for values in drawn.values():
            alive &= values.isfinite().flatten(1).all(1)
        dims = torch.tensor([cell["dim"] for cell in cells])
        parts.setdefault("dims", []).append(dims[alive].numpy())
        for name, values in drawn.items():
            shown = values[alive].numpy() if name == "use" else _bytes(values[alive], kind.shape)
            parts.setdefault(name, []).append(shown)
    arrays = {name: np.concatenate(part) for name, part in parts.items()}
    return arrays | {"originals": _bytes(first, kind.shape)}


def _bytes(values: Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """Values in [0, 1] as images: [..., C·H·W] to uint8 [..., H, W, C]."""
    images = (values * 255).round().clamp(0, 255).byte().unflatten(-1, shape)
    return images.movedim(-3, -1).contiguous().numpy()


def _centres(model: Autoencoder, points: DataSet) -> dict[str, Tensor]:
    """A mixture prior's most used components: their decoded means and their use."""
    count = len(points.validation)
    found = components(
        model,
        (
            model.encode(points.batch("validation", block))
            for block in blocks(count, torch.Size(points.shape).numel())
        ),
    )
    return {} if found is None else {"centres": found.images, "use": found.use.float()}
