"""How the classifiers' weights are made."""

import math
from pathlib import Path

import safetensors.torch
import torch
from torch.nn import functional as F

from bench import data, seeds, store
from bench.features import scenes
from bench.features.classifier import NETS, logits, shapes
from bench.mistake import Mistake

__all__ = ["accuracy", "examples", "fit", "train"]

_SETS = {
    "colour": ("mnist", "fashion-mnist"),
    "digits": ("mnist",),
    "fashion": ("fashion-mnist",),
}
STEPS = 2000


def train(name: str, out: str | Path, root: str | Path | None = None) -> float:
    """Make a classifier's weights from the train splits of its data sets, and write them to `out`;
    returns the accuracy on the validation splits.

    Run twice on one machine it writes the same bytes; another machine's may differ in the last
    bits, which is why the weights are shipped. It takes a minute at most on one core.

    Raises:
        Mistake: there is no such classifier.
        bench.data.DataError: a data set cannot be had; see `bench.data.load`.
    """
    if name not in NETS:
        raise Mistake(f"no classifier {name!r}; there are {', '.join(NETS)}")
    weights = fit(name, *examples(name, "train", root), STEPS)
    with store.atomic(out) as temporary:
        temporary.write_bytes(safetensors.torch.save(weights))
    return accuracy(name, weights, *examples(name, "validation", root))


def examples(
    name: str, split: str, root: str | Path | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """A split of a classifier's data sets: images uint8 [N, 1, 28, 28], labels int64 [N].

    The labels of a second set go on where those of the first end.
    """
    sets = [data.load(it, root) for it in _SETS[name]]
    labels = [it.labels(split) + 10 * i for i, it in enumerate(sets)]
    return torch.cat([getattr(it, split) for it in sets]), torch.cat(labels)


def fit(
    name: str, images: torch.Tensor, labels: torch.Tensor, steps: int, batch: int = 100
) -> dict[str, torch.Tensor]:
    """Weights after `steps` steps of Adam, the learning rate falling from 2e-3 to 0 along a
    straight line, on the cross-entropy. One thread, so that no sum depends on the machine's cores.

    Arguments:
        name: of the classifier.
        images, labels: as `examples` gives them. For `colour` each draw of an image is in a new
            scene, made for this batch only.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        generator = torch.Generator().manual_seed(seeds.derive(0, features="classifier"))
        weights = _initial(name, generator)
        optimizer = torch.optim.Adam(weights.values(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
        for _ in range(steps):
            index = torch.randint(len(images), (batch,), generator=generator)
            shown = _shown(name, images[index], generator)
            loss = F.cross_entropy(logits(name, weights, shown), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    finally:
        torch.set_num_threads(threads)
    return {name: weight.detach() for name, weight in weights.items()}


@torch.no_grad()
def accuracy(
    name: str, weights: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor
) -> float:
    """The share of images whose label is found; for `colour`, of each in one scene."""
    generator = torch.Generator().manual_seed(seeds.derive(0, features="accuracy"))
    found = [
        logits(name, weights, _shown(name, part, generator)).argmax(dim=1)
        for part in images.split(500)
    ]
    return (torch.cat(found) == labels).double().mean().item()


def _shown(name: str, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What the net sees of images uint8 [B, 1, 28, 28]: [B, C, H, W] in [0, 1]."""
    images = images / 255
    return scenes.compose(images, generator) if name == "colour" else images


def _initial(name: str, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """He-normal weights, zero biases."""
    weights = {}
    for layer, shape in shapes(name).items():
        scale = math.sqrt(2 / math.prod(shape[1:]))
        weights[f"{layer}.weight"] = (
            scale * torch.randn(shape, generator=generator)
        ).requires_grad_()
        weights[f"{layer}.bias"] = torch.zeros(shape[0], requires_grad=True)
    return weights
