"""The command line: one verb per step of the way from a study file to its report."""

import argparse
import sys
from collections.abc import Callable, Sequence

from bench.mistake import Mistake, reason
from bench.verbs import assembling, making, reporting, shipping, studies

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Returns 0, or 1 where `compare` found a change, or 2 after a mistake of the
    user's, told in one line on stderr."""
    arguments = vars(_parser().parse_args(argv))
    verb = arguments.pop("verb")
    try:
        return verb(**arguments) or 0
    except (Mistake, OSError) as error:
        print(f"bench: error: {' '.join(reason(error).split())}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="The steps of the way from a study file to its report, one verb each.",
        epilog="`bench VERB --help` has a verb's arguments. `snakemake --cores all --configfile "
        "STUDY` calls them all, for a whole study.",
    )
    verbs = parser.add_subparsers(title="verbs, in the order of use", metavar="VERB", required=True)

    def add(function: Callable, line: str, more: str = "") -> argparse.ArgumentParser:
        name = function.__name__.lstrip("_")
        verb = verbs.add_parser(name, help=line, description=f"{line[0].upper()}{line[1:]}. {more}")
        verb.set_defaults(verb=function)
        return verb

    for group in (studies, making, assembling, reporting, shipping):
        group.describe(add)
    return parser
