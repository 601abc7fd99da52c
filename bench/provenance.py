"""What records come of: told of a cell and of its measurement, as columns of a record."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench import environment, shelf, sources

if TYPE_CHECKING:
    from bench.features import Extractor

__all__ = ["of_cell", "of_control", "trained"]


def trained(determined: Mapping, modules: Sequence[str]) -> dict[str, str]:
    """What a cell's file says of how it came about, beside its key: short hashes of the code of
    the trainer and of the system, of the environment, and of the data set.

    Arguments:
        determined: all that the cell's key is a hash of.
        modules: that its system is made of (`systems.modules`).
    """
    return {
        "code": f"{_code('runs')}-{'+'.join(map(_code, modules))}",
        "environment": environment.digest(determined["environment"]),
        "data": _short(determined["data"]),
    }


def of_cell(cell: Mapping, extractor: "Extractor") -> dict[str, str | int]:
    """The columns of a cell's record.

    Arguments:
        cell: what the cell's file says of it.
        extractor: what it is measured with, in this process.
    """
    made, here = cell["made"], _here(extractor)
    # As a rule there is one; where there are two, both are told.
    both = dict.fromkeys([made["environment"], here["environment"]])
    return here | {
        "cell": cell["key"][:16],
        "code": f"{made['code']}-{here['code']}",
        "environment": "+".join(both),
        "data": made["data"],
    }


def of_control(fingerprint: Mapping, extractor: "Extractor") -> dict[str, str | int]:
    """The columns of the records of a data set's controls: no cell, and no code of training."""
    return _here(extractor) | {"data": _short(fingerprint)}


def _here(extractor: "Extractor") -> dict[str, str | int]:
    from bench import device  # what reads records must not need torch

    described = environment.describe()
    return {
        "code": _code("evaluation"),
        "environment": environment.digest(described),
        "threads": int(described["threads"]),
        "device": device.name(),
        "extractor": _short({"identity": extractor.identity}),
    }


def _short(told: Mapping) -> str:
    return shelf.key(told)[:16]


def _code(*modules: str) -> str:
    return sources.digest(*modules)[:8]
