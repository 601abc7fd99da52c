"""What codes tell of labels, and sets of points and of components: against loops and libraries."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_score

from bench.metrics import (
    Spread,
    component_separation,
    components_used,
    label_accuracy,
    label_variance,
    mean_gap,
    variance_ratio,
)


def clusters(rng, separation, count=300, classes=5, dim=3):
    """Codes about one centre a label, each coordinate with variance 1, and their labels."""
    labels = rng.integers(classes, size=count)
    centres = separation * rng.normal(size=(classes, dim))
    return centres[labels] + rng.normal(size=(count, dim)), labels


# Accuracy


def accuracy_by_loop(codes, labels, neighbours, folds):
    """Folds in the order of the points: a label's i-th point is of the fold with its i-th share."""
    fold = np.empty(len(labels), dtype=int)
    # Labels, each after those that come first, are dealt to the folds: so many of each a fold has.
    first = [int(np.flatnonzero(labels == label)[0]) for label in labels]
    dealt = labels[np.argsort(first, kind="stable")]
    for label in np.unique(labels):
        sizes = [np.count_nonzero(dealt[k::folds] == label) for k in range(folds)]
        fold[labels == label] = np.repeat(np.arange(folds), sizes)
    right = 0
    for i in range(len(codes)):
        others = np.flatnonzero(fold != fold[i])
        near = others[np.argsort(((codes[others] - codes[i]) ** 2).sum(-1))[:neighbours]]
        right += np.bincount(labels[near]).argmax() == labels[i]
    return right / len(codes)


@pytest.mark.parametrize(("neighbours", "folds"), [(5, 5), (1, 2), (4, 3)])
def test_accuracy_is_as_a_loop_has_it(neighbours, folds):
    codes, labels = clusters(np.random.default_rng(0), 1.0, count=120)
    found = label_accuracy(codes, labels, neighbours, folds)
    assert 0.3 < found < 0.9
    assert found == pytest.approx(accuracy_by_loop(codes, labels, neighbours, folds))


def test_accuracy_of_two_normals_is_near_the_best_possible():
    # Of N(±1, 1) the best rule, the sign, is right with probability Φ(1) = .841; 5 neighbours have
    # that of the majority of 5 draws with the posterior, .80 by quadrature.
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=8000)
    codes = rng.normal(2.0 * labels - 1, 1)[:, None]
    x = np.linspace(-8, 8, 4001)
    one, two = np.exp(-((x - 1) ** 2) / 2), np.exp(-((x + 1) ** 2) / 2)
    p = one / (one + two)
    major = 10 * p**3 * (1 - p) ** 2 + 5 * p**4 * (1 - p) + p**5
    right = (one * major + two * (1 - major)).sum() / (one + two).sum()
    assert label_accuracy(codes, labels) == pytest.approx(right, abs=3 * np.sqrt(0.16 / 8000))


def test_accuracy_of_codes_that_say_nothing_is_that_of_chance():
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=5000)
    found = label_accuracy(rng.normal(size=(5000, 4)), labels)
    assert found == pytest.approx(0.1, abs=3 * np.sqrt(0.09 / 5000))
    assert label_accuracy(np.ones((5000, 4)), labels) < 0.12
    assert label_accuracy(labels[:, None], labels) == 1


