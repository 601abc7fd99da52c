"""Dimensions of sets whose dimension is known: closed forms, plain loops, other libraries."""

import numpy as np
import pytest
from scipy.special import betaincinv
from scipy.stats import ncx2, ortho_group
from sklearn.decomposition import PCA

from bench.metrics.intrinsic import mle_dimension, pca_dimension, two_nn

NEIGHBOURLY = [two_nn, mle_dimension]
COUNT = 1500


def sphere(rng, dim, count=COUNT):
    """Uniform on the sphere of that dimension, in one more coordinate."""
    x = rng.normal(size=(count, dim + 1))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def flat(rng, dim, width=20, count=COUNT):
    """Standard normal on a subspace of `width` coordinates."""
    return rng.normal(size=(count, dim)) @ ortho_group(width, seed=0).rvs()[:dim]


def sphere_distance(rng, dim, shares):
    """A chord's (length / 2)² is Beta(d/2, d/2) distributed."""
    return 2 * np.sqrt(betaincinv(dim / 2, dim / 2, shares))


def flat_distance(rng, dim, shares):
    """The squared distance of a standard normal point from a given one is a noncentral χ²."""
    return np.sqrt(ncx2.ppf(shares, dim, rng.chisquare(dim, size=(len(shares), 1))))


def nearest(distance, dim, neighbours, points):
    """Exact draws of a point's distances to the nearest of COUNT − 1 others.

    The shares of the distribution within the distances are ascending uniform numbers: sums of
    exponentials over the sum of COUNT of them.
    """
    rng = np.random.default_rng(0)
    steps = rng.exponential(size=(points, neighbours))
    others = rng.gamma(COUNT - neighbours, size=(points, 1))
    return distance(rng, dim, steps.cumsum(axis=1) / (steps.sum(axis=1, keepdims=True) + others))


# Neighbours: biases


SETS = [(sphere, sphere_distance), (flat, flat_distance)]


@pytest.mark.parametrize("dim", [2, 5, 10])
@pytest.mark.parametrize(("points", "distance"), SETS)
def test_two_nn_has_the_bias_of_the_exact_distribution_of_ratios(points, distance, dim):
    distances = nearest(distance, dim, 2, 50_000)
    logs = np.sort(np.log(distances[:, 1] / distances[:, 0]))
    heights = -np.log(1 - np.arange(1, len(logs) + 1) / (len(logs) + 1))
    kept = logs < np.quantile(logs, 0.9)
    ((expected,), *_) = np.linalg.lstsq(logs[kept, None], heights[kept], rcond=None)
    found = [two_nn(points(np.random.default_rng(seed), dim)) for seed in range(24)]
    error = np.std(found, ddof=1) / 24**0.5 + expected / 50_000**0.5
    assert abs(np.mean(found) - expected) < 4 * error < 0.06 * dim
    assert 0.92 * dim < expected < 1.02 * dim


@pytest.mark.parametrize("neighbours", [2, 20])
@pytest.mark.parametrize("dim", [2, 5, 10])
@pytest.mark.parametrize(("points", "distance"), SETS)
def test_the_likeliest_has_the_bias_of_the_exact_distribution_of_distances(
    points, distance, dim, neighbours
):
    distances = nearest(distance, dim, neighbours, 10_000)
    expected = 1 / np.log(distances[:, -1:] / distances[:, :-1]).mean()
    found = [mle_dimension(points(np.random.default_rng(s), dim), neighbours) for s in range(8)]
    error = np.std(found, ddof=1) / 8**0.5 + expected / (10_000 * (neighbours - 1)) ** 0.5
    assert abs(np.mean(found) - expected) < 4 * error < 0.1 * dim
    assert 0.87 * dim < expected < 1.02 * dim


@pytest.mark.parametrize("dimension", NEIGHBOURLY)
def test_of_a_line_and_of_a_circle_the_dimension_is_one(dimension):
    assert dimension(sphere(np.random.default_rng(0), 1)) == pytest.approx(1, abs=0.08)
    line = np.random.default_rng(0).uniform(size=(COUNT, 1)) @ np.ones((1, 30))
    assert dimension(line) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("dimension", NEIGHBOURLY)
