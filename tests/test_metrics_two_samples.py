"""Kernel distance and nearest neighbours against torch-fidelity, plain loops and known truths."""

import math

import numpy as np
import pytest
import torch
from torch_fidelity import metric_kid, metric_prc

from bench import metrics


def two_sets(count_a=120, count_b=120, dim=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count_a, dim)), 0.8 * rng.normal(size=(count_b, dim)) + 0.3


# Kernel distance


def torch_fidelity_kid(a, b, **options):
    found = metric_kid.kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), verbose=False, **options
    )
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"]


def test_kid_of_whole_sets_is_as_a_double_loop_computes_it():
    a, b = two_sets(30, 30, 4)

    def kernel(x, y):
        return (sum(p * q for p, q in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def mean_within(rows):
        pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j]
        return sum(kernel(rows[i], rows[j]) for i, j in pairs) / len(pairs)

    across = sum(kernel(x, y) for x in a for y in b) / (len(a) * len(b))
    expected = mean_within(a) + mean_within(b) - 2 * across
    found = metrics.kid(a, b, subsets=1, size=30)
    assert found.mean == pytest.approx(expected, rel=1e-10)
    assert found.deviation == 0


# More than the rows of one block of the kernel matrix, and not a multiple of it.
@pytest.mark.parametrize("count", [2, 100, 300])
def test_kid_of_whole_sets_is_as_torch_fidelity_computes_it(count):
    a, b = two_sets(count, count, 32)
    expected, _ = torch_fidelity_kid(a, b, kid_subsets=1, kid_subset_size=count)
    assert metrics.kid(a, b, subsets=1).mean == pytest.approx(expected, rel=1e-9)


def test_kid_of_the_same_subsets_is_as_torch_fidelity_computes_it(monkeypatch):
    a, b = two_sets(150, 130)
    rng = np.random.default_rng(3)
    with monkeypatch.context() as patch:
        patch.setattr(np.random, "RandomState", lambda seed: rng)
        expected = torch_fidelity_kid(a, b, kid_subsets=7, kid_subset_size=50)
    found = metrics.kid(a, b, subsets=7, size=50, seed=3)
    assert tuple(found) == pytest.approx(expected, rel=1e-9)
    assert found.deviation > 0


def test_kid_is_unbiased():
    """In one dimension it is 3 Δ₁² + 3 Δ₂² + Δ₃², of the differences of the first raw moments."""
    rng = np.random.default_rng(0)
    found = [
        metrics.kid(rng.normal(size=(10, 1)), rng.normal(size=(10, 1)) + 0.5, subsets=1).mean
        for _ in range(4000)
    ]
    truth = 3 * 0.5**2 + 3 * 0.25**2 + (0.5**3 + 3 * 0.5) ** 2
    error = np.std(found) / math.sqrt(len(found))
    assert abs(np.mean(found) - truth) < 3 * error < 0.5 * truth


def test_kid_takes_all_rows_of_sets_below_a_thousand_in_any_order():
    a, b = two_sets()
    rng = np.random.default_rng(0)
    found = metrics.kid(rng.permutation(a), rng.permutation(b), subsets=2, seed=9)
    assert found.mean == pytest.approx(metrics.kid(a, b, subsets=1, size=120).mean, rel=1e-10)
    assert found.deviation < 1e-12


def test_kid_is_decided_by_its_seed():
    a, b = two_sets()
    assert metrics.kid(a, b, 3, 20, seed=1) == metrics.kid(a, b, 3, 20, seed=1)
    assert metrics.kid(a, b, 3, 20, seed=1) != metrics.kid(a, b, 3, 20, seed=2)


@pytest.mark.parametrize("options", [{"size": 121}, {"size": 1}, {"subsets": 0}])
def test_kid_refuses(options):
    with pytest.raises(ValueError, match="the smaller set has 120"):
        metrics.kid(*two_sets(), **options)


# Nearest neighbours


def by_loops(real, generated, k):
    def radius(points, i):
        return sorted(math.dist(points[i], p) for j, p in enumerate(points) if j != i)[k - 1]

    real_radii = [radius(real, i) for i in range(len(real))]
    generated_radii = [radius(generated, j) for j in range(len(generated))]
    precise, recalled, held, covered = set(), set(), 0, set()
    for i, x in enumerate(real):
        for j, y in enumerate(generated):
            if math.dist(x, y) <= real_radii[i]:
                precise.add(j)
                covered.add(i)
                held += 1
            if math.dist(x, y) <= generated_radii[j]:
                recalled.add(i)
    counts = len(precise), len(recalled), held / k, len(covered)
    sizes = len(generated), len(real), len(generated), len(real)
    return tuple(count / size for count, size in zip(counts, sizes, strict=True))


@pytest.mark.parametrize("k", [1, 5])
def test_neighbourhoods_are_as_plain_loops_find_them(k):
    real, generated = two_sets(70, 50, 3)
    found = metrics.precision_recall_density_coverage(real, generated, k)
    assert tuple(found) == pytest.approx(by_loops(real, generated, k), rel=1e-12)
    assert found.precision != found.recall


@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_are_as_torch_fidelity_finds_them(k):
    real, generated = two_sets(300, 250, 16)
    theirs = metric_prc.prc_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), prc_neighborhood=k, verbose=False
    )
    found = metrics.precision_recall_density_coverage(real, generated, k)
    # Theirs is a mean in float32.
    expected = theirs["precision"], theirs["recall"]
    assert (found.precision, found.recall) == pytest.approx(expected, rel=1e-6)