def test_accuracy_does_not_change_under_turns_shifts_and_scales():
    rng = np.random.default_rng(1)
    codes, labels = clusters(rng, 1.0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    assert label_accuracy(1e3 + 7 * codes @ turn, labels) == label_accuracy(codes, labels)


def test_of_many_points_some_are_drawn_by_the_seed():
    codes, labels = clusters(np.random.default_rng(2), 0.7, count=400)
    few = [label_accuracy(codes, labels, most=200, seed=seed) for seed in (0, 0, 1)]
    assert few[0] == few[1] != few[2]
    rows = np.random.default_rng(1).choice(400, 200, replace=False)
    assert few[2] == label_accuracy(codes[rows], labels[rows])


@pytest.mark.parametrize(
    ("codes", "labels"),
    [
        (np.zeros((20, 0)), np.arange(20) % 2),
        (np.ones((20, 2)), np.zeros(20, dtype=int)),
        (np.ones((20, 2)), (np.arange(20) < 4).astype(int)),
    ],
    ids=["no coordinate", "one label", "a label of fewer points than folds"],
)
def test_there_is_no_accuracy(codes, labels):
    assert label_accuracy(codes, labels) is None


# Variance between labels


def test_variance_between_labels_is_one_less_that_within():
    codes, labels = clusters(np.random.default_rng(3), 2.0)
    within = sum(((codes[labels == k] - codes[labels == k].mean(0)) ** 2).sum() for k in range(5))
    total = ((codes - codes.mean(0)) ** 2).sum()
    found = label_variance(1e4 + codes, labels + 7)
    assert found == pytest.approx(1 - within / total, rel=1e-9)


def test_variance_between_labels_of_one_coordinate_is_r_squared_of_their_means():
    codes, labels = clusters(np.random.default_rng(4), 1.0, dim=1)
    means = np.array([codes[labels == k].mean() for k in range(5)])[labels]
    squared = np.corrcoef(codes[:, 0], means)[0, 1] ** 2
    assert label_variance(codes, labels) == pytest.approx(squared)


def test_variance_between_labels_at_its_ends():
    labels = np.arange(1000) % 4
    assert label_variance(np.eye(4)[labels], labels) == pytest.approx(1)
    rng = np.random.default_rng(5)
    found = [label_variance(rng.normal(size=(1000, 6)), labels) for _ in range(20)]
    assert np.mean(found) == pytest.approx(3 / 999, rel=0.2)
    assert label_variance(np.ones((1000, 2)), labels) is None
    assert label_variance(np.zeros((1000, 0)), labels) is None


def test_both_rise_with_the_separation_as_the_silhouette_does():
    sets = [clusters(np.random.default_rng(6), separation) for separation in (0.3, 1, 3)]
    for measure in (label_accuracy, label_variance, silhouette_score):
        found = [measure(codes, labels) for codes, labels in sets]
        assert found == sorted(set(found))


@pytest.mark.parametrize("measure", [label_accuracy, label_variance])
@pytest.mark.parametrize(
    ("codes", "labels"),
    [
        (np.ones(5), np.zeros(5, dtype=int)),
        (np.ones((5, 2)), np.zeros(4, dtype=int)),
        (np.ones((5, 2)), np.zeros(5)),
        (np.full((5, 2), np.nan), np.zeros(5, dtype=int)),
    ],
    ids=["one axis", "other counts", "no integers", "nan"],
)
def test_what_is_not_labelled_is_refused(measure, codes, labels):
    with pytest.raises(ValueError, match="codes"):
        measure(codes, labels)


# Means and variances


def spread(*blocks):
    found = Spread()
    for block in blocks:
        found.add(block)
    return found


def test_means_and_variances_are_those_of_all_blocks_at_once():
    rng = np.random.default_rng(0)
    a, b = 1e4 + rng.normal(size=(500, 7)), 1e4 + 0.5 + 2 * rng.normal(size=(400, 7))
    parts = spread(a[:1], a[1:300], a[300:]), spread(b.astype("float32"))
    gap = ((a.mean(0) - b.mean(0)) ** 2).sum() / b.var(0).sum()
    assert mean_gap(*parts) == pytest.approx(gap, rel=1e-2)  # float32 near 1e4
    parts = parts[0], spread(b)
    assert mean_gap(*parts) == pytest.approx(gap, rel=1e-9)
    assert variance_ratio(*parts) == pytest.approx(a.var(0).sum() / b.var(0).sum(), rel=1e-9)


def test_the_mean_itself_has_no_gap_and_no_variance():
    x = np.random.default_rng(1).random((300, 20))
    image = spread(np.tile(x.mean(0), (50, 1)), np.tile(x.mean(0), (70, 1)))
    assert mean_gap(image, spread(x)) == pytest.approx(0, abs=1e-15)
    assert variance_ratio(image, spread(x)) == pytest.approx(0, abs=1e-15)
    assert mean_gap(spread(x), spread(x)) == 0
    assert variance_ratio(spread(x), spread(x)) == 1


def test_of_real_points_that_are_all_the_same_there_is_neither():
    constant = spread(np.ones((5, 2)))
    assert mean_gap(constant, constant) is None
    assert variance_ratio(constant, constant) is None


# Components


def test_separation_is_as_a_loop_has_it():
    images = np.random.default_rng(0).random((12, 30))
    squares = cdist(images, images) ** 2 / 30
    nearest = [min(squares[k, j] for j in range(12) if j != k) for k in range(12)]
    found = component_separation(images.astype("float32"), 0.02)
    assert found == pytest.approx(np.mean(nearest) / 0.02, rel=1e-5)


def test_copies_of_components_are_not_separate():
    images = np.random.default_rng(1).random((6, 9))
    assert component_separation(np.concatenate([images, images]), 0.1) == 0
    assert component_separation(images[:1], 0.1) is None
    assert component_separation(images, 0.0) is None


def test_components_used_are_as_many_as_are_used_alike():
    assert components_used(np.full(8, 0.125)) == pytest.approx(8)
    assert components_used([0.5, 0.5, 0, 0]) == pytest.approx(2)
    assert components_used([0, 1, 0]) == pytest.approx(1)
    shares = np.random.default_rng(2).dirichlet(np.ones(20))
    entropy = torch.distributions.Categorical(torch.from_numpy(shares)).entropy()
    assert components_used(3 * shares) == pytest.approx(float(entropy.exp()))


@pytest.mark.parametrize("shares", [[0.0, 0.0], [-1.0, 2.0], [], [np.nan, 1.0]])
def test_what_are_no_shares_is_refused(shares):
    with pytest.raises(ValueError, match="shares"):
        components_used(shares)
