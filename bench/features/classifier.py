"""classifier: 64 features of images, from a small convolutional net that tells their kinds apart.

There is one for each kind of images, its weights shipped beside this file, so that distances can be
compared between machines without a network. `bench.features.fit` made them.

- `digits` learnt MNIST, `fashion` Fashion-MNIST, 28 × 28 grey.
- `colour` takes 32 × 32 and 64 × 64 RGB. It has seen no photograph: it learnt to name digits and
  clothes in coloured scenes (`bench.features.scenes`). 12 of its features are the mean colour of
  each quarter of the image. Its distances compare systems with each other; they are no published
  FID, and of faces or animals they know colours, layout and edges rather than what is shown.

Labels found in the train, validation and test split, and on these features the Fréchet distance of
the validation split and of uniform noise from the test split (10,000 images each):

| | train | validation | test | real | noise |
|---|---|---|---|---|---|
| `digits` | 99.54 % | 98.99 % | 99.02 % | 0.94 | 426 |
| `fashion` | 93.15 % | 90.99 % | 90.43 % | 0.12 | 237 |
| `colour` (scenes) | 89.64 % | 89.56 % | 89.50 % | 0.81 | 5288 |
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch.nn import functional as F

from bench import downloads
from bench.device import place
from bench.features.batches import in_batches
from bench.mistake import Mistake

__all__ = ["NETS", "Classifier", "Net", "file", "logits", "shapes"]

# With a slope of 0 a quarter of the 64 features of digits were 0 on every digit.
SLOPE = 0.1
WIDTH = 64

# They vary about as much, together, as the learnt ones, which alone hardly tell colour from grey.
QUARTERS_SCALE = 20


@dataclass(frozen=True)
class Net:
    """A classifier: 3 × 3 convolutions, each with 2 × 2 maximum, and two dense layers.

    Attributes:
        sha256: of the shipped weights.
        sizes: of the images it takes, channels × height × width. The first is the net's own, to
            which others are brought by the means of squares.
        channels: of the convolutions.
        classes: how many kinds it tells apart.
        quarters: whether 12 of the features are not learnt, but the mean colour of each quarter of
            the image, times 20.
        centred: whether values are scaled to [-1, 1] first: dark on light is then light on dark,
            with the sign changed, which it learns faster.
    """

    sha256: str
    sizes: tuple[tuple[int, int, int], ...]
    channels: tuple[int, ...]
    classes: int
    quarters: bool = False
    centred: bool = False


NETS = {
    "colour": Net(
        "bd8d3547fcfc42867fe4c825bd1e56fa6c46067880e3b6793ac93dd55eebbfc7",
        sizes=((3, 32, 32), (3, 64, 64)),
        channels=(16, 32, 64),
        classes=20,
        quarters=True,
        centred=True,
    ),
    "digits": Net(
        "b1c3405fbc93df1a584690e0a62875c62aab978cb4d48c13dff285b0aa9f7a3f",
        sizes=((1, 28, 28),),
        channels=(16, 32),
        classes=10,
    ),
    "fashion": Net(
        "ddbf0a48bce08fd0f7f51825383dc33d236ceeea3197afe9fb9a721271ce0e6c",
        sizes=((1, 28, 28),),
        channels=(16, 32),
        classes=10,
    ),
}


def file(which: str) -> Path:
    """Where the shipped weights are."""
    return Path(__file__).with_name(f"{which}.safetensors")


class Classifier:
    """Features of images.

    Arguments:
        which: a name in `NETS`.
        path: the weights; the default is the shipped ones.
        batch: how many images are worked on at a time. It changes a feature by at most 1e-5 of the
            largest.

    Raises:
        Mistake: the file is missing, or not the published one.
    """

    name = "classifier"
    width = WIDTH

    def __init__(self, which: str, path: str | Path | None = None, batch: int = 500):
        self.which, self.batch = which, batch
        self.identity = f"{self.name} {which} {NETS[which].sha256}"
        content = downloads.read(path or file(which), NETS[which].sha256)
        self._weights = {n: place(it) for n, it in safetensors.torch.load(content).items()}

    def __call__(self, x: torch.Tensor) -> np.ndarray:
        """Images [N, prod(size)] with values in [0, 1] → [N, 64].

        Raises:
            Mistake: the images are of no size the net takes.
        """
        sizes = {math.prod(size): size for size in NETS[self.which].sizes}
        if x.ndim != 2 or x.shape[1] not in sizes:
            allowed = " or ".join(
                f"[N, {count}] ({' x '.join(map(str, size))})" for count, size in sizes.items()
            )
            raise Mistake(f"{self.which} classifier: images {list(x.shape)}, not {allowed}")
        size = sizes[x.shape[1]]

        def features(part: torch.Tensor) -> torch.Tensor:
            return _features(self.which, self._weights, part.unflatten(1, size))

        return in_batches(features, x, self.width, self.batch)


def shapes(which: str) -> dict[str, tuple[int, ...]]:
    """The weights' shapes, layer by layer; the last layer is named as the classifier is."""
    net = NETS[which]
    widths = (net.sizes[0][0], *net.channels)
    convolutions = {
        f"conv{i + 1}": (widths[i + 1], widths[i], 3, 3) for i in range(len(net.channels))
    }
    side = net.sizes[0][1] // 2 ** len(net.channels)
    learnt = WIDTH - 12 * net.quarters
    return convolutions | {"dense": (learnt, widths[-1] * side**2), which: (net.classes, learnt)}


def logits(which: str, weights: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """The last layer [N, classes] for images [N, C, H, W]."""
    x = _penultimate(which, weights, images)
    return F.linear(x, weights[f"{which}.weight"], weights[f"{which}.bias"])


def _features(which: str, weights: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    x = _penultimate(which, weights, images)
    if not NETS[which].quarters:
        return x
    return torch.cat([x, QUARTERS_SCALE * F.adaptive_avg_pool2d(images, 2).flatten(1)], dim=1)


def _penultimate(
    which: str, weights: dict[str, torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    net = NETS[which]
    ratio = images.shape[-1] // net.sizes[0][-1]
    x = F.avg_pool2d(images, ratio) if ratio > 1 else images
    x = 2 * x - 1 if net.centred else x
    for i in range(len(net.channels)):
        x = F.conv2d(x, weights[f"conv{i + 1}.weight"], weights[f"conv{i + 1}.bias"], padding=1)
        x = F.leaky_relu(F.max_pool2d(x, 2), SLOPE)
    x = F.linear(x.flatten(1), weights["dense.weight"], weights["dense.bias"])
    return F.leaky_relu(x, SLOPE)
