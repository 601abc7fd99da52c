"""How a Fréchet distance depends on the sample: extrapolation and intervals."""

import numpy as np
import pytest
import scipy.stats

from bench import metrics


def standard(dim):
    return np.zeros(dim), np.eye(dim)


def far_samples(rng, count=100, dim=3):
    """From N(0.5, 1.2² I): 3 (0.5² + 0.2²) = 0.87 from N(0, I)."""
    return 1.2 * rng.normal(size=(count, dim)) + 0.5


# Extrapolation


def test_fd_infinity_is_nearer_to_the_truth_than_the_distance_itself():
    """N(0.1, 1.1² I) and N(0, I) in 20 dimensions are 20 (0.1² + 0.1²) = 0.4 apart."""
    errors = []
    for seed in range(10):
        x = 1.1 * np.random.default_rng(seed).normal(size=(1000, 20)) + 0.1
        plain = metrics.frechet_distance(*metrics.moments(x), *standard(20))
        errors.append((plain - 0.4, metrics.fd_infinity(x, standard(20), seed=seed) - 0.4))
    plain, extrapolated = np.mean(errors, axis=0)
    assert plain > 0.1
    assert abs(extrapolated) < plain / 4
    plain, extrapolated = np.sqrt(np.mean(np.square(errors), axis=0))
    assert extrapolated < plain / 2


def test_fd_infinity_is_the_intercept_of_a_line_in_one_over_n():
    x, rng = far_samples(np.random.default_rng(0)), np.random.default_rng(7)
    sizes = [20, 40, 60, 80, 100]
    draws = [x[rng.choice(100, size, replace=False)] for size in sizes]
    found = [metrics.frechet_distance(*metrics.moments(draw), *standard(3)) for draw in draws]
    expected = scipy.stats.linregress([1 / size for size in sizes], found).intercept
    assert metrics.fd_infinity(x, standard(3), 5, least=20, seed=7) == pytest.approx(expected)


def test_fd_infinity_needs_four_samples_a_feature_or_to_be_told_where_to_begin():
    x = np.random.default_rng(0).normal(size=(40, 10))
    assert metrics.fd_infinity(x, standard(10)) is not None
    assert metrics.fd_infinity(x[:39], standard(10)) is None
    assert metrics.fd_infinity(x[:39], standard(10), least=12) is not None


# Intervals


def coverage(sample, simulations=200):
    """The share of intervals that hold the mean distance of samples of that number."""
    rng, dim = np.random.default_rng(0), sample(np.random.default_rng(0)).shape[1]
    truth = np.mean(
        [
            metrics.frechet_distance(*metrics.moments(sample(rng)), *standard(dim))
            for _ in range(2000)
        ]
    )
    held = 0
    for seed in range(simulations):
        low, high = metrics.frechet_interval(sample(rng), standard(dim), seed=seed)
        held += low <= truth <= high
    return held / simulations


def test_an_interval_covers_as_often_as_it_says_where_the_distance_is_not_mostly_bias():
    assert 0.9 <= coverage(far_samples) <= 0.98


def test_an_interval_is_too_wide_not_too_narrow_where_the_distance_is_only_bias():
    assert coverage(lambda rng: rng.normal(size=(100, 3)), simulations=100) >= 0.95


def test_an_interval_is_as_resampling_one_by_one_gives_it():
    x, rng = far_samples(np.random.default_rng(0)), np.random.default_rng(5)

    def distance(rows):
        return metrics.frechet_distance(*metrics.moments(rows), *standard(3))

    found = [distance(x[rng.integers(100, size=100)]) for _ in range(30)]
    moved = np.array(found) - np.mean(found) + distance(x)
    low, high = metrics.frechet_interval(x, standard(3), 30, seed=5, confidence=0.8)
    assert (low, high) == pytest.approx(tuple(np.quantile(moved, [0.1, 0.9])), rel=1e-9)


def test_an_interval_narrows_with_the_root_of_the_number_of_samples():
    widths = [
        np.ptp(metrics.frechet_interval(far_samples(np.random.default_rng(0), count), standard(3)))
        for count in (400, 6400)
    ]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)


def test_an_interval_does_not_begin_below_zero():
    x = np.random.default_rng(0).normal(size=(2000, 1))
    low, high = metrics.frechet_interval(x, metrics.moments(x))
    assert 0 <= low < high


# Both


@pytest.mark.parametrize("metric", [metrics.fd_infinity, metrics.frechet_interval])
def test_the_seed_decides_and_nothing_else(metric):
    x = far_samples(np.random.default_rng(0))
    np.random.seed(0)  # noqa: NPY002
    first = metric(x, standard(3), seed=1)
    np.random.seed(1)  # noqa: NPY002
    assert metric(x, standard(3), seed=1) == first
    assert metric(x, standard(3), seed=2) != first


@pytest.mark.parametrize("metric", [metrics.fd_infinity, metrics.frechet_interval])
@pytest.mark.parametrize(
    ("generated", "real", "words"),
    [
        (np.zeros((1, 3)), standard(3), "generated.*at least 2 rows"),
        (np.zeros(5), standard(3), "generated.*2 axes"),
        (np.full((50, 3), np.nan), standard(3), "generated: a value is not finite"),
        (np.ones((50, 3)), (np.zeros(3), -np.eye(3)), "cov_real is not positive"),
        (np.ones((50, 3)), (np.zeros(3), np.eye(2)), "shapes"),
        (np.ones((50, 3)), standard(2), "shapes"),
    ],
)
def test_what_is_no_sample_is_refused(metric, generated, real, words):
    with pytest.raises(ValueError, match=words):
        metric(generated, real)


@pytest.mark.parametrize("options", [{"points": 1}, {"least": 1}, {"least": 50}])
def test_fd_infinity_refuses(options):
    with pytest.raises(ValueError, match="points from"):
        metrics.fd_infinity(np.ones((50, 3)), standard(3), **options)


@pytest.mark.parametrize("options", [{"replicates": 1}, {"confidence": 0}, {"confidence": 1}])
def test_interval_refuses(options):
    with pytest.raises(ValueError, match="replicates at confidence"):
        metrics.frechet_interval(np.ones((50, 3)), standard(3), **options)
