"""The evaluation of a whole synthetic curve, under the synthetic study's protocol."""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import data, evaluation, runs, study
from benchmarks.markdown import table
from benchmarks.timing import Settings, in_turns, seconds, spread

__all__ = ["section"]

_STUDY = Path(__file__).parents[1] / "workflow" / "config" / "synthetic.yaml"
_DATA, _SYSTEMS, _STEPS = "synthetic-8", ("wae-mmd", "mask-aae"), 10
_ROUNDS = 3
"""At most: they are long."""


def section(settings: Settings) -> str:
    """The table of seconds a curve, its models trained by a few steps."""
    rounds = min(settings.rounds, _ROUNDS)
    what = study.read(_STUDY)
    dims = what.datasets[_DATA]
    if settings.small:
        dims = dims[:2]
        small = {name: replace(it, samples=100) for name, it in what.protocols.items()}
        what = replace(what, protocols=small)
    samples = what.protocols[study.MAIN].samples
    with tempfile.TemporaryDirectory() as folder:
        cases = {"making the data set, which each of these includes": partial(data.load, _DATA)}
        for system in _SYSTEMS:
            out = Path(folder, system)
            runs.train(what, _DATA, system, 0, dims, _STEPS, out)
            cases[system] = partial(evaluation.evaluate_curve, what, _DATA, system, 0, out)
        timed = {name: partial(seconds, case) for name, case in cases.items()}
        timed[_SYSTEMS[0]]()
        found = in_turns("evaluation", timed, rounds)
    rows = [(name, spread(values)) for name, values in found.items()]
    note = (
        f"`evaluate_curve` of {len(dims)} cells of synthetic-8, {samples} samples a cell, models "
        f"of {_STEPS} steps; medians (least–most) over {rounds} rounds."
    )
    return table("Evaluation", note, ("curve", "seconds"), rows)
