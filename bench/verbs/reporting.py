"""What is told of records, without torch: tables, figures, verdicts, the report, the gate."""

from pathlib import Path

from bench import records, store
from bench.mistake import Mistake, reason
from bench.verbs import arguments
from bench.verbs.arguments import Add

__all__ = ["describe"]


def describe(add: Add) -> None:
    """Add the verbs of this file."""
    beside = (
        "Shows what lies beside RECORDS too: history.csv, experiments.csv, "
        "gallery/<dataset>/<system>.npz."
    )
    judged = (
        "Beside RECORDS, claims on the course of training need history.csv, and those on "
        "experiments experiments.csv."
    )
    for function, line, more, out in (
        (_tables, "write a table per data set, as Markdown, LaTeX and CSV", "", "DIR"),
        (_figures, "draw U-curves, training curves and samples, as SVG and PNG", beside, "DIR"),
        (_claims, "judge the papers' claims and print the verdicts", judged, "FILE.json"),
        (
            _report,
            "write the report: one self-contained page",
            f"{beside[:-1]}, environment.json, costs.csv.",
            "FILE.html",
        ),
    ):
        verb = add(function, line, more)
        verb.add_argument(
            "path", type=Path, metavar="RECORDS", help="a table that collect made: records.csv"
        )
        if function is _report:
            drawn = "what figures made of the same records (default: draw them anew)"
            verb.add_argument("--figures", type=Path, metavar="DIR", help=drawn)
        arguments.out(verb, out)

    verb = add(
        _compare,
        "compare records with a reference: the regression gate",
        "Digit by digit where the environments beside them agree, else by chance, with seeds for "
        "replicates. Ends with 0 where they are the same, 1 after a regression or an unexplained "
        "improvement, 2 where they cannot be compared. See docs/compare.md.",
    )
    for name in ("reference", "results"):
        verb.add_argument(
            name, type=Path, metavar=name.upper(), help="records.csv, or the folder that holds it"
        )
    verb.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write what is printed to a file too"
    )
    verb.add_argument(
        "--update",
        action="store_true",
        help="then make the reference what the results are, and end with 0",
    )


def _tables(path: Path, out: Path) -> None:
    from bench.report import tables

    tables.write(records.read(path), out)


def _figures(path: Path, out: Path) -> None:
    from bench.report import figures, results

    figures.write(results.read(path), out)


def _claims(path: Path, out: Path) -> None:
    from bench.report import claims, results

    claims.write(records.read(path), out, results.training(path), results.experiments(path))
    print(claims.summary(out))


def _report(path: Path, figures: Path | None, out: Path) -> None:
    from bench.report import page, results

    page.write(results.read(path), out, figures)


def _compare(reference: Path, results: Path, markdown: Path | None, update: bool) -> int:
    from bench.report import compare

    made, code = compare.read(results), 0
    try:
        found = compare.compare(compare.read(reference), made)
        text = compare.markdown(found)
        code = int(found.regressed or found.improved)
    except (Mistake, FileNotFoundError) as error:
        if not update:
            raise
        text = f"## A new reference\n\n{reason(error)}\n"
    if markdown is not None:
        store.write_text(markdown, text)
    print(text, end="")
    if not update:
        return code
    for path in compare.update(reference, results):
        print(f"written: {path}")
    return 0
