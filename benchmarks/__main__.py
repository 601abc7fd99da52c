"""How fast this is, on this machine: `python -m benchmarks [what …] [--out docs/speed.md]`."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Collection, Iterator

import torch

from bench.mistake import Mistake
from benchmarks import machine, markdown
from benchmarks.timing import Settings

SECTIONS = {
    "ceilings": ("ceilings", "section"),
    "systems": ("systems", "section"),
    "cells": ("scaling", "cells"),
    "dims": ("scaling", "dims"),
    "width": ("scaling", "width"),
    "steps": ("steps", "section"),
    "evaluation": ("evaluation", "section"),
    "pythae": ("pythae", "section"),
    "frechet": ("frechet", "section"),
}
"""Module and function of each, in the order of the page. Only those that are asked for are
imported: some need other libraries."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables as Markdown, and write them where asked to."""
    parsed = _parser().parse_args(arguments)
    torch.set_num_threads(parsed.threads)
    settings = Settings(parsed.rounds, parsed.seconds, parsed.small)
    try:
        if parsed.out:
            # To be told of after some minutes that there is no place would be late.
            markdown.around(parsed.out)
        parts = []
        for part in measured(SECTIONS if "all" in parsed.what else parsed.what, settings):
            print(part, flush=True)
            parts.append(part)
        if parsed.out:
            markdown.place(parsed.out, "\n".join(parts))
    except Mistake as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def measured(names: Collection[str], settings: Settings) -> Iterator[str]:
    """The machine, and the tables of these names in the order of the page."""
    about = "\n".join(f"- {name}: {value}" for name, value in machine.describe())
    yield f"{_title(settings)}\n\n{about}\n"
    yield from (_section(it)(settings) for it in SECTIONS if it in names)


def _title(settings: Settings) -> str:
    return "### Machine" if not settings.small else "### Tiny sizes: these figures mean nothing"


def _section(name: str) -> Callable[[Settings], str]:
    module, function = SECTIONS[name]
    return getattr(importlib.import_module(f"benchmarks.{module}"), function)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        choices=[*SECTIONS, "all"],
        default="all",
        metavar="what",
        help=f"of {', '.join(SECTIONS)}; default: all",
    )
    parser.add_argument(
        "--threads", type=_positive(int), default=os.cpu_count(), help="default: all cores"
    )
    parser.add_argument(
        "--rounds", type=_positive(int), default=Settings.rounds, help="default: %(default)s"
    )
    parser.add_argument(
        "--seconds",
        type=_positive(float),
        default=Settings.seconds,
        help="of one measurement of a step (default: %(default)s)",
    )
    parser.add_argument("--small", action="store_true", help="tiny sizes, only to see it run")
    parser.add_argument("--out", help="a page to write into, between its two marks")
    return parser


def _positive(kind: type) -> Callable[[str], float]:
    def value(text: str) -> float:
        number = kind(text)
        if not number > 0:
            raise ValueError
        return number

    value.__name__ = f"positive {kind.__name__}"
    return value


if __name__ == "__main__":
    sys.exit(main())
