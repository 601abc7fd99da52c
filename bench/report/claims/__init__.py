"""Claims and their verdicts: a claim is a file of `ledger`, the form of its test one of `forms`."""

from bench.report.claims.files import summary, write
from bench.report.claims.judging import judge
from bench.report.claims.ledger import read as ledger
from bench.report.claims.outcomes import VERDICTS, Estimate, Verdict

__all__ = ["VERDICTS", "Estimate", "Verdict", "judge", "ledger", "summary", "write"]