def test_neighbourhoods_do_not_depend_on_the_tiles(monkeypatch):
    real, generated = two_sets(300, 250)
    whole = metrics.precision_recall_density_coverage(real, generated)
    monkeypatch.setattr("bench.metrics.neighbours._MEGABYTES", 0.01)
    assert metrics.precision_recall_density_coverage(real, generated) == whole


def test_a_set_that_is_the_real_one_in_another_order_fills_it():
    """A point is in its own neighbourhood and in those of k others, on average."""
    real, _ = two_sets()
    shuffled = np.random.default_rng(0).permutation(real)
    found = metrics.precision_recall_density_coverage(real, shuffled, 5)
    assert found == pytest.approx((1, 1, 6 / 5, 1))


def test_sets_far_apart_have_none_of_it():
    real, generated = two_sets()
    assert metrics.precision_recall_density_coverage(real, generated + 100) == (0, 0, 0, 0)


def test_one_mode_of_two_is_precise_and_recalls_half():
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(200, 4)), rng.normal(size=(200, 4)) + 50])
    found = metrics.precision_recall_density_coverage(real, rng.normal(size=(200, 4)))
    assert found.precision > 0.9
    assert 0.4 < found.recall <= 0.5
    assert 0.4 < found.coverage <= 0.5


@pytest.mark.parametrize("k", [0, 120, 200])
def test_neighbourhoods_refuse_a_k_out_of_range(k):
    with pytest.raises(ValueError, match=f"{k} neighbours"):
        metrics.precision_recall_density_coverage(*two_sets(150), k)


# Both


@pytest.mark.parametrize("metric", [metrics.kid, metrics.precision_recall_density_coverage])
@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.zeros((5, 3)), np.zeros((5, 4)), "features of 3 and of 4 dimensions"),
        (np.zeros((1, 3)), np.zeros((5, 3)), "at least 2 rows"),
        (np.zeros((5, 3)), np.zeros(5), "2 axes"),
        (np.full((5, 3), np.nan), np.zeros((5, 3)), "a value is not finite"),
        (np.zeros((5, 3)), np.full((5, 3), np.inf), "a value is not finite"),
    ],
)
def test_what_are_no_features_is_refused(metric, a, b, words):
    with pytest.raises(ValueError, match=words):
        metric(a, b)
