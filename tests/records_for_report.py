"""Made-up tables of records: U-shaped curves with a known noise, with failures where asked."""

import json

import numpy as np
import pandas as pd

from bench import records

__all__ = [
    "DIMS",
    "cells",
    "controls",
    "curve",
    "everything",
    "missing",
    "several_protocols",
    "u_curve",
]

DIMS = [2, 4, 8, 16, 32]
_PROTOCOL = {
    "protocol": "main",
    "split": "test",
    "features": "raw",
    "stretch": False,
    "checkpoint": "last",
    "samples": 1000,
}


def cells(
    distances: pd.DataFrame,
    system: str,
    base: str | None = None,
    dataset: str = "made-up",
    true_dim: int | None = 8,
    counts: pd.DataFrame | None = None,
    diverged: dict | None = None,
    options: dict | None = None,
    **more,
) -> list[dict]:
    """Rows of one system from distances [seeds, dims]; `diverged` maps (dim, seed) to a step.

    `more` are further columns, of the protocol, the training or the done rows' metrics.
    """
    metrics = ("fid_low", "fid_high", "fd_infinity", "kid", "precision", "caution", "elbo", "iwae")
    metrics += ("bits", "pca_dimension", "two_nn", "mle_dimension")
    measured = {name: more.pop(name) for name in metrics if name in more}
    rows = []
    for seed, row in distances.iterrows():
        for dim, fid in row.items():
            step = (diverged or {}).get((dim, seed))
            kept = None if counts is None else counts.loc[seed, dim]
            done = {
                "fid": fid,
                "reconstruction": 1 / max(1, dim),
                "latent_divergence": 0.01,
                "nac": 0.1,
                "discovered_mask": kept,
                "discovered_units": min(dim, 9),
                **measured,
            }
            rows.append(
                {
                    "study": "made-up",
                    "dataset": dataset,
                    "true_dim": true_dim,
                    "system": system,
                    "base": base or system,
                    "dim": dim,
                    "seed": seed,
                    "status": "done" if step is None else "diverged",
                    "step": step,
                    **_PROTOCOL,
                    "net": "mlp 128-128",
                    "batch": 64,
                    "steps": 3000,
                    "schedule": "falling",
                    "snapshot": 3000,
                    "options": json.dumps(options or {}),
                    **more,
                    **(done if step is None else {}),
                }
            )
    return rows


def u_curve(n: int = 8, seeds: int = 3, noise: float = 0.01, dims=DIMS, source: int = 0):
    """Distances [seeds, dims] that double with every octave from n, with normal noise."""
    exact = 2 ** np.abs(np.log2(np.asarray(dims) / n))
    noises = np.random.default_rng(source).normal(0, noise, (seeds, len(dims)))
    return pd.DataFrame(exact + noises, index=range(seeds), columns=dims)


def curve(*rows, dims=DIMS) -> pd.DataFrame:
    """Values [seeds, dims], one row a seed."""
    return pd.DataFrame(list(rows), columns=dims)


def missing(system: str, dataset: str = "made-up", seeds: int = 3, dims=DIMS, **more) -> list[dict]:
    """Rows of a system of which no cell was trained."""
    return [
        {
            "study": "made-up",
            "dataset": dataset,
            "system": system,
            "base": system,
            "dim": dim,
            "seed": seed,
            "status": "missing",
            **_PROTOCOL,
            **more,
        }
        for seed in range(seeds)
        for dim in dims
    ]


def controls(
    dataset: str = "made-up", true_dim: int | None = 8, seeds: int = 3, **more
) -> list[dict]:
    """Rows of the real and the noise control."""
    return [
        {
            "study": "made-up",
            "dataset": dataset,
            "true_dim": true_dim,
            "system": name,
            "base": name,
            "seed": seed,
            "status": "done",
            **_PROTOCOL,
            "fid": fid + 0.01 * seed,
            **more,
        }
        for seed in range(seeds)
        for name, fid in (("real", 0.05), ("noise", 300.0))
    ]


def everything() -> pd.DataFrame:
    """Two data sets, of known and unknown n, four systems, controls, and a failure in each."""
    dims = [2, 4, 6, 8, 10, 12, 16, 24, 32]
    flat = u_curve(dims=dims, noise=0.02, source=3)
    flat[[m for m in dims if m > 8]] = 1.1
    counts = pd.DataFrame({m: min(m, 8) for m in dims}, index=range(3))
    counts.loc[1, 24] = 9
    linear = pd.DataFrame({m: 4 + m / 8 for m in dims}, index=range(3))
    rows = []
    for dataset, n in (("made-up", 8), ("unknown", None)):
        named = {"dataset": dataset, "true_dim": n}
        lost = {(24, 1): 812}
        rows += cells(u_curve(dims=dims, noise=0.05, source=1) ** 2, "wae-mmd", **named)
        rows += cells(u_curve(dims=dims, noise=0.1, source=2), "aae", diverged=lost, **named)
        options = {"mask_loss": "paper"}
        rows += cells(flat, "mask-aae-paper", "mask-aae", counts=counts, options=options, **named)
        rows += cells(linear, "pca", **named)
        rows += controls(dataset, n)
    return records.frame(rows)


def several_protocols(dataset: str = "made-up") -> list[dict]:
    """Two systems under main and three further protocols.

    Stretching puts the minimum of aae from 8 to 16 and the order of the systems upside down. The
    checkpoint best on test is 0.9 times as far as the one best on validation.
    """
    aae, mmd = u_curve(source=1), 1.5 * u_curve(source=2)
    validation = {"protocol": "best-validation", "checkpoint": "best-validation"}
    test = {"protocol": "best-test", "checkpoint": "best-test"}
    stretched = {"protocol": "stretched", "stretch": True}
    named = {"dataset": dataset}
    rows = cells(aae, "aae", **named) + cells(mmd, "wae-mmd", **named)
    for how, factor in ((validation, 0.95), (test, 0.95 * 0.9)):
        rows += cells(aae * factor, "aae", **named, **how)
        rows += cells(mmd * factor, "wae-mmd", **named, **how)
    rows += cells(u_curve(n=16, source=1) * 2, "aae", **named, **stretched)
    rows += cells(mmd, "wae-mmd", **named, **stretched)
    for how in ({}, validation, test, stretched):
        rows += controls(dataset, **how)
    return rows
