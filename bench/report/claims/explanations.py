"""Why a claim was not reproduced, as far as anyone knows: `results/explanations/<study>.yaml`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bench import data, experiments
from bench.report.claims.outcomes import NOT_REPRODUCED, Verdict
from bench.study_file import load, refusal, validate

__all__ = ["FOLDER", "explained", "read"]

FOLDER = Path(__file__).parents[3] / "results" / "explanations"
"""Where a checkout has them; a study need not have any."""

Key = tuple[str, str, str | None]  # claim, data set or experiment, system

_TEXT = {"type": "string", "minLength": 1}
_SCHEMA = {
    "type": "array",
    "description": "a list of explanations",
    "items": {
        "type": "object",
        "description": "an explanation: claim, dataset, system, text",
        "additionalProperties": False,
        "required": ["claim", "dataset", "text"],
        "properties": {
            "claim": {**_TEXT, "description": "the name of a claim"},
            "dataset": {**_TEXT, "description": "the name of a data set or an experiment"},
            "system": {**_TEXT, "description": "a label of the study"},
            "text": {**_TEXT, "description": "text"},
        },
    },
}


def read(
    studies: Iterable[str], claims: Collection[str], folder: str | Path | None = None
) -> dict[Key, str]:
    """The explanations of studies, by claim, data set and system.

    Arguments:
        studies: names, as records have them.
        claims: the names of all claims.
        folder: where the files are, if not in `FOLDER`.

    Raises:
        Mistake: a file has other keys, explains one verdict twice, or names a claim or data set
            that there is none of.
    """
    found = {}
    for study in sorted(studies):
        path = Path(FOLDER if folder is None else folder) / f"{study}.yaml"
        for key, text in _file(path, claims).items() if path.exists() else ():
            # Records of several studies in one table have a verdict in common.
            found[key] = " ".join(filter(None, [found.get(key), text]))
    return found


def explained(verdicts: Iterable[Verdict], texts: Mapping[Key, str]) -> list[Verdict]:
    """The verdicts, with their explanation where they are `not reproduced`."""
    return [
        replace(it, explanation=texts.get((it.claim, it.dataset, it.system), ""))
        if it.verdict == NOT_REPRODUCED
        else it
        for it in verdicts
    ]


def _file(path: Path, claims: Collection[str]) -> dict[Key, str]:
    entries = load(path, "explanations in YAML")
    validate(path, entries, _SCHEMA)
    found = {}
    for i, entry in enumerate(entries):
        known_data = (*data.names(), *experiments.names())
        for name, known in (("claim", claims), ("dataset", known_data)):
            if entry[name] not in known:
                raise refusal(path, (i, name), repr(entry[name]), f"one of {', '.join(known)}")
        key = entry["claim"], entry["dataset"], entry.get("system")
        if key in found:
            told = " · ".join(filter(None, key))
            raise refusal(path, (i,), f"{told} again", "every verdict once")
        found[key] = " ".join(entry["text"].split())
    return found
