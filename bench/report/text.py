"""Numbers as text: few significant digits, no exponents where a reader can do without."""

import math
from collections.abc import Iterable, Mapping

from bench.report.statistics import Interval

__all__ = ["bracket", "footnoted", "listing", "marks", "number", "plus_minus"]


def number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, or more where it has more before the point.

    Example:
        >>> number(0.6912), number(1170.4), number(0.00001234)
        ('0.691', '1170', '1.23e-05')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) < 1e-3 or abs(value) >= 1e7:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{_decimals(value, digits)}f}"


def plus_minus(one: Interval) -> str:
    """Mean ± half-width, to the mean's decimals or to its own first digit; the mean of one seed.

    Example:
        >>> plus_minus(Interval(0.6912, 0.6412, 0.7412, (0, 1), 0.95))
        '0.691 ± 0.050'
    """
    mean = number(one.mean)
    if one.half_width is None:
        return mean
    if one.half_width == 0:
        return f"{int(one.mean) if one.mean.is_integer() else mean} ± 0"
    if "e" not in mean and one.half_width >= 0.5 * 10.0 ** -(decimals := _decimals(one.mean, 3)):
        return f"{mean} ± {one.half_width:.{decimals}f}"
    return f"{mean} ± {number(one.half_width, 1)}"


def bracket(one: Interval) -> str:
    """The interval as `[low, high]`, or words where one seed gives none."""
    if one.low is None or one.high is None:
        return "(one seed: no interval)"
    return f"[{number(one.low)}, {number(one.high)}]"


def listing(values) -> str:
    """Values with commas: `2, 4, 6`."""
    return ", ".join(str(value) for value in values)


def marks(texts: Iterable[str]) -> dict[str, str]:
    """A footnote mark for each text, in the texts' order.

    Example:
        >>> marks(["few samples"])
        {'few samples': '†'}
    """
    signs = "†‡§¶"
    distinct = dict.fromkeys(texts)
    return {text: signs[i % 4] * (i // 4 + 1) for i, text in enumerate(distinct)}


def footnoted(text: str, own: Iterable[str], signs: Mapping[str, str]) -> str:
    """A text followed by the footnote marks of its own notes."""
    return " ".join([text, *(signs[note] for note in own)])


def _decimals(value: float, digits: int) -> int:
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits - 1
