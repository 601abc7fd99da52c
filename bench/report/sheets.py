"""Sheets of images: each system's samples, and the learned components of a prior."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["centres", "samples"]

_ACROSS, _GAP, _LARGEST = 10, 2, 16
_FEW = {1: (8, 8), 2: (3, _ACROSS), 3: (3, _ACROSS)}  # rows and columns of so many systems each
_TILE = 0.5  # inches across an image
_TITLE = 0.3  # inches for the title
_LETTERS = 0.42  # of an image's height, for what is written below it


def samples(dataset: str, gallery: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """The first samples of each system at one latent dimension; see `_dimension`.

    Ten of each, in a row a label; thirty, in three rows, of each of two or three systems; of one
    alone a square of 64.

    Arguments:
        gallery: arrays by label, as in `Results`; each of at least one cell.
    """
    dim = _dimension(np.concatenate([arrays["dims"] for arrays in gallery.values()]))
    down, across = _FEW.get(len(gallery), (1, _ACROSS))
    height, width, channels = next(iter(gallery.values()))["samples"].shape[-3:]
    groups = np.full((len(gallery), down, across, height, width, channels), 255, np.uint8)
    labels = []
    for group, (label, arrays) in zip(groups, gallery.items(), strict=True):
        cells = arrays["samples"][arrays["dims"] == dim]
        if len(cells):
            group[:] = cells[0, : down * across].reshape(group.shape)
        labels.append(label if len(cells) else f"{label}: none")
    apart = height // 4 if down > 1 else 0
    left = 0.07 * max(map(len, labels)) + 0.1
    figure, axes = _sheet(groups, _GAP / height, left, apart)
    high = down * (height + _GAP)
    axes.set_yticks(np.arange(len(groups)) * (high + apart) + (high - _GAP) / 2, labels)
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
    rows = np.concatenate([images, blank]).reshape(1, -1, _ACROSS, height, width, channels)
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


def _sheet(
    groups: np.ndarray, below: float, left: float = 0.0, apart: int = 0
) -> tuple[Figure, Axes]:
    """Images [groups, rows, columns, H, W, channels] as one picture, each a square of one size.

    Arguments:
        below: the gap below each image, as a share of its height.
        left: inches kept for labels.
        apart: pixels between a group's last row and the next group, besides that gap.
    """
    count, down, columns, height, width, channels = groups.shape
    gap = round(below * height)
    pads = [(0, 0), (0, 0), (0, 0), (0, gap), (0, _GAP), (0, 0)]
    picture = np.pad(groups, pads, constant_values=255).transpose(0, 1, 3, 2, 4, 5)
    picture = picture.reshape(count, down * (height + gap), columns * (width + _GAP), channels)
    picture = np.pad(picture, [(0, 0), (0, apart), (0, 0), (0, 0)], constant_values=255)
    picture = picture.reshape(-1, *picture.shape[2:])
    tall = len(picture) * _TILE / (width + _GAP)
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
