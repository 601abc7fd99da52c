"""A reference rewritten on purpose."""

import shutil
from pathlib import Path

from bench import store
from bench.report.compare.sides import file

__all__ = ["update"]

_BESIDE = ("history.csv", "experiments.csv", "environment.json")


def update(reference: str | Path, results: str | Path) -> list[Path]:
    """Make the reference what the results are: the records, and what a comparison reads beside
    them; the gallery only of a reference that has one.

    A file that the results do not have is removed from the reference, so that nothing of an older
    run is left beside the new records. Figures and verdicts are `make reference`'s.

    Arguments:
        reference: a file or a folder, which need not exist.

    Returns: the files that were written.
    """
    source, reference = file(results), Path(reference)
    target = reference if reference.suffix == ".csv" else reference / "records.csv"
    pairs = {target: source}
    pairs |= {target.with_name(name): source.with_name(name) for name in _BESIDE}
    pictures = target.with_name("gallery")
    if pictures.is_dir():
        pairs |= dict.fromkeys(sorted(pictures.glob("*/*.npz")))
        found = sorted(source.parent.glob("gallery/*/*.npz"))
        pairs |= {target.parent / it.relative_to(source.parent): it for it in found}
    written = []
    for kept, made in pairs.items():
        if made is None or not made.exists():
            kept.unlink(missing_ok=True)
            continue
        with store.atomic(kept) as temporary:
            shutil.copyfile(made, temporary)
        written.append(kept)
    return written
