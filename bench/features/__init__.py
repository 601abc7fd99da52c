"""What a Fréchet distance is measured on. Listing the names imports no torch."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.features.digits import Classifier
    from bench.features.raw import Raw

__all__ = ["load", "names"]

_CLASSES = {"classifier": ("digits", "Classifier"), "raw": ("raw", "Raw")}


def names() -> tuple[str, ...]:
    """The names of all feature extractors, sorted. Imports none of them."""
    return tuple(sorted(_CLASSES))


def load(name: str) -> "Raw | Classifier":
    """A feature extractor: an object with

    - `name`: as given;
    - `width`: the number of features D, or None where it is the data's own;
    - a call `extractor(x)` of a float32 tensor [N, prod(shape)] in the data's value range, as
      `DataSet.batch` gives it, which returns a float32 array [N, D].

    Raises:
        KeyError: there is no extractor of that name.
        Mistake: its weights are not the published ones.
    """
    if name not in _CLASSES:
        raise KeyError(f"no features {name!r}; there are {', '.join(names())}")
    module, cls = _CLASSES[name]
    return getattr(importlib.import_module(f"bench.features.{module}"), cls)()
