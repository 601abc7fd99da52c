"""Arguments that several verbs have, and what they must be."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.mistake import Mistake

__all__ = [
    "Add",
    "curve",
    "dims",
    "files",
    "known",
    "natural",
    "out",
    "positive",
    "study",
    "threads",
]

Add = Callable[..., argparse.ArgumentParser]
"""Makes the verb of a function: takes it, a line of help, and more for its own help."""


_MOST_DIMS = 65536
"""The most latent dimensions that a study may have (study.schema.json)."""


def study(verb: argparse.ArgumentParser, *names: str) -> None:
    """The study, and names in it."""
    verb.add_argument("path", type=Path, metavar="STUDY", help="a study file, in YAML")
    for name in names:
        verb.add_argument(name, required=True, help="a name among the study's data sets")


def curve(verb: argparse.ArgumentParser) -> None:
    """Which curve of a data set."""
    verb.add_argument("--system", required=True, help="a label among the study's systems")
    verb.add_argument("--seed", required=True, type=natural, help="replicate, an integer >= 0")


def files(verb: argparse.ArgumentParser, what: str) -> None:
    """Files to join."""
    verb.add_argument("files", nargs="*", type=Path, metavar="FILE", help=what)


def threads(verb: argparse.ArgumentParser, more: str = "") -> None:
    """How many threads torch has."""
    verb.add_argument(
        "--threads",
        type=partial(positive, most=1024),
        default=1,
        metavar="N",
        help=f"of the processor{more} (default: 1)",
    )


def out(verb: argparse.ArgumentParser, metavar: str) -> None:
    """What is written."""
    what = "folder" if metavar == "DIR" else "file"
    verb.add_argument(
        "--out", required=True, type=Path, metavar=metavar, help=f"the {what} to write"
    )


def natural(text: str, most: int = 2**63 - 1) -> int:
    """An integer of at least 0, and at most what a study may have as a seed."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no integer of at least 0")
    if int(text) > most:
        raise argparse.ArgumentTypeError(f"{text!r} is greater than {most}")
    return int(text)


def positive(text: str, most: int = 2**31 - 1) -> int:
    """An integer greater than 0."""
    value = natural(text, most)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not greater than 0")
    return value


def dims(text: str) -> tuple[int, ...]:
    """Latent dimensions, each once."""
    found = tuple(natural(part.strip(), _MOST_DIMS) for part in text.split(","))
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"{text!r} has a dimension twice")
    return found


def known(what: str, name: str, names: Sequence[str]) -> None:
    """Refuse a name that the study does not have."""
    if name not in names:
        raise Mistake(f"no {what} {name!r} in the study; it has {', '.join(names)}")
