"""Sheets of images: each system's samples, and the learned components of a prior."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["centres", "samples"]

_ACROSS, _GAP, _LARGEST = 10, 2, 16
_TILE = 0.5  # inches across an image
_TITLE = 0.3  # inches for the title
_LETTERS = 0.42  # of an image's height, for what is written below it


def samples(dataset: str, gallery: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Ten samples of each system, a row a label, at one latent dimension; see `_dimension`.

    Arguments:
        gallery: arrays by label, as in `Results`; each of at least one cell.
    """
    dim = _dimension(np.concatenate([arrays["dims"] for arrays in gallery.values()]))
    height, width, channels = next(iter(gallery.values()))["samples"].shape[-3:]
    rows = np.full((len(gallery), _ACROSS, height, width, channels), 255, np.uint8)
    labels = []
    for row, (label, arrays) in zip(rows, gallery.items(), strict=True):
        cells = arrays["samples"][arrays["dims"] == dim]
        row[: len(cells) * _ACROSS] = cells[0, :_ACROSS] if len(cells) else 255
        labels.append(label if len(cells) else f"{label}: none")
    figure, axes = _sheet(rows, _GAP / height, left=0.07 * max(map(len, labels)) + 0.1)
    axes.set_yticks((np.arange(len(rows)) + 0.5) * (height + _GAP) - _GAP / 2, labels)
    axes.set_title(f"{dataset}: samples at $m$ = {dim}")
    return figure


def centres(title: str, arrays: Mapping[str, np.ndarray]) -> Figure:
    """A prior's components as images, most used first, with their use in per cent below each.

    Arguments:
        arrays: of a system whose prior has components, as in `Results`; of at least one cell.
    """
    dim = _dimension(arrays["dims"])
    cell = int(np.flatnonzero(arrays["dims"] == dim)[0])
    images, use = arrays["centres"][cell], arrays["use"][cell]
    height, width, channels = images.shape[1:]
    blank = np.full((-len(images) % _ACROSS, height, width, channels), 255, np.uint8)
    rows = np.concatenate([images, blank]).reshape(-1, _ACROSS, height, width, channels)
    figure, axes = _sheet(rows, _LETTERS)
    for k, share in enumerate(use):
        row, column = divmod(k, _ACROSS)
        x = column * (width + _GAP) + width / 2
        y = row * (height + round(_LETTERS * height)) + height * (1 + _LETTERS / 2)
        axes.text(x, y, f"{100 * share:.2f}", ha="center", va="center", fontsize=5.5)
    axes.set_yticks([])
    title = f"{title}: components at $m$ = {dim}, by use in %"
    axes.set_title(f"{title} (these {len(use)}: {100 * use.sum():.1f} %)")
    return figure


def _dimension(dims: np.ndarray) -> int:
    """The largest latent dimension up to 16, or the smallest there is."""
    fit = dims[dims <= _LARGEST]
    return int(fit.max() if len(fit) else dims.min())


def _sheet(rows: np.ndarray, below: float, left: float = 0.0) -> tuple[Figure, Axes]:
    """Images [rows, columns, H, W, channels] as one picture, each a square of the same size.

    Arguments:
        below: the gap below each image, as a share of its height.
        left: inches kept for labels.
    """
    count, columns, height, width, channels = rows.shape
    gap = round(below * height)
    pads = [(0, 0), (0, 0), (0, gap), (0, _GAP), (0, 0)]
    picture = np.pad(rows, pads, constant_values=255).transpose(0, 2, 1, 3, 4)
    picture = picture.reshape(count * (height + gap), columns * (width + _GAP), channels)
    tall = count * _TILE * (height + gap) / (width + _GAP)
    wide = left + columns * _TILE
    figure = Figure(figsize=(wide, tall + _TITLE))
    axes = figure.add_axes((left / wide, 0, 1 - left / wide, tall / (tall + _TITLE)))
    # The SVG holds the images' own pixels, and leaves it to the viewer to make them larger.
    axes.imshow(
        picture[..., 0] if channels == 1 else picture,
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="none",
        extent=(0, picture.shape[1], picture.shape[0], 0),
    )
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure, axes
