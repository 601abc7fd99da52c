"""The variational homoencoder: its objective, its classes, and the balance of c and z."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from shaking import shaken
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from torch.distributions import Independent, Normal, kl_divergence

from bench import seeds, study, systems, training
from bench.cells import Stack
from bench.mistake import Mistake
from bench.net import Net
from bench.noise import Noise
from bench.parts import balance
from bench.parts.classes import Classes, PseudoClasses
from bench.points import Points
from bench.systems.base import Space, Step

SIZE, DIMS = 12, (2, 5)


def build(name="vhe", dims=DIMS, labelled=True, **options):
    cls = systems.load(name)
    net, space = Net("mlp", (16, 16)), Space((SIZE,), False, labelled)
    return cls(Stack(dims, seed=1), space, net, cls.Options(**options))


def points(count=40):
    return torch.rand(count, SIZE, generator=torch.Generator().manual_seed(3))


def labelled(count=40):
    """Three classes of unequal size, in no order."""
    labels = torch.randint(0, 5, (count,), generator=torch.Generator().manual_seed(4)).clamp(max=2)
    return Points.of(points(count), labels)


def ready(dims=DIMS, **options):
    """A model with labels, away from its start."""
    model = shaken(build(dims=dims, classes="labels", **options))
    model.fit(labelled())
    return model


def noted(model, step, x):
    """Its loss [cells], and what it notes."""
    notes = {}
    loss = model.loss(x, step._replace(note=notes.__setitem__))
    return loss, notes


ROWS = torch.arange(10)
STEP = Step(30, 100, Noise(4), ROWS)


def test_without_a_class_code_it_is_the_vae():
    vhe, vae = build(class_share=0.0), build("vae")
    vhe.fit(Points.of(points()))
    ours, theirs = dict(vhe.named_parameters()), dict(vae.named_parameters())
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    # p(z | c) and q(z | c, x) read nothing but c.
    results = [model.loss(points()[:10], STEP) for model in (vhe, vae)]
    torch.testing.assert_close(*results, rtol=1e-6, atol=0)
    for name, value in theirs.items():
        ours_slope, slope = (
            torch.autograd.grad(loss.sum(), it, retain_graph=True)[0]
            for loss, it in zip(results, (ours[name], value), strict=True)
        )
        torch.testing.assert_close(ours_slope, slope, rtol=1e-5, atol=1e-6)
    weights = [next(model.log_weights(points(), [Noise(6)])).detach() for model in (vhe, vae)]
    torch.testing.assert_close(*weights, rtol=1e-6, atol=1e-6)
    assert torch.equal(vhe.prior(20, Noise(7)).detach(), vae.prior(20, Noise(7)))
    assert torch.equal(vhe.encode(points()), vae.encode(points()))


def test_with_a_class_code_it_is_not():
    vhe, vae = build(), build("vae")
    vhe.fit(Points.of(points()))
    assert ((vhe.loss(points()[:10], STEP) - vae.loss(points()[:10], STEP)).abs() > 1e-3).all()


@pytest.mark.parametrize("cell", range(2))
def test_its_objective_is_that_of_torch_distributions(cell):
    """With its D and its draws of (c, z): the mean over the batch of
    −log p(x | c, z) + KL(q(z | c, x) ‖ p(z | c)) + KL(q(c | D) ‖ N(0, I)) / N_x."""
    model, data = ready(subset=3, gamma=0.7, likelihood="gaussian"), labelled()
    x, dim = data[ROWS], DIMS[cell]
    split = dim // 2
    loss, notes = noted(model, STEP, x)
    rows = model.classes.subsets(ROWS, STEP.noise.uniform("subset", 30).view(10, 3))[0]
    sets = data[rows.flatten()].unflatten(0, (10, 3))
    draw = STEP.noise.normal("posterior", 10, 32)[:, :dim]

    def linear(name):
        return model.by_class[name].weight[cell, :split, split:dim]

    mean, log_variance = (
        t[cell].unflatten(0, (10, 3))[..., :split] for t in model.class_encoder(sets.flatten(0, 1))
    )
    # Over D: means, and the mean of log standard deviations.
    q_c = Independent(Normal(mean.mean(1), (0.5 * log_variance).mean(1).exp()), 1)
    c = q_c.base_dist.loc + q_c.base_dist.scale * draw[:, :split]
    mean, log_variance = (t[cell, :, split:dim] for t in model.encoder(x))
    mean = mean + c @ linear("posterior_mean")
    log_variance = log_variance + c @ linear("posterior_log")
    q_z = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    z = mean + q_z.base_dist.scale * draw[:, split:]
    p_z = Normal(c @ linear("prior_mean"), (0.5 * (c @ linear("prior_log"))).exp())
    unit = Independent(Normal(torch.zeros(10, split), torch.ones(10, split)), 1)
    counts = torch.bincount(data.labels)[data.labels[ROWS]]
    code = torch.zeros(2, 10, 32)
    code[cell, :, :dim] = torch.cat([c, z], -1)
    x_hat = model.decode(code)[cell]
    error = -Independent(Normal(x_hat, 0.7), 1).log_prob(x).mean()
    expected = {
        "reconstruction": error,
        "kl.c": (kl_divergence(q_c, unit) / counts).mean(),
        "kl.z": kl_divergence(q_z, Independent(p_z, 1)).mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(notes[name][cell], value, rtol=1e-4, atol=1e-6)
        assert value > 1e-3
    torch.testing.assert_close(loss[cell], sum(expected.values()), rtol=1e-4, atol=1e-6)


def test_the_noted_gradients_are_those_of_the_error_by_c_and_by_z():
    model = ready()
    x = labelled()[ROWS]
    _, notes = noted(model, STEP, x)
    _, _, code = model.posterior(x, model.subset(STEP), STEP.noise)
    code = code.detach()
    for cell, dim in enumerate(DIMS):
        parts = {"c": slice(0, dim // 2), "z": slice(dim // 2, dim)}
        for name, part in parts.items():

            def error(own, cell=cell, part=part):
                moved = code.clone()
                moved[cell, :, part] = own
                return model.negative_log_likelihood(x, model.decoder(moved))[cell]

            slope = torch.autograd.functional.jacobian(error, code[cell, :, part])
            torch.testing.assert_close(notes[f"gradient.{name}"][cell], slope.norm())


def test_a_subset_is_of_its_row_s_class_and_uniform_over_it():
    labels = labelled(60).labels[None]
    labels = torch.cat([labels, labels.flip(-1)])
    classes = Classes(labels)
    rows = torch.arange(60)
    for own, sizes in zip(labels, classes.sizes(rows), strict=True):
        assert torch.equal(sizes, torch.bincount(own)[own])
    draws = classes.subsets(torch.tensor([7]), Noise(0).uniform("subset", 20_000).view(1, -1))
    assert draws.shape == (2, 1, 20_000)
    for own, drawn in zip(labels, draws[:, 0], strict=True):
        members = (own == own[7]).nonzero()[:, 0]
        counts = torch.bincount(drawn, minlength=60)
        assert counts.sum() == counts[members].sum()
        assert stats.chisquare(counts[members].numpy()).pvalue > 1e-3
    last = classes.subsets(rows, torch.full((60, 1), math.nextafter(1, 0)))
    assert torch.equal(labels.gather(-1, last[..., 0]), labels)


def test_codes_start_from_the_prior_and_change_where_visited():
    model = build(dims=(3,))
    model.fit(Points.of(points(2000)))
    start = model.classes.codes.clone()
    assert not start[..., 3:].any()
    assert stats.kstest(start[0, :, :3].flatten().numpy(), "norm").pvalue > 1e-3
    rows = torch.tensor([5, 3, 11])
    model.visit(points(2000)[rows], STEP._replace(rows=rows))
    expected = model.encode(points(2000)[rows]).detach()
    assert torch.equal(model.classes.codes[:, rows], expected)
    others = torch.ones(2000, dtype=bool)
    others[rows] = False
    assert torch.equal(model.classes.codes[:, others], start[:, others])
    (player,) = model.players()
    assert player.after == model.visit


def test_pseudo_labels_are_scikit_learn_s():
    codes = torch.randn(2, 50, 32, generator=torch.Generator().manual_seed(0))
    exists = (torch.arange(32) < torch.tensor([2, 5])[:, None, None]).float()
    classes, noise = PseudoClasses(codes * exists, exists, 4), Noise(7, epoch=3)
    assert not classes.labels.any()
    classes.renew(noise)
    seed = seeds.derive(7, purpose="k-means", epoch=3) % 2**32
    for cell, dim in enumerate((2, 5)):
        model = KMeans(4, n_init=1, random_state=seed).fit(codes[cell, :, :dim].numpy())
        assert classes.labels[cell].tolist() == model.labels_.tolist()


def test_classes_far_apart_are_found_without_labels():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(120) % 3
    centres = 3 * torch.randn(3, SIZE, generator=generator)
    data = Points.of(centres[labels] + 0.1 * torch.randn(120, SIZE, generator=generator), labels)
    model = build(dims=(4,), clusters=3, lr=1e-2)
    model.fit(data)
    order = training.Order(120, 30, seed=0)
    assert training.train(model, data, order, 200, 2, epoch=order.epoch) == [None]
    assert adjusted_rand_score(labels, model.classes.labels[0]) > 0.9


def test_labels_that_the_data_lack_are_refused(tmp_path):
    with pytest.raises(Mistake, match="labelled data for classes by labels"):
        build(labelled=False, classes="labels")
    path = tmp_path / "unlabelled.yaml"
    path.write_text(
        "{name: unlabelled, seeds: [0], datasets: {synthetic-8: {dims: [2]}},"
        "systems: {vhe: {classes: labels}}, net: {kind: mlp, hidden: [8]}, training: {steps: 1}}"
    )
    with pytest.raises(Mistake, match=r"systems\.vhe: .*labelled data .* which synthetic-8 is not"):
        study.read(path)


@pytest.mark.parametrize("option", ["none", "annealed", "gradient", "information"])
def test_the_weights_of_c_and_z_add_up_to_two(option):
    """The loss is the error plus w_c and 2 − w_c times the noted KLs."""
    model, x = ready(balance=option), labelled()[ROWS]
    loss, notes = noted(model, STEP, x)
    error, kl_c, kl_z, c, z = (
        notes[name] for name in ("reconstruction", "kl.c", "kl.z", "gradient.c", "gradient.z")
    )
    mean, log_variance, code = model.posterior(x, model.subset(STEP), STEP.noise)
    estimates = [
        balance.information(code, mean, log_variance, part).clamp(min=0)
        for part in (model.of_class, model.of_datum)
    ]
    expected = {
        "none": torch.ones(2),
        "annealed": torch.full((2,), 0.6),
        "gradient": 2 * c / (c + z),
        "information": 2 * estimates[0] / sum(estimates),
    }[option]
    assert ((expected >= 0) & (expected <= 2)).all()
    torch.testing.assert_close(loss, error + expected * kl_c + (2 - expected) * kl_z)


def test_annealing_ends_at_one_in_the_middle_of_training():
    values = [balance.class_weight("annealed", t, (), (), ()) for t in (0, 0.25, 0.5, 0.9)]
    assert values == [0, 0.5, 1, 1]


def test_weights_of_nothing_are_one():
    zero = torch.zeros(2)
    weight = balance.class_weight("gradient", 0.0, (zero, torch.tensor([0.0, 3.0])), (), ())
    assert weight.tolist() == [1, 0]


def gaussian_information(count, signal):
    """The estimate for μ ~ N(0, signal²), code ~ N(μ, 1), and its closed form."""
    generator = torch.Generator().manual_seed(0)
    mean = signal * torch.randn(1, count, 1, generator=generator)
    code = mean + torch.randn(1, count, 1, generator=generator)
    found = balance.information(code, mean, torch.zeros_like(mean), torch.ones(1, 1, 1))
    return float(found), 0.5 * math.log1p(signal**2)


def test_the_information_is_that_of_gaussians_and_at_most_log_batch():
    for signal in (0.5, 1.0, 3.0):
        found, expected = gaussian_information(3000, signal)
        assert found == pytest.approx(expected, abs=0.05)
    found, expected = gaussian_information(8, 100.0)
    assert expected > 4
    assert found == pytest.approx(math.log(8), abs=0.01)


def test_prior_draws_have_the_prior_s_density():
    """Of c and z of one coordinate each: by the mass in each cell of a grid."""
    model = ready(dims=(2,)).requires_grad_(False)
    draws = model.prior(40_000, Noise(0))[0, :, :2].numpy()
    edges = [np.quantile(column, np.linspace(0.02, 0.98, 7)) for column in draws.T]
    counts, *_ = np.histogram2d(*draws.T, bins=edges)
    fine = 24
    axes = [
        np.concatenate(
            [a + (b - a) * (np.arange(fine) + 0.5) / fine for a, b in itertools.pairwise(e)]
        )
        for e in edges
    ]
    grid = torch.zeros(1, (6 * fine) ** 2, 32)
    grid[0, :, :2] = torch.tensor(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2))
    density = model.log_prior(grid)[0].exp().double().numpy().reshape(6, fine, 6, fine)
    area = np.outer(*(np.diff(e) / fine for e in edges))
    mass = density.sum((1, 3)) * area
    deviations = (counts - 40_000 * mass) / np.sqrt(40_000 * mass)
    assert np.abs(deviations).max() < 4.5
    assert (deviations**2).mean() < 2


def test_the_weights_means_are_the_likelihood():
    """By quadrature over c and z, of one coordinate each."""
    model = ready(dims=(2,), likelihood="gaussian", gamma=3.0).requires_grad_(False)
    x, axis = points(3), torch.linspace(-8, 8, 401)
    grid = torch.zeros(1, 401**2, 32)
    grid[0, :, :2] = torch.cartesian_prod(axis, axis)
    likelihood = Independent(Normal(model.decode(grid)[0], 3.0), 1)
    joint = likelihood.log_prob(x[:, None]) + model.log_prior(grid)
    exact = torch.logsumexp(joint.double(), -1) + 2 * math.log(16 / 400)
    noises = (Noise(0, draw=i) for i in range(2000))
    draws = torch.stack([one[0] for one in model.log_weights(x, noises)]).double()
    estimate = torch.logsumexp(draws, 0) - math.log(len(draws))
    torch.testing.assert_close(estimate, exact, atol=0.05, rtol=0)
    # The mean of the logarithms is the ELBO, below it.
    assert (draws.mean(0) < exact).all()
