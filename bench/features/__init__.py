"""What a Fréchet distance is measured on. Names, files and what the data lack need no torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench import downloads
from bench.mistake import Mistake

if TYPE_CHECKING:
    import numpy as np
    import torch

    from bench.data.base import DataSet

__all__ = ["RESIZERS", "Extractor", "files", "lack", "load", "names"]

RESIZERS = ("bilinear", "bicubic")
"""How `inception` resizes images to its own size: see `bench.features.inception`."""


class Extractor(Protocol):
    """Features of points.

    Attributes:
        name: one of `names()`.
        identity: all that decides its features: name, weights, resizer.
        width: the number of features D, or None where it is the data's own.
    """

    name: str
    identity: str
    width: int | None

    def __call__(self, x: "torch.Tensor") -> "np.ndarray":
        """Points [N, prod(shape)], float32, as `DataSet.batch` gives them → features [N, D],
        float32. Beside the two it needs memory for a batch, whatever N is.

        Raises:
            Mistake: points of another size.
        """


def names() -> tuple[str, ...]:
    """The names of all feature extractors, sorted."""
    return ("classifier", "inception", "raw")


def load(name: str, kind: "DataSet | type[DataSet]", resizer: str | None = None) -> Extractor:
    """A feature extractor for a data set.

    Arguments:
        name: one of `names()`.
        kind: the data set or its class.
        resizer: for `inception`, one of `RESIZERS`; None for the others.

    Raises:
        KeyError: there is no extractor of that name.
        Mistake: the data do not fit it (`lack`), a resizer is missing or not used, or its weights
            are missing or not the published ones.
    """
    if reason := lack(name, kind):
        raise Mistake(f"no {name} features: {kind.name} {reason}")
    allowed = RESIZERS if name == "inception" else (None,)
    if resizer not in allowed:
        raise Mistake(
            f"{name} features: resizer {resizer}; allowed: {', '.join(map(str, allowed))}"
        )
    if name == "inception":
        from bench.features.inception import Inception

        return Inception(kind.shape, resizer, *files(name))
    if name == "classifier":
        from bench.features.classifier import Classifier

        return Classifier(kind.classifier)
    from bench.features.raw import Raw

    return Raw()


def files(name: str, root: str | Path | None = None) -> tuple[Path, ...]:
    """The files below a data root that an extractor needs, there or not.

    Arguments:
        name: one of `names()`.
        root: the data root; the default is `bench.downloads.root()`.

    Raises:
        KeyError: there is no extractor of that name.
    """
    _check(name)
    file = "inception/pt_inception-2015-12-05-6726825d.pth"
    return (downloads.root(root) / file,) if name == "inception" else ()


def lack(name: str, kind: "DataSet | type[DataSet]") -> str | None:
    """Why there are no such features of a data set, to be read after its name; None if there are.

    Raises:
        KeyError: there is no extractor of that name.
    """
    _check(name)
    if name == "classifier" and kind.classifier is None:
        return "has no classifier"
    images = len(kind.shape) == 3 and kind.shape[0] in (1, 3) and kind.bounded()
    if name == "inception" and not images:
        return "is not of grey or RGB images in [0, 1]"
    return None


def _check(name: str) -> None:
    if name not in names():
        raise KeyError(f"no features {name!r}; there are {', '.join(names())}")
