"""Metrics against closed forms, other libraries, plain loops, and their mathematical properties."""

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import torch
from pytorch_fid import fid_score
from torch_fidelity import metric_fid

from bench import metrics
from benchmarks import frechet
from benchmarks.timing import Settings

# pytorch-fid's own call, refused by SciPy 1.18.
pytestmark = pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")


def random_cov(rng, dim, rank=None):
    factor = rng.normal(size=(dim, rank or 2 * dim))
    return factor @ factor.T / factor.shape[1]


def test_metrics_import_no_torch():
    program = "import sys, bench.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# Fréchet distance


@pytest.mark.parametrize(("m", "s", "n", "t"), [(0, 1, 0, 1), (0.5, 1, 0, 2), (-3, 0, 4, 0.25)])
def test_frechet_of_one_dimension_is_shift_and_width(m, s, n, t):
    """W2² of N(m, s²) and N(n, t²) is (m − n)² + (s − t)²."""
    found = metrics.frechet_distance([m], [[s**2]], [n], [[t**2]])
    assert found == pytest.approx((m - n) ** 2 + (s - t) ** 2, rel=1e-12, abs=1e-12)


def test_frechet_of_commuting_covariances():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 4, size=(2, 20))
    mean_a, mean_b = rng.normal(size=(2, 20))
    turn, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    expected = np.sum((mean_a - mean_b) ** 2) + np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    found = metrics.frechet_distance(mean_a, turn * a @ turn.T, mean_b, turn * b @ turn.T)
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_frechet_of_any_covariances_is_as_with_a_matrix_square_root(seed):
    rng = np.random.default_rng(seed)
    cov_a, cov_b = random_cov(rng, 12), 3 * random_cov(rng, 12)
    mean_a, mean_b = rng.normal(size=(2, 12))
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a + cov_b - 2 * root)
    found = metrics.frechet_distance(mean_a, cov_a, mean_b, cov_b)
    assert found == pytest.approx(expected, rel=1e-9)
    theirs = fid_score.calculate_frechet_distance(mean_a, cov_a, mean_b, cov_b)
    assert found == pytest.approx(theirs, rel=1e-9)


def test_frechet_of_singular_covariances_in_orthogonal_subspaces():
    """Their product is zero, so the distance is the sum of the traces."""
    cov_a, cov_b = np.diag([1.0, 2, 0, 0]), np.diag([0, 0, 3.0, 4])
    assert metrics.frechet_distance(np.zeros(4), cov_a, np.zeros(4), cov_b) == pytest.approx(10)


def test_frechet_of_singular_covariances_is_the_limit_of_regular_ones():
    rng = np.random.default_rng(0)
    cov_a, cov_b = random_cov(rng, 10, rank=3), random_cov(rng, 10, rank=4)
    eps = 1e-8
    root = scipy.linalg.sqrtm((cov_a + eps * np.eye(10)) @ (cov_b + eps * np.eye(10))).real
    limit = np.trace(cov_a + cov_b - 2 * root)
    found = metrics.frechet_distance(np.zeros(10), cov_a, np.zeros(10), cov_b)
    assert found == pytest.approx(limit, abs=1e-3)
    assert found > 0.1


def test_frechet_is_symmetric_and_does_not_change_under_rotation():
    rng = np.random.default_rng(0)
    a = rng.normal(size=8), random_cov(rng, 8)
    b = rng.normal(size=8), random_cov(rng, 8)
    turn, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    turned = [(turn @ mean, turn @ cov @ turn.T) for mean, cov in (a, b)]
    distance = metrics.frechet_distance(*a, *b)
    assert metrics.frechet_distance(*b, *a) == pytest.approx(distance, rel=1e-12)
    assert metrics.frechet_distance(*turned[0], *turned[1]) == pytest.approx(distance, rel=1e-10)


def test_frechet_root_obeys_the_triangle_inequality():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b, c = ((rng.normal(size=5), random_cov(rng, 5, rank=3)) for _ in range(3))
        ab, bc, ac = (
            math.sqrt(metrics.frechet_distance(*p, *q)) for p, q in ((a, b), (b, c), (a, c))
        )
        assert ac <= ab + bc + 1e-9


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (([0], [[1]], [0, 0], np.eye(2)), "shapes"),
        (([0, 0], np.eye(2), [0, 0], np.eye(3)), "shapes"),
        (([0, 0], np.eye(2), [0, np.nan], np.eye(2)), "mean_b: a value is not finite"),
        (([0, 0], [[1, 2], [0, 1]], [0, 0], np.eye(2)), "cov_a is not symmetric"),
        (([0, 0], np.eye(2), [0, 0], [[1, 2], [2, 1]]), "cov_b is not positive"),
        (([0, 0], np.eye(2), [0, 0], -np.eye(2)), "cov_b is not positive"),
    ],
)
def test_frechet_refuses(args, words):
    with pytest.raises(ValueError, match=words):
        metrics.frechet_distance(*args)


