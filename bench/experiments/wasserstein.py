"""The Wasserstein distance's primer: couplings, the dual, and distributions that do not overlap.

Of X ~ N(½, 1) and Y ~ N(0, 1), on a million draws of each:
    independent.cost: E (X − Y)², X and Y independent: the variances' sum and ½² make 2.25.
    shift.cost, shift.distance: E (X − Y)² and E |X − Y|, X = Y + ½. Every coupling's is an upper
        bound of the squared W2, and of W1: ½² and ½.
    sorted.distance: W1 between the draws of X and those of Y, which are independent: in one
        dimension the best assignment pairs them in order. From samples it is too large on average;
        here, where one quantile function lies above the other but for noise in the tails, by less
        than 10⁻⁴.
    identity.dual: E f(X) − E f(Y) of f(x) = x, on the same independent draws. That of any function
        with Lipschitz constant 1 is a lower bound of W1 (Kantorovich and Rubinstein), so that it is
        at most sorted.distance.

Of P and Q, uniform on two parallel segments of length 1, .1 apart, {0} × [0, 1] and {.1} × [0, 1],
on 1,000 draws of each:
    segments.shift: E of the distance where both have the same height: an upper bound of W1.
    segments.dual: the same lower bound as above, with f the coordinate across the gap.
    segments.assignment: W1 between independent draws of P and of Q, by the best assignment. Draws
        have not the same heights, which makes it too large: a squared difference of heights is
        1 / (3 n) on average where they are paired in order, which adds about .0017.
    segments.kl.p, segments.kl.q: KL between the shares that P and Q, and Q and P, have of the two
        sides of the gap's middle. Merging points into sides makes no divergence larger (the data
        processing inequality), so that it is a lower bound of KL(P ‖ Q) and KL(Q ‖ P); it is
        infinite, and so are they.

Sources: Villani, Optimal transport, 2009, chapters 5 and 6; the primer of a blog post on WAE-GAN
with a one-dimensional code, whose numbers these are; Arjovsky, Chintala and Bottou, Wasserstein
GAN, 2017, example 1, for the segments.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import rel_entr

__all__ = ["GAP", "MEAN", "run"]

MEAN, GAP = 0.5, 0.1
_DRAWS, _POINTS = 1_000_000, 1_000


def run(seed: int) -> list[dict]:
    """One replicate: the rows of all quantities, none of which has a setting."""
    rng = np.random.default_rng(seed)
    found = _normals(rng) | _segments(rng)
    return [{"quantity": name, "setting": None, "value": it} for name, it in found.items()]


def _normals(rng: np.random.Generator) -> dict[str, float]:
    x, y = rng.normal(MEAN, 1, _DRAWS), rng.normal(0, 1, _DRAWS)
    shifted = y + MEAN
    return {
        "independent.cost": float(np.mean((x - y) ** 2)),
        "shift.cost": float(np.mean((shifted - y) ** 2)),
        "shift.distance": float(np.mean(np.abs(shifted - y))),
        "sorted.distance": float(np.mean(np.abs(np.sort(x) - np.sort(y)))),
        "identity.dual": float(np.mean(x) - np.mean(y)),
    }


def _segments(rng: np.random.Generator) -> dict[str, float]:
    heights = rng.uniform(size=(2, _POINTS))
    p = np.column_stack([np.zeros(_POINTS), heights[0]])
    q = np.column_stack([np.full(_POINTS, GAP), heights[1]])
    distances = cdist(p, q)
    left = [float(np.mean(it[:, 0] < GAP / 2)) for it in (p, q)]
    shares_p, shares_q = ([it, 1 - it] for it in left)
    return {
        "segments.shift": float(np.linalg.norm(p - (p + [GAP, 0]), axis=1).mean()),
        "segments.dual": float(q[:, 0].mean() - p[:, 0].mean()),
        "segments.assignment": float(distances[linear_sum_assignment(distances)].mean()),
        "segments.kl.p": float(rel_entr(shares_p, shares_q).sum()),
        "segments.kl.q": float(rel_entr(shares_q, shares_p).sum()),
    }
