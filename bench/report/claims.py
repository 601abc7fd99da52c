"""Claims and their verdicts: one function per test, in the order of the ledger claims.yaml."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from bench import store
from bench.report.curves import Grid, grids
from bench.report.statistics import Interval, exponential, interval, paired
from bench.report.text import bracket, listing, number

__all__ = ["VERDICTS", "Estimate", "Verdict", "judge", "ledger", "summary", "write"]

VERDICTS = ("reproduced", "not reproduced", "inconclusive", "not run")
_REPRODUCED, _NOT_REPRODUCED, _INCONCLUSIVE, _NOT_RUN = VERDICTS


@dataclass(frozen=True)
class Estimate:
    """A statistic's value and interval, and the dimensions and seeds of its records."""

    name: str
    value: float
    low: float | None
    high: float | None
    confidence: float
    dims: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Used:
    """Records behind a verdict: the cells of one curve at one dimension."""

    system: str
    dim: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """What the records of one system on one data set say about one claim."""

    claim: str
    dataset: str
    system: str | None  # None where the data set has no system that the claim is about
    verdict: str
    finding: str
    variant: str = ""  # base and options, where the label is not its base or an option is set
    estimates: tuple[Estimate, ...] = ()
    threshold: float | None = None
    n: int | None = None
    n_source: str | None = None
    fewest_seeds: int | None = None
    seeds: tuple[int, ...] = ()
    records: tuple[Used, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Centre:
    """The dimension n and where it came from: the data, or else the curve of a system."""

    n: int
    source: str
    system: str | None = None
    curve: pd.DataFrame | None = None


@dataclass(frozen=True)
class _Outcome:
    """What a test says of a curve."""

    verdict: str
    finding: str
    estimates: Sequence[Estimate] = ()


def ledger() -> list[dict]:
    """The claims, in the order in which they are shown."""
    return yaml.safe_load(Path(__file__).with_name("claims.yaml").read_text(encoding="utf-8"))


def judge(records: pd.DataFrame) -> list[Verdict]:
    """A verdict on every claim for every data set and each system that the claim is about.

    Raises:
        Mistake: the records of one data set do not belong together; see `grids`.
    """
    # A grid of `grids` is of the main protocol: no other has a say in a verdict.
    return [
        verdict for grid in grids(records) for claim in ledger() for verdict in _judge(claim, grid)
    ]


def write(records: pd.DataFrame, path: str | Path) -> None:
    """Write the ledger and all verdicts as JSON, floats with 6 significant digits."""
    content = {"claims": ledger(), "verdicts": [asdict(verdict) for verdict in judge(records)]}
    text = json.dumps(_rounded(content), indent=1, ensure_ascii=False, allow_nan=False)
    store.write_text(path, text + "\n")


def summary(path: str | Path) -> str:
    """The verdicts of a file of `write`, for a terminal: two lines each."""
    verdicts = json.loads(Path(path).read_text(encoding="utf-8"))["verdicts"]
    return "\n".join(
        f"{one['verdict']:<14}  {one['claim']} · {one['dataset']}"
        f"{' · ' + one['system'] if one['system'] else ''}"
        f"{' (' + one['variant'] + ')' if one['variant'] else ''}\n    {one['finding']}"
        for one in verdicts
    )


def u_shape(claim: Mapping, curve: pd.DataFrame, centre: _Centre) -> _Outcome:
    """The distance is U-shaped with its minimum at n; where n is unknown, with an inner minimum."""
    dims, means, known = list(curve.columns), curve.mean(), centre.curve is None
    if len(dims) < 3:
        return _not_run(f"a U needs three dimensions; there are {listing(dims)}.")
    if known and centre.n not in dims[1:-1]:
        place = "an end of" if centre.n in dims else "not among"
        return _not_run(f"n = {centre.n} is {place} the dimensions {listing(dims)}.")
    if means.isna().all():
        return _Outcome(_INCONCLUSIVE, "No cell has a distance.")
    best, ends = int(means.idxmin()), (dims[0], dims[-1])
    origin = centre.n if known else best
    others = [m for m in dims if m != origin]
    inner = [m for m in others if m not in ends]
    # Corrections are for what was picked by looking: see the ledger.
    rise = {m: paired(curve, m, origin, 1 if known else len(dims) - 2) for m in others}
    strict = {m: paired(curve, m, origin, len(others) if known else 2) for m in others}
    if known:
        holds = best == origin and all(_above(rise[m], claim["threshold"]) for m in others)
        below = [m for m in others if _below(strict[m], claim["threshold"])]
        fails = bool(below)
    else:
        holds = best not in ends and all(_above(rise[m], claim["threshold"]) for m in ends)
        below = []
        fails = best in ends and all(_above(strict[m], claim["threshold"]) for m in inner)
    shown = {m: one for m in others if (one := rise[m])}
    runner = [min(shown, key=lambda m: shown[m].mean)] if shown else []
    named = [m for m in dict.fromkeys([*runner, *ends]) if m in shown]
    at = f"m = {best}" + (", an end" if best in ends else "")
    at += " = n" if known and best == origin else ""
    at += f", not at n = {origin}" if best != origin else ""
    finding = f"Smallest mean distance {number(means[best])} at {at}. Rise from m = {origin} "
    finding += "to the runner-up and the ends: "
    finding += "; ".join(f"{_signed(shown[m])} at m = {m}" for m in named)
    finding += "." if known else f" (corrected for {len(dims) - 2} comparisons)."
    unclear = [
        m
        for m in (others if known else ends)
        if m in shown and not _above(rise[m], claim["threshold"])
    ]
    estimates = [_estimate(f"d({m}) − d({origin})", shown[m], m, origin) for m in named]
    if below:
        finding += f" Lower than at n, even corrected for {len(others)} comparisons, at m = "
        finding += f"{listing(below)}."
        estimates += [
            _estimate(f"d({m}) − d({origin}), corrected", strict[m], m, origin) for m in below
        ]
    elif unclear:
        finding += f" Not clearly above m = {origin}: m = {listing(unclear)}."
    return _Outcome(_decide(holds, fails), finding, estimates)


def flat_beyond_n(claim: Mapping, curve: pd.DataFrame, centre: _Centre) -> _Outcome:
    """The distance at every m ≥ n is at most the threshold times that at any other m."""
    dims = list(curve.columns)
    beyond = [m for m in dims if m >= centre.n]
    if not beyond or len(dims) < 2:
        return _not_run(f"it needs an m ≥ {centre.n} and another; there are {listing(dims)}.")
    low = [(m, seed) for m in dims for seed in curve.index[curve[m] <= 0]]
    if low:
        # Rounding can make a tiny distance negative.
        cells = "; ".join(f"m = {m}, seed {s}: {number(curve.loc[s, m])}" for m, s in low)
        return _Outcome(_INCONCLUSIVE, f"No ratio where a distance is not above 0 ({cells}).")
    logs, limit = np.log(curve), float(np.log(claim["threshold"]))
    pairs = [(m, other) for m in beyond for other in dims if other != m]
    plain = {pair: paired(logs, *pair) for pair in pairs}
    strict = {pair: paired(logs, *pair, len(pairs)) for pair in pairs}
    if logs.isna().all(axis=None):
        return _Outcome(_INCONCLUSIVE, "No cell has a distance.")
    best = int(logs.mean().idxmin())
    ratios = {m: exponential(one) for m in beyond if (one := paired(logs, m, best))}
    if not ratios:
        return _Outcome(_INCONCLUSIVE, f"No m ≥ {centre.n} shares a seed with m = {best}.")
    worst = max(ratios, key=lambda m: ratios[m].mean)
    finding = (
        f"Smallest geometric mean of distances {number(np.exp(logs[best].mean()))} at m = {best}. "
        f"Over m ≥ {centre.n} the largest ratio to it is {number(ratios[worst].mean)} "
        f"{bracket(ratios[worst])} at m = {worst}; at most {claim['threshold']} is asked."
    )
    estimates = [_estimate(f"d({worst}) / d({best})", ratios[worst], worst, best)]
    above = [pair for pair in pairs if _above(strict[pair], limit)]
    reaching = [pair for pair in pairs if not _within(plain[pair], -np.inf, limit)]
    if above:
        m, other = max(above, key=lambda pair: strict[pair].low)
        ratio = exponential(strict[m, other])
        finding += f" Corrected for {len(pairs)} comparisons, d({m}) / d({other}) is still in "
        finding += f"{bracket(ratio)}."
        estimates.append(_estimate(f"d({m}) / d({other}), corrected", ratio, m, other))
    elif reaching:
        finding += f" Not clearly at most {claim['threshold']} times another: m = "
        finding += f"{listing(sorted({m for m, _ in reaching}))}."
    return _Outcome(_decide(not reaching, bool(above)), finding, estimates)


def mask_discovers_n(claim: Mapping, curve: pd.DataFrame, centre: _Centre) -> _Outcome:
    """The mean count of kept dimensions is within n ± threshold; `curve` has the m ≥ n only."""
    dims, n = list(curve.columns), centre.n
    low, high = n - claim["threshold"], n + claim["threshold"]
    if not dims:
        return _not_run(f"there is no m ≥ {n}.")
    plain = {m: one for m in dims if (one := interval(curve[m]))}
    strict = {m: one for m in dims if (one := interval(curve[m], len(dims)))}
    if not plain:
        return _Outcome(_INCONCLUSIVE, f"No cell of m ≥ {n} has a count.")
    worst = max(plain, key=lambda m: abs(plain[m].mean - n))
    counts = curve.stack()
    finding = (
        f"{int(counts.between(low, high).sum())} of {len(counts)} models of m ≥ {n} keep {low} to "
        f"{high} dimensions. The mean is farthest from n = {n} at m = {worst}: "
        f"{number(plain[worst].mean)} {bracket(plain[worst])}."
    )
    estimates = [_estimate(f"dimensions kept at m = {worst}", plain[worst], worst)]
    outside = [m for m, one in strict.items() if one.below(low) or one.above(high)]
    unclear = [m for m in dims if not _within(plain.get(m), low, high)]
    if outside:
        finding += f" Outside even corrected for {len(dims)} comparisons: m = {listing(outside)}."
        estimates += [
            _estimate(f"dimensions kept at m = {m}, corrected", strict[m], m) for m in outside
        ]
    elif unclear:
        finding += f" Not clearly within: m = {listing(unclear)}."
    return _Outcome(_decide(not unclear, bool(outside)), finding, estimates)


# Each claim's test, and the column of records that it is about.
TESTS = {
    "u-shape": (u_shape, "fid"),
    "flat-beyond-n": (flat_beyond_n, "fid"),
    "mask-discovers-n": (mask_discovers_n, "discovered_mask"),
}


def _judge(claim: Mapping, grid: Grid) -> list[Verdict]:
    systems = grid.systems(claim["bases"])
    if not systems:
        reason = f"no system of base {' or '.join(claim['bases'])} in these records."
        return [_finish(claim, grid, None, _not_run(reason))]
    centre = _centre(grid)
    return [_verdict(claim, grid, system, centre) for system in systems]


def _centre(grid: Grid) -> _Centre | str:
    """The true dimension, or its estimate: the argmin of the critic AAE's curve, as the paper does.

    A string says why there is neither.
    """
    if grid.true_dim is not None:
        return _Centre(grid.true_dim, f"n = {grid.true_dim} is the data's true dimension")
    labels = grid.systems(["aae"])
    if not labels:
        return "n is unknown, and there is no aae to estimate it from."
    if len(labels) > 1 and "aae" not in labels:
        return f"n is unknown, and there are several aae to estimate it from: {listing(labels)}."
    label = "aae" if "aae" in labels else labels[0]
    curve = grid.curve(label)
    if curve.isna().all(axis=None):
        return f"n is unknown, and {label} has no distance to estimate it from."
    n = int(curve.mean().idxmin())
    return _Centre(n, f"n estimated as {n} from {label}", label, curve)


def _verdict(claim: Mapping, grid: Grid, system: str, centre: _Centre | str) -> Verdict:
    if grid.untrained() or grid.untrained(system):
        what = grid.dataset if grid.untrained() else system
        return _finish(claim, grid, system, _not_run(f"there is no record of a cell of {what}."))
    if isinstance(centre, str):
        return _finish(claim, grid, system, _not_run(centre))
    test, column = TESTS[claim["id"]]
    needs_n = claim["id"] != "u-shape"
    if needs_n and centre.curve is not None and centre.n in centre.curve.columns[[0, -1]]:
        reason = f"{centre.source}, an end of that curve: the minimum may lie outside."
        return _finish(claim, grid, system, _not_run(reason), centre)
    curve = grid.curve(system, column)
    if claim["id"] == "mask-discovers-n":
        curve = curve.loc[:, curve.columns >= centre.n]
    outcome = test(claim, curve, centre)
    if outcome.verdict == _NOT_RUN:
        return _finish(claim, grid, system, outcome, centre)
    # Whatever is missing is said, and too little of it is no verdict.
    notes = []
    if centre.curve is not None:
        # Without n the place of the minimum has nothing to be held against.
        untested = "n is unknown: only that there is a U is tested, not where its minimum is."
        notes.append(f"{centre.source}." if needs_n else untested)
    lacking = _lacking(curve, claim["fewest_seeds"])
    if centre.curve is not None and centre.system != system and needs_n:
        short = _lacking(centre.curve, claim["fewest_seeds"])
        lacking = lacking or (f"{centre.system}: {short}" if short else "")
    if lacking:
        notes.append(f"Too few seeds: {lacking}.")
        outcome = replace(outcome, verdict=_INCONCLUSIVE)
    failures = [one for one in grid.failures(system, column) if one.dim in curve.columns]
    if needs_n and centre.curve is not None:
        failures += grid.failures(centre.system)
    missing = [one for one in failures if one.reason == "missing"]
    failed = [one for one in failures if one.reason != "missing"]
    if failed:
        # A seed that fails is not a random one to lose, and the claims say "every m".
        notes.append(f"Failed cells, which rule out “reproduced”: {'; '.join(map(str, failed))}.")
        if outcome.verdict == _REPRODUCED:
            outcome = replace(outcome, verdict=_INCONCLUSIVE)
    if missing:
        notes.append(f"Missing cells, left out: {'; '.join(map(str, missing))}.")
    told = [] if column != "fid" else grid.cautions(system)
    if needs_n and centre.curve is not None:
        told += grid.cautions(centre.system)
    notes += [f"Caution: {text}." for text in dict.fromkeys(told)]
    outcome = replace(outcome, finding=" ".join([outcome.finding, *notes]))
    used = _used(system, curve)
    if centre.curve is not None and centre.system != system:
        used += _used(centre.system, centre.curve)
    verdict = _finish(claim, grid, system, outcome, centre)
    seeds = tuple(sorted({seed for one in used for seed in one.seeds}))
    return replace(verdict, seeds=seeds, records=used, failures=tuple(map(str, failures)))


def _finish(
    claim: Mapping, grid: Grid, system: str | None, outcome: _Outcome, centre: _Centre | None = None
) -> Verdict:
    return Verdict(
        claim["id"],
        grid.dataset,
        system,
        outcome.verdict,
        outcome.finding,
        "" if system is None else grid.variant(system),
        tuple(outcome.estimates),
        claim["threshold"],
        None if centre is None else centre.n,
        None if centre is None else centre.source,
        claim["fewest_seeds"],
    )


def _used(system: str, curve: pd.DataFrame) -> tuple[Used, ...]:
    return tuple(
        Used(system, int(m), tuple(int(seed) for seed in seeds.dropna().index))
        for m, seeds in curve.items()
    )


def _lacking(curve: pd.DataFrame, fewest: int) -> str:
    """Where fewer seeds than `fewest` are left; empty if nowhere."""
    there = curve.notna().astype(int)
    counts = there.sum()
    few = counts[counts < fewest]
    if not few.empty and few.nunique() == 1 and len(few) == len(counts):
        return f"{few.iloc[0]} of at least {fewest} seeds"
    if not few.empty:
        return ", ".join(f"m = {m} has {k} of at least {fewest} seeds" for m, k in few.items())
    # Differences are paired: what counts is the seeds that two dimensions share.
    shared = int((there.T @ there).to_numpy().min())
    return f"two dimensions share {shared} of at least {fewest} seeds" if shared < fewest else ""


def _not_run(reason: str) -> _Outcome:
    return _Outcome(_NOT_RUN, f"Not run: {reason}")


def _decide(holds: bool, fails: bool) -> str:
    return _NOT_REPRODUCED if fails else _REPRODUCED if holds else _INCONCLUSIVE


def _above(one: Interval | None, threshold: float) -> bool:
    return one is not None and one.above(threshold)


def _below(one: Interval | None, threshold: float) -> bool:
    return one is not None and one.below(threshold)


def _within(one: Interval | None, low: float, high: float) -> bool:
    return one is not None and one.low is not None and low <= one.low and one.high <= high


def _signed(one: Interval) -> str:
    return f"{'+' if one.mean >= 0 else '−'}{number(abs(one.mean))} {bracket(one)}"


def _estimate(name: str, one: Interval, *dims: int) -> Estimate:
    return Estimate(name, one.mean, one.low, one.high, one.confidence, dims, one.seeds)


def _rounded(content):
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return content