@pytest.mark.parametrize("shape", [(500, 1), (500, 64), (20, 64), (2, 64)])
def test_fid_of_a_set_with_itself_is_zero_in_any_order(shape):
    rng = np.random.default_rng(0)
    x = 10 * rng.normal(size=shape) + 3
    assert 0 <= metrics.fid(x, x) < 1e-6
    assert 0 <= metrics.fid(x, rng.permutation(x)) < 1e-6


def test_fid_of_shifted_features_is_the_shift_squared():
    x = np.random.default_rng(0).normal(size=(100, 6))
    assert metrics.fid(x, x + [3, 0, 4, 0, 0, 0]) == pytest.approx(25)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fid_is_as_pytorch_fid_computes_it(dtype):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(300, 16)).astype(dtype)
    b = (rng.normal(size=(200, 16)) @ rng.normal(size=(16, 16)) + 1).astype(dtype)
    moments = [
        f(x.astype(np.float64))
        for x in (a, b)
        for f in (lambda x: x.mean(0), lambda x: np.cov(x.T))
    ]
    theirs = fid_score.calculate_frechet_distance(*moments)
    assert metrics.fid(a, b) == pytest.approx(theirs, rel=1e-9)


def test_fid_is_as_torch_fidelity_computes_it():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 16)), rng.normal(size=(200, 16)) @ rng.normal(size=(16, 16)) + 1
    moments = [metric_fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (a, b)]
    theirs = metric_fid.fid_statistics_to_metric(*moments, verbose=False)
    assert metrics.fid(a, b) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-9)