def test_edges_make_it_smaller_and_folds_larger(dimension):
    """A cube's points are near its faces; a torus in two coordinates an angle folds on itself."""
    x = np.random.default_rng(0).uniform(size=(COUNT, 10))
    turned = 2 * np.pi * x
    assert dimension(x) < 9 < 11 < dimension(np.concatenate([np.cos(turned), np.sin(turned)], 1))


@pytest.mark.parametrize("dimension", NEIGHBOURLY)
def test_a_curved_set_has_the_dimension_of_its_parameters(dimension):
    """A Swiss roll: two parameters in three coordinates, all of which vary."""
    along, across = np.random.default_rng(0).uniform(size=(2, COUNT))
    angle = 1.5 * np.pi * (1 + 2 * along)
    roll = np.stack([angle * np.cos(angle), 20 * across, angle * np.sin(angle)], axis=1)
    assert dimension(roll) == pytest.approx(2, abs=0.15)
    assert pca_dimension(roll) == 3


# Neighbours: plain loops


def ratios_by_loop(x):
    ratios = []
    for i, point in enumerate(x):
        others = sorted(np.sqrt(sum((point - other) ** 2)) for j, other in enumerate(x) if j != i)
        ratios.append(others[1] / others[0])
    return sorted(ratios)


def test_two_nn_is_as_a_loop_has_it():
    x = np.random.default_rng(0).normal(size=(60, 4))
    above = below = 0.0
    for i, ratio in enumerate(ratios_by_loop(x)[:48], start=1):
        above += -np.log(1 - i / 60) * np.log(ratio)
        below += np.log(ratio) ** 2
    assert two_nn(x, discarded=0.2) == pytest.approx(above / below, rel=1e-10)


def test_the_likeliest_dimension_is_as_a_loop_has_it():
    x, k, inverses = np.random.default_rng(0).normal(size=(60, 4)), 5, []
    for i, point in enumerate(x):
        near = sorted(np.linalg.norm(point - other) for j, other in enumerate(x) if j != i)[:k]
        inverses.append(sum(np.log(near[k - 1] / near[j]) for j in range(k - 1)) / (k - 1))
    assert mle_dimension(x, k) == pytest.approx(1 / np.mean(inverses), rel=1e-10)


def test_blocks_do_not_matter(monkeypatch):
    x = np.random.default_rng(0).normal(size=(100, 6))
    whole = mle_dimension(x), two_nn(x)
    monkeypatch.setattr("bench.metrics.intrinsic._VALUES", 500)
    assert (mle_dimension(x), two_nn(x)) == whole


# Neighbours: what does not matter, and what does


@pytest.mark.parametrize("dimension", [*NEIGHBOURLY, pca_dimension])
def test_turns_shifts_scales_and_the_order_do_not_matter(dimension):
    rng = np.random.default_rng(0)
    x = flat(rng, 4, width=8, count=400)
    turn = ortho_group(8, seed=1).rvs()
    for other in (x @ turn, x + 1e6, 1e-6 * x, 1e6 * x, rng.permutation(x), np.pad(x, (0, 9))):
        expected = dimension(x if len(other) == len(x) else np.pad(x, ((0, 9), (0, 0))))
        assert dimension(other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dimension", NEIGHBOURLY)
def test_copies_of_a_point_count_as_one(dimension):
    x = flat(np.random.default_rng(0), 3, width=5, count=300)
    expected = dimension(x)
    assert dimension(np.concatenate([x, x])) == pytest.approx(expected, rel=1e-9)
    some = np.concatenate([x, np.repeat(x[:7], 40, axis=0)])
    assert dimension(some) == pytest.approx(expected, rel=1e-9)
    assert dimension(some.astype(np.float32)) == pytest.approx(expected, rel=1e-3)


def test_a_negative_zero_is_a_zero():
    x = np.random.default_rng(0).normal(size=(30, 2))
    x[:, 1] = 0
    signed = np.concatenate([x, x * [1, -1]])
    assert two_nn(np.concatenate([signed, -signed])) == pytest.approx(
        two_nn(np.concatenate([x, -x])), rel=1e-9
    )


@pytest.mark.parametrize("dimension", NEIGHBOURLY)
def test_small_distances_far_from_the_origin_keep_their_digits(dimension):
    """Clusters 1e-7 wide, where |a|² − 2ab + |b|² has no digits, are as wider ones far apart."""
    rng = np.random.default_rng(0)
    inner, centres = rng.normal(size=(25, 40, 2)), rng.normal(size=(40, 2))
    found = dimension((centres + 1e-7 * inner).reshape(-1, 2))
    assert found == pytest.approx(dimension((1e3 * centres + inner).reshape(-1, 2)), rel=0.02)


@pytest.mark.parametrize("dimension", NEIGHBOURLY)
def test_what_has_no_ratios_has_no_dimension(dimension):
    assert dimension(np.ones((50, 3))) is None
    assert dimension(np.repeat([[0.0, 1], [2, 3]], 25, axis=0)) is None
    assert mle_dimension(np.repeat(np.arange(20.0), 3)[:, None], 20) is None
    corners = np.eye(30)
    assert dimension(corners) is None


def test_where_all_but_the_discarded_ratios_are_one_there_is_no_dimension():
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), -1).reshape(-1, 2)
    assert two_nn(grid) is None
    assert mle_dimension(grid, 4) > 0


