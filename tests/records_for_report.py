"""Made-up tables of records: U-shaped curves with a known noise, with failures where asked."""

import json

import numpy as np
import pandas as pd

from bench import records

__all__ = ["DIMS", "cells", "controls", "curve", "everything", "u_curve"]

DIMS = [2, 4, 8, 16, 32]


def cells(
    distances: pd.DataFrame,
    system: str,
    base: str | None = None,
    dataset: str = "made-up",
    true_dim: int | None = 8,
    counts: pd.DataFrame | None = None,
    diverged: dict | None = None,
    options: dict | None = None,
) -> list[dict]:
    """Rows of one system from distances [seeds, dims]; `diverged` maps (dim, seed) to a step."""
    rows = []
    for seed, row in distances.iterrows():
        for dim, fid in row.items():
            step = (diverged or {}).get((dim, seed))
            kept = None if counts is None else counts.loc[seed, dim]
            done = {
                "fid": fid,
                "reconstruction": 1 / dim,
                "latent_divergence": 0.01,
                "nac": 0.1,
                "discovered_mask": kept,
                "discovered_units": min(dim, 9),
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
                    "split": "test",
                    "features": "raw",
                    "samples": 1000,
                    "net": "mlp 128-128",
                    "batch": 64,
                    "steps": 3000,
                    "options": json.dumps(options or {}),
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


def controls(dataset: str = "made-up", true_dim: int | None = 8, seeds: int = 3) -> list[dict]:
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
            "split": "test",
            "features": "raw",
            "samples": 1000,
            "fid": fid + 0.01 * seed,
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