@pytest.mark.parametrize(("count", "width", "rel"), [(200, 20, 1e-12), (30, 40, 1e-7)])
def test_fid_does_not_change_with_the_order_of_either_set(count, width, rel):
    """But for rounding, which counts for more where the covariance is singular."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(count, width)), 2 * rng.normal(size=(count + 1, width)) + 1
    shuffled = metrics.fid(rng.permutation(a), rng.permutation(b))
    assert shuffled == pytest.approx(metrics.fid(a, b), rel=rel)


def test_fid_of_fewer_samples_than_features_is_as_from_the_features_themselves():
    """The trace of the root is the sum of singular values of F_a F_bᵀ, F the centred features."""
    rng = np.random.default_rng(0)
    scale = np.logspace(0, -2, 60)
    a, b = rng.normal(size=(20, 60)) * scale, rng.normal(size=(30, 60)) * 2 * scale + 0.1
    f, g = ((x - x.mean(axis=0)) / math.sqrt(len(x) - 1) for x in (a, b))
    overlap = scipy.linalg.svdvals(f @ g.T).sum()
    shift = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    expected = shift + np.sum(f**2) + np.sum(g**2) - 2 * overlap
    assert metrics.fid(a, b) == pytest.approx(expected, rel=1e-7)


def test_moments_kept_give_the_same_distance():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 3)).astype(np.float32)
    mean, cov = metrics.moments(a)
    assert mean == pytest.approx(np.mean(a, axis=0, dtype=float))
    assert cov == pytest.approx(np.cov(a.T.astype(float)))
    assert metrics.frechet_distance(mean, cov, *metrics.moments(b)) == metrics.fid(a, b)
    with pytest.raises(ValueError, match="at least 2 rows"):
        metrics.moments(a[:1])


def test_a_caution_names_the_smaller_set_where_its_covariance_is_singular():
    words = "500 samples of 2048 features: the covariance is singular"
    assert metrics.caution(500, 10_000, 2048) == metrics.caution(10_000, 500, 2048) == words
    assert metrics.caution(2049, 2049, 2048) is None
    x = np.random.default_rng(0).normal(size=(9, 8))
    for count in (8, 9):
        singular = np.linalg.matrix_rank(np.cov(x[:count].T)) < 8
        assert singular == (metrics.caution(count, 9, 8) is not None)


def test_the_benchmark_compares_the_same_distance():
    report = frechet.section(Settings(rounds=1, small=True))
    assert "300 × 64 features" in report
    assert 0 <= float(report.split()[-1]) < 1e-6


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.zeros((5, 3)), np.zeros((5, 4)), "features of 3 and of 4 dimensions"),
        (np.zeros((1, 3)), np.zeros((5, 3)), "features_a.*at least 2 rows"),
        (np.zeros((5, 3)), np.zeros(5), "features_b.*2 axes"),
        (np.full((5, 3), np.inf), np.zeros((5, 3)), "features_a: a value is not finite"),
    ],
)
def test_fid_refuses(a, b, words):
    with pytest.raises(ValueError, match=words):
        metrics.fid(a, b)


# Normalised absolute covariance


def nac_by_loop(codes, columns):
    rows, total = len(codes), 0.0

    def cov(i, j):
        mean_i, mean_j = sum(codes[:, i]) / rows, sum(codes[:, j]) / rows
        return sum((x[i] - mean_i) * (x[j] - mean_j) for x in codes) / (rows - 1)

    pairs = [(i, j) for i in columns for j in columns if i != j]
    for i, j in pairs:
        total += abs(cov(i, j)) / math.sqrt(cov(i, i) * cov(j, j))
    return total / len(pairs)


def test_nac_is_as_a_double_loop_computes_it():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(50, 5)) @ rng.normal(size=(5, 5)) + 2
    assert metrics.nac(codes) == pytest.approx(nac_by_loop(codes, range(5)), rel=1e-10)
    active = np.array([True, False, True, True, False])
    expected = nac_by_loop(codes, [0, 2, 3])
    assert metrics.nac(codes, active) == pytest.approx(expected, rel=1e-10)
    assert metrics.nac(codes, [True, False, True, True, False]) == metrics.nac(codes, active)


def test_nac_of_a_known_covariance():
    """Codes whose sample covariance is exactly C: whitened samples times its Cholesky factor."""
    cov = np.array([[4.0, -1.0, 0.6], [-1.0, 1.0, 0.0], [0.6, 0.0, 9.0]])
    raw = np.random.default_rng(0).normal(size=(200, 3))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    codes = white @ np.linalg.cholesky(cov).T
    assert metrics.nac(codes) == pytest.approx((1 / 2 + 0.6 / 6 + 0) / 3, rel=1e-10)


def test_nac_does_not_change_with_the_scale_sign_or_shift_of_a_coordinate():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(100, 4)) @ rng.normal(size=(4, 4))
    moved = codes * [1e-4, -3, 1e5, 1] + [5, 0, -7, 1]
    assert metrics.nac(moved) == pytest.approx(metrics.nac(codes), rel=1e-6)


def test_nac_of_one_coordinate_repeated_is_one():
    z = np.random.default_rng(0).normal(size=(100, 1))
    assert metrics.nac(np.hstack([z, -2 * z, 3 * z])) == pytest.approx(1)


def test_nac_leaves_constant_coordinates_out():
    codes = np.random.default_rng(0).normal(size=(100, 3))
    with_constant = np.hstack([codes, np.full((100, 1), 0.1)])
    assert metrics.nac(with_constant) == metrics.nac(codes)


@pytest.mark.parametrize(
    ("codes", "active"),
    [
        (np.arange(6.0).reshape(6, 1), None),
        (np.ones((6, 4)), None),
        (np.arange(12.0).reshape(6, 2), [True, False]),
        (np.arange(12.0).reshape(6, 2), [False, False]),
    ],
)
def test_nac_of_fewer_than_two_coordinates_is_undefined(codes, active):
    assert metrics.nac(codes, active) is None


@pytest.mark.parametrize(
    ("codes", "active", "words"),
    [
        (np.ones((1, 3)), None, "at least 2 rows"),
        (np.full((4, 3), np.nan), None, "not finite"),
        (np.ones((4, 3)), [True, False], "active"),
        (np.ones((4, 3)), [0, 1, 1], "active"),
    ],
)
def test_nac_refuses(codes, active, words):
    with pytest.raises(ValueError, match=words):
        metrics.nac(codes, active)


# Dimensions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_active_dimensions_counts_a_mask_value_at_the_threshold(dtype):
    mask = np.array([0.0, 0.0999, 0.1, 0.5, 1.0], dtype=dtype)
    assert metrics.active_dimensions(mask) == 3
    assert metrics.active_dimensions(mask, threshold=0.6) == 1


def test_active_dimensions_refuses_a_stack_of_masks_and_nan():
    with pytest.raises(ValueError, match="1 axes"):
        metrics.active_dimensions(np.ones((3, 4)))
    with pytest.raises(ValueError, match="not finite"):
        metrics.active_dimensions([1.0, np.nan])


def test_active_units_are_those_that_vary_over_the_data():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(5000, 5)) * [1, 0.2, 0.05, 1e-3, 0] + [0, 0, 0, 5, 5]
    assert metrics.active_units(means) == 2
    assert metrics.active_units(means, threshold=0.5) == 1
    with pytest.raises(ValueError, match="not finite"):
        metrics.active_units([[0.0], [np.nan]])


# Reconstruction


def test_reconstruction_error_is_the_mean_over_points_and_coordinates():
    x, x_hat = np.zeros((2, 3)), np.array([[1.0, 2, 3], [0, 0, 1]])
    assert metrics.reconstruction_error(x, x_hat) == pytest.approx(15 / 6)
    with pytest.raises(ValueError, match="shape"):
        metrics.reconstruction_error(x, x_hat[:1])


def test_codes_of_no_dimension_have_no_covariance_and_nothing_active():
    codes = np.zeros((5, 0))
    assert metrics.nac(codes) is None
    assert metrics.nac(codes, np.zeros(0, dtype=bool)) is None
    assert metrics.active_units(codes) == metrics.active_dimensions(np.zeros(0)) == 0
