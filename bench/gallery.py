"""A trained curve to what can be drawn of it: images, where its data are images, and its codes."""

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import curves, data, gallery_codes, store
from bench.components import components
from bench.data.base import DataSet
from bench.noise import Noise
from bench.real import blocks
from bench.study import Study
from bench.systems.base import Autoencoder

__all__ = ["pictures", "write"]

SAMPLES, ORIGINALS = 64, 8


def write(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as compressed `.npz`, in their order; the same bytes for the same arrays."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    with store.atomic(path) as temporary:
        temporary.write_bytes(content.getvalue())


@torch.no_grad()
def pictures(
    study: Study, dataset: str, system: str, seed: int, models: str | Path
) -> dict[str, np.ndarray]:
    """What can be drawn of the trained cells in the folder `models`, C of them, by dimension.

    A cell that diverged, or gives what is no finite number, is left out. Images are uint8
    [height, width, channels].

    Returns:
        `dims` [C], the cells' latent dimensions.

        Of the codes z = E[z | x] of the test split, with W the largest latent dimension, float32
        and NaN beyond a cell's own coordinates: `correlation` [C, W, W], the normalised absolute
        covariance, see `metrics.correlation`; `mask` [C, W] of systems with a mask, whose codes
        are masked; and of data with labels `labels` [L], those of the test split, and `quantiles`
        [C, W, L, 5]: 5, 25, 50, 75 and 95 % of each coordinate by label.

        Of images also `samples` [C, 64, ...], decoded prior draws, whose noise is the same for all
        systems; `originals` [8, ...], the first of the test split, and their `reconstructions`
        [C, 8, ...]. Of systems whose prior is a mixture also `centres` [C, K, ...], the decoded
        means of its components in the order of their use, at most the 100 most used, and `use`
        float32 [C, K], a component's mean responsibility for the codes of the validation split.

    Raises:
        Mistake: a file in `models` is no cell of this curve.
    """
    points = data.load(dataset)
    images = len(points.shape) == 3 and points.bounded()
    noise = Noise(curves.cell_seed(study, dataset, seed), purpose="gallery")
    labels = None if points.labels("test") is None else points.labels("test").numpy()
    parts: dict[str, list[np.ndarray]] = {"dims": []}
    told = []
    for model, cells in curves.load(study, points, system, seed, models):
        z, mask = gallery_codes.encoded(model, points), model.mask()
        mask = None if mask is None else mask.cpu()
        drawn = _drawn(model, points, noise) if images else {}
        drawn = {name: values.cpu() for name, values in drawn.items()}
        alive = torch.tensor([cell["diverged"] is None for cell in cells])
        for values in (z, *drawn.values()):
            alive &= values.isfinite().flatten(1).all(1)
        dims = torch.tensor([cell["dim"] for cell in cells])
        parts["dims"].append(dims[alive].numpy())
        for name, values in drawn.items():
            shown = values[alive].numpy() if name == "use" else _bytes(values[alive], points.shape)
            parts.setdefault(name, []).append(shown)
        for cell in alive.nonzero()[:, 0].tolist():
            m = int(dims[cell])
            own = None if mask is None else mask[cell, :m].numpy()
            told.append(gallery_codes.told(z[cell, :, :m].numpy(), own, labels))
    arrays = {name: np.concatenate(part) for name, part in parts.items()}
    if images:
        arrays["originals"] = _bytes(_first(points), points.shape)
    if labels is not None and told:
        arrays["labels"] = np.unique(labels)
    return arrays | gallery_codes.joined(told, len(arrays.get("labels", ())))


def _first(points: DataSet) -> Tensor:
    return points.batch("test", slice(ORIGINALS))


def _drawn(model: Autoencoder, points: DataSet, noise: Noise) -> dict[str, Tensor]:
    """What a stack draws, as values in [0, 1]; see `pictures`."""
    return {
        "samples": model.decode(model.prior(SAMPLES, noise)),
        "reconstructions": model.decode(model.encode(_first(points))),
    } | _centres(model, points)


def _bytes(values: Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """Values in [0, 1] as images: [..., C·H·W] to uint8 [..., H, W, C]."""
    images = (values * 255).round().clamp(0, 255).byte().unflatten(-1, shape)
    return images.movedim(-3, -1).contiguous().numpy(force=True)


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
