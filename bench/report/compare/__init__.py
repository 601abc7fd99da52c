"""The regression gate: a table of records against a reference. See docs/compare.md."""

from bench.report.compare.comparison import Comparison, compare
from bench.report.compare.markdown import markdown
from bench.report.compare.sides import read
from bench.report.compare.update import update

__all__ = ["Comparison", "compare", "markdown", "read", "update"]
