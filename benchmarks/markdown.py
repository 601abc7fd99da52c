"""Tables in Markdown, and their place between two marks of a page."""

from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from bench import store
from bench.mistake import Mistake

__all__ = ["BEGIN", "END", "around", "place", "table"]

BEGIN, END = "<!-- measured: written by make benchmark -->", "<!-- /measured -->"


def table(title: str, note: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A section: its title, a sentence or two, and a table of text."""
    align = ["left", *["right"] * (len(columns) - 1)]
    drawn = tabulate(rows, columns, "pipe", colalign=align, disable_numparse=True)
    return f"### {title}\n\n{note}\n\n{drawn}\n"


def place(path: str | Path, text: str) -> None:
    """Replace what a page has between its two marks.

    Raises:
        Mistake: as `around`.
    """
    before, after = around(path)
    store.write_text(path, f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def around(path: str | Path) -> tuple[str, str]:
    """What a page has before and after its two marks.

    Raises:
        Mistake: the page is not there, or has not one of each mark, in order.
    """
    try:
        page = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{path}: no page to write into: {error.strerror}") from None
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise Mistake(f"{path}: lacks one line {BEGIN} and after it one {END}")
    return before, after