# Principal components


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("shape", [(200, 30), (30, 200)])
def test_principal_components_are_as_scikit_learn_counts_them(share, shape):
    x = np.random.default_rng(0).normal(size=shape) * np.geomspace(1, 30, shape[1]) + 5
    assert pca_dimension(x, share) == PCA(share, svd_solver="full").fit(x).n_components_


@pytest.mark.parametrize("dim", [2, 5, 10])
def test_of_a_flat_set_all_variance_is_in_the_subspace(dim):
    x = flat(np.random.default_rng(0), dim, count=300)
    assert pca_dimension(x, share=1) == dim
    assert pca_dimension(x) <= dim


def test_a_share_that_is_just_reached_is_reached():
    """7/25 · 50 is above 14, by rounding."""
    cross = np.concatenate([np.eye(25), -np.eye(25)])
    assert [pca_dimension(cross, k / 25) for k in range(1, 26)] == list(range(1, 26))
    assert pca_dimension(cross, 0.961) == 25


def test_copies_of_a_point_weigh_as_often_and_a_single_point_has_no_dimension():
    assert pca_dimension([[0.0, 0], [9, 0], [0, 1]]) == 1
    assert pca_dimension([[0.0, 0], [9, 0]] + [[0, 1]] * 9 + [[0, -9]] * 9) == 2
    assert pca_dimension(np.full((40, 3), 0.1)) is None


# All


@pytest.mark.parametrize("dimension", [*NEIGHBOURLY, pca_dimension])
def test_many_points_are_drawn_from_by_the_seed_and_nothing_else(dimension):
    x = np.random.default_rng(0).normal(size=(500, 40)) * np.geomspace(1, 9, 40)
    np.random.seed(0)  # noqa: NPY002
    first = dimension(x, most=50, seed=1)
    np.random.seed(1)  # noqa: NPY002
    assert dimension(x, most=50, seed=1) == first
    assert len({dimension(x, most=50, seed=seed) for seed in range(5)}) > 1
    drawn = x[np.random.default_rng(1).choice(500, 50, replace=False)]
    assert dimension(drawn) == first
    assert dimension(x, most=500, seed=1) == dimension(x, most=500, seed=2)


@pytest.mark.parametrize("dimension", [*NEIGHBOURLY, pca_dimension])
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((1, 3)), "x: expected 2 axes and at least"),
        (np.zeros(50), "x: expected 2 axes"),
        (np.full((50, 3), np.nan), "x: a value is not finite"),
        (np.full((50, 3), np.inf), "x: a value is not finite"),
    ],
)
def test_what_is_no_set_of_points_is_refused(dimension, x, words):
    with pytest.raises(ValueError, match=words):
        dimension(x)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: pca_dimension(x, 0), "a share of 0 "),
        (lambda x: pca_dimension(x, 1.1), "a share of 1.1 "),
        (lambda x: two_nn(x, 0), "a share of 0 of the ratios"),
        (lambda x: two_nn(x, 1), "a share of 1 of the ratios"),
        (lambda x: two_nn(x[:2]), "at least 3 rows"),
        (lambda x: mle_dimension(x, 1), "1 neighbours among 30 points"),
        (lambda x: mle_dimension(x, 30), "30 neighbours among 30 points"),
        (lambda x: mle_dimension(x, 20, most=20), "20 neighbours among 20 points"),
    ],
)
def test_options_out_of_range_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.random.default_rng(0).normal(size=(30, 2)))
