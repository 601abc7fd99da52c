"""The data sets, one file each, which has the data set's name (`synthetic_8.py` is `synthetic-8`).

Listing the names imports no torch.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.downloads import DataError
from bench.registry import Registry

if TYPE_CHECKING:
    from bench.data.base import DataSet

__all__ = ["DataError", "kind", "load", "names"]

_KINDS = Registry(__name__, "data set", besides=["base", "prepared"])


def names() -> tuple[str, ...]:
    """The names of all data sets, sorted. Imports none of them."""
    return _KINDS.names()


def kind(name: str) -> "type[DataSet]":
    """The class of a data set: its shape and range, without its points.

    Raises:
        KeyError: there is no data set of that name.
    """
    return _KINDS.module(name).DataSet


def load(name: str, root: str | Path | None = None) -> "DataSet":
    """A data set, checked, in memory or (CelebA) mapped into it.

    Arguments:
        name: one of `names()`.
        root: the folder of downloaded data sets; the default is `bench.downloads.root()`.

    Raises:
        KeyError: there is no data set of that name.
        DataError: a file is missing and cannot be downloaded, or is truncated or altered.
    """
    return kind(name)(root)
