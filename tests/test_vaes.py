"""The family of VAEs: limits in which they are the VAE, and densities against torch's own."""

import math

import pytest
import torch
from shaking import shaken
from torch.autograd.functional import jacobian
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from bench import systems
from bench.cells import Stack
from bench.noise import Noise
from bench.parts.priors import MixturePrior, log_normal
from bench.points import Points
from bench.study import Net
from bench.systems.base import Space, Step

SIZE, DIMS = 12, (1, 3, 5)
SMALL = {"vamp-vae": {"components": 7}, "mog-vae": {"components": 6}}


def build(name, dims=DIMS, space=None, net=None, **options):
    cls = systems.load(name)
    space, net = space or Space((SIZE,), bounded=False), net or Net("mlp", (16, 16))
    return cls(Stack(dims, seed=1), space, net, cls.Options(**SMALL.get(name, {}) | options))


def points(count=20, size=SIZE):
    return torch.rand(count, size, generator=torch.Generator().manual_seed(3))


def diagonal(mean, log_variance):
    return Independent(Normal(mean, (0.5 * log_variance).exp()), 1)


def loss_and_gradients(model):
    """Its loss [cells], and the gradients of what the VAE has, by name."""
    names = [name for name, _ in build("vae").named_parameters()]
    parameters = dict(model.named_parameters())
    loss = model.loss(points(), Step(0, 100, Noise(4)))
    shared = [parameters[name] for name in names]
    return loss.detach(), dict(zip(names, torch.autograd.grad(loss.sum(), shared), strict=True))


def standard(model):
    """A mixture prior of one component, put at N(0, I)."""
    model.means.data.zero_()
    return model


@pytest.mark.parametrize(
    ("make", "tolerance"),
    [
        (lambda **o: build("beta-vae", beta=1.0, **o), 0),
        (lambda **o: build("info-vae", alpha=0.0, mmd=1.0, **o), 0),
        (lambda **o: build("flow-vae", steps=0, **o), 2e-6),
        (lambda **o: build("ard-vae", **o), 2e-6),
        (lambda **o: standard(build("mog-vae", components=1, **o)), 2e-6),
        (lambda **o: standard(build("mog-vae", components=1, weights="learned", **o)), 2e-6),
    ],
    ids=["beta 1", "info neutral", "no flow", "first step of ard", "one component", "its weight"],
)
def test_at_its_neutral_setting_a_system_is_the_vae(make, tolerance):
    options = {"likelihood": "learned-gaussian", "gamma": 1.0}
    loss, gradients = loss_and_gradients(make(**options))
    expected, expected_gradients = loss_and_gradients(build("vae", **options))
    torch.testing.assert_close(loss, expected, rtol=tolerance, atol=0)
    for name, gradient in gradients.items():
        atol = tolerance * float(expected_gradients[name].abs().max())
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=tolerance, atol=atol)


@pytest.mark.parametrize(
    ("name", "options"),
    [("beta-vae", {"beta": 2.0}), ("info-vae", {"alpha": 0.5}), ("info-vae", {"mmd": 2.0})]
    + [("flow-vae", {"steps": 1}), ("vamp-vae", {}), ("mog-vae", {"components": 2})],
)
def test_away_from_it_it_is_not(name, options):
    options = options | {"likelihood": "learned-gaussian", "gamma": 1.0}
    loss, _ = loss_and_gradients(build(name, **options))
    expected, _ = loss_and_gradients(build("vae", likelihood="learned-gaussian"))
    assert ((loss - expected).abs() > 1e-4).all()


def test_the_weights_of_beta_and_info_are_those_of_their_terms():
    mean, log_variance = torch.zeros(3, 20, 32), torch.zeros(3, 20, 32)
    mean[:, :, 0], noise = 1.5, Noise(0)
    z = build("vae").draw(mean, log_variance, noise)
    kl = build("vae").latent(mean, log_variance, z, noise)
    torch.testing.assert_close(build("beta-vae").latent(mean, log_variance, z, noise), 4 * kl)
    terms = {
        weights: build("info-vae", alpha=weights[0], mmd=weights[1]).latent(
            mean, log_variance, z, noise
        )
        for weights in [(1.0, 1.0), (0.5, 2.0)]
    }
    torch.testing.assert_close(terms[0.5, 2.0], 0.5 * kl + 1.5 * terms[1.0, 1.0])


@pytest.fixture
def mixture():
    """Two cells of 2 and 4 coordinates, padded to 6, with 5 components of unequal weight."""
    generator = torch.Generator().manual_seed(0)
    exists = (torch.arange(6) < torch.tensor([2, 4])[:, None, None]).double()
    means, log_variances = (
        torch.randn(2, 5, 6, generator=generator, dtype=torch.float64) * exists for _ in range(2)
    )
    logits = torch.randn(2, 5, generator=generator, dtype=torch.float64)
    return MixturePrior(means, log_variances, logits.log_softmax(-1), exists)


def of_torch(mixture, cell, dim):
    parts = diagonal(mixture.means[cell, :, :dim], mixture.log_variances[cell, :, :dim])
    return MixtureSameFamily(Categorical(logits=mixture.log_weights[cell]), parts)


def test_a_mixtures_density_is_that_of_torch_distributions(mixture):
    z = torch.linspace(-2, 2, 2 * 9 * 6, dtype=torch.float64).reshape(2, 9, 6) * mixture.exists
    for cell, dim in enumerate([2, 4]):
        expected = of_torch(mixture, cell, dim).log_prob(z[cell, :, :dim])
        torch.testing.assert_close(mixture.log_density(z)[cell], expected)
        first = diagonal(mixture.means[cell, 0, :dim], mixture.log_variances[cell, 0, :dim])
        one = [t[:, :1] for t in (mixture.means, mixture.log_variances)]
        found = log_normal(z, *one, mixture.exists)[cell]
        torch.testing.assert_close(found, first.log_prob(z[cell, :, :dim]))


def test_the_kl_bound_is_its_formula_and_above_the_kl(mixture):
    generator = torch.Generator().manual_seed(1)
    mean, log_variance = (
        torch.randn(2, 3, 6, generator=generator, dtype=torch.float64) * mixture.exists
        for _ in range(2)
    )
    bound = mixture.kl_bound(mean, log_variance)
    for cell, dim in enumerate([2, 4]):
        prior = of_torch(mixture, cell, dim)
        q = diagonal(mean[cell, :, :dim], log_variance[cell, :, :dim])
        parts = [t[cell, :, None, :dim] for t in (mixture.means, mixture.log_variances)]
        each = kl_divergence(q.expand([5, 3]), diagonal(*parts).expand([5, 3]))
        formula = -torch.logsumexp(mixture.log_weights[cell][:, None] - each, 0)
        torch.testing.assert_close(bound[cell], formula)
        noise = torch.randn(40_000, 3, dim, generator=generator, dtype=torch.float64)
        z = q.base_dist.loc + q.base_dist.scale * noise
        draws = q.log_prob(z) - prior.log_prob(z)
        error = draws.std(0) / len(draws) ** 0.5
        assert (bound[cell] > draws.mean(0) - 4 * error).all()
        # Not for want of trying: the bound is above by more than the error somewhere.
        assert (bound[cell] > draws.mean(0) + 4 * error).any()
        assert (draws.mean(0) > 4 * error).all()


def test_a_mixture_of_equals_is_bounded_by_the_kl_itself(mixture):
    same = mixture._replace(
        means=mixture.means[:, :1].expand(-1, 5, -1),
        log_variances=mixture.log_variances[:, :1].expand(-1, 5, -1),
    )
    mean = log_variance = torch.full((2, 1, 6), 0.3, dtype=torch.float64) * mixture.exists
    for cell, dim in enumerate([2, 4]):
        p = diagonal(same.means[cell, :1, :dim], same.log_variances[cell, :1, :dim])
        expected = kl_divergence(diagonal(mean[cell, :, :dim], log_variance[cell, :, :dim]), p)
        torch.testing.assert_close(same.kl_bound(mean, log_variance)[cell], expected)


def test_draws_of_a_mixture_have_its_weights_means_and_variances():
    weights = torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.0, 0.9]])
    exists = torch.ones(2, 1, 16)
    means = torch.tensor([-100.0, 0.0, 100.0])[None, :, None].expand(2, 3, 16)
    log_variances = torch.tensor([0.0, 1.0, 2.0])[None, :, None].expand(2, 3, 16)
    mixture = MixturePrior(means, log_variances, weights.log(), exists)
    z = mixture.draw(20_000, Noise(0))
    places = (z[..., 0] / 100).round()
    for cell in range(2):
        for k, weight in enumerate(weights[cell]):
            own = z[cell][places[cell] == k - 1]
            assert len(own) / 20_000 == pytest.approx(float(weight), abs=0.015)
            if weight:
                assert float(own.mean()) == pytest.approx(100 * (k - 1), abs=0.1)
                assert float(own.var()) == pytest.approx(math.exp(k), rel=0.05)


def log_prior_of(model, z, cell, dim):
    """log p(z) by torch's distributions, from the system's parameters."""
    name = type(model).__module__.rsplit(".", 1)[1]
    if name in ("vamp_vae", "mog_vae"):
        return of_torch(model.mixture(), cell, dim).log_prob(z)
    variance = model.variance[cell, :dim] if name == "ard_vae" else torch.ones(dim)
    return diagonal(torch.zeros(dim), variance.log()).log_prob(z)


def log_posterior_of(model, x, z, noise, cell, dim):
    """log q(z | x) by torch's distributions; the flow's Jacobian by automatic differentiation."""
    mean, log_variance = model.encoder(x)
    mean, log_variance = mean[cell, ..., :dim], log_variance[cell, ..., :dim]
    if mean.ndim == 3:
        alike = Categorical(logits=torch.zeros(mean.shape[:2]))
        return MixtureSameFamily(alike, diagonal(mean, log_variance)).log_prob(z)
    if not hasattr(model, "flow"):
        return diagonal(mean, log_variance).log_prob(z)
    draw = noise.normal("posterior", len(x), model.exists.shape[-1])[:, :dim]
    start = mean + torch.exp(0.5 * log_variance) * draw
    whole = model.encoder(x)[0]

    def bend(start):
        padded = torch.zeros_like(whole)
        padded[cell, :, :dim] = start
        return model.bend(padded, whole)[0][cell, :, :dim]

    torch.testing.assert_close(bend(start), z)
    assert (bend(start) - start).abs().max() > 0.05
    full = jacobian(bend, start)
    blocks = torch.stack([full[i, :, i] for i in range(len(x))])
    determinant = torch.linalg.slogdet(blocks).logabsdet
    return diagonal(mean, log_variance).log_prob(start) - determinant


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "learned-gaussian"])
@pytest.mark.parametrize(
    ("name", "options"),
    [(name, {}) for name in ("vae", "beta-vae", "info-vae", "vamp-vae", "mog-vae", "flow-vae")]
    + [("mog-vae", {"weights": "learned", "kl": "sample", "posteriors": 3}), ("ard-vae", {})],
)
def test_log_weights_are_those_of_torch_distributions(name, options, likelihood):
    space = Space((SIZE,), bounded=likelihood == "bernoulli")
    gamma = {"gamma": 0.7}
    model = shaken(build(name, space=space, likelihood=likelihood, **gamma, **options))
    if name == "ard-vae":
        model.loss(points(), Step(0, 1, Noise(0)))
        model.variance.mul_(torch.linspace(0.5, 2, 32))
    model.requires_grad_(False)
    x, noise = points(4), Noise(7)
    (found,), codes = model.log_weights(x, [noise]), model.encode(x, noise)
    logits = model.decoder(codes)
    assert found.shape == (3, 4)
    for cell, dim in enumerate(DIMS):
        z = codes[cell, :, :dim]
        if likelihood == "bernoulli":
            p = Bernoulli(logits=logits[cell], validate_args=False)
        else:
            learned = likelihood == "learned-gaussian"
            p = Normal(logits[cell], float(model.log_gamma[cell, 0].exp()) if learned else 0.7)
        expected = p.log_prob(x).sum(-1) + log_prior_of(model, z, cell, dim)
        expected = expected - log_posterior_of(model, x, z, noise, cell, dim)
        torch.testing.assert_close(found[cell], expected, rtol=2e-5, atol=2e-5)


def test_ards_weights_are_those_of_the_coordinates_that_are_sampled():
    model = shaken(build("ard-vae", gamma=0.7)).requires_grad_(False).eval()
    model.variance.copy_(torch.linspace(0.5, 2, 32).expand(3, -1))
    model.relevant.mul_(torch.arange(32) % 2 == 0)  # 1 of 1, 2 of 3 and 3 of 5
    x, noise = points(4), Noise(7)
    (found,), codes = model.log_weights(x, [noise]), model.encode(x, noise)
    mean, log_variance = model.encoder(x)
    generated = model.prior(1000, Noise(8))
    for cell, dim in enumerate(DIMS):
        kept, others = slice(0, dim, 2), slice(1, dim, 2)
        assert not codes[cell, :, others].any()
        assert not generated[cell, :, others].any()
        z = codes[cell, :, kept]
        variance = model.variance[cell, kept]
        decoded = model.decode(codes)[cell]
        expected = Normal(decoded, 0.7).log_prob(x).sum(-1)
        expected += diagonal(torch.zeros(len(variance)), variance.log()).log_prob(z)
        expected -= diagonal(mean[cell, :, kept], log_variance[cell, :, kept]).log_prob(z)
        torch.testing.assert_close(found[cell], expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["vae", "flow-vae"])
@pytest.mark.parametrize("move", [shaken, lambda model: model], ids=["anywhere", "at the start"])
def test_the_latent_term_is_the_mean_of_single_samples(name, move):
    model = move(build(name)).requires_grad_(False)
    x, noise = points(1).expand(4000, -1), Noise(0)
    mean, log_variance = model.encoder(x)
    z = model.draw(mean, log_variance, noise)
    terms = model.latent(mean, log_variance, z, noise)
    samples = model.log_ratio(mean, log_variance, z, noise)
    error = (samples - terms).std(-1) / 4000**0.5
    assert ((terms.mean(-1) - samples.mean(-1)).abs() < 4 * error).all()
    if move is not shaken:
        assert (terms.std(-1) < samples.std(-1) / 5).all()


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_a_flow_is_triangular_and_goes_back(dim):
    model = shaken(build("flow-vae", [dim], steps=2)).requires_grad_(False)
    mean, log_variance = model.encoder(points(3))
    first, second = (step(mean) for step in model.flow)
    start = torch.zeros(1, 3, 32)
    start[..., :dim] = torch.linspace(-1, 1, 3 * dim).reshape(3, dim)
    z = second(first(start))
    assert not z[..., dim:].any()
    torch.testing.assert_close(first.inv(second.inv(z)), start, rtol=1e-4, atol=1e-5)
    for step, upper in ((first, False), (second, True)):
        slopes = jacobian(lambda s, step=step: step(s)[0, 1], start)[:dim, 0, 1, :dim]
        triangle = slopes.triu() if upper else slopes.tril()
        assert torch.equal(slopes, triangle)
        assert dim == 1 or (slopes - slopes.diag().diag()).abs().max() > 1e-3


def test_pseudo_inputs_stay_in_the_datas_range_and_components_are_their_posteriors():
    model = build("vamp-vae", space=Space((SIZE,), bounded=True))
    model.pseudo_inputs.data.sub_(0.05).mul_(100).add_(0.5)
    inputs = model.pseudo_inputs[:, :7, :SIZE]
    assert inputs.min() < 0 < 1 < inputs.max()
    prior = model.mixture()
    expected, _ = model.encoder(inputs.clamp(0, 1))
    assert torch.equal(prior.means, expected)
    torch.testing.assert_close(prior.log_weights.exp(), torch.full((3, 7), 1 / 7))


def test_pseudo_inputs_leave_running_statistics_to_the_data():
    images = torch.rand(8, 64, generator=torch.Generator().manual_seed(0))
    kwargs = {"dims": [4], "space": Space((1, 8, 8), bounded=True), "net": Net("dcgan")}
    one, other = build("vamp-vae", **kwargs), build("vae", **kwargs)
    for model in (one, other):
        model.loss(images, Step(0, 1, Noise(0)))
        assert model.encoder.training
    buffers = dict(one.named_buffers())
    moved = [name for name, _ in other.named_buffers() if "running" in name]
    assert moved
    for name in moved:
        assert torch.equal(buffers[name], other.get_buffer(name))


def test_a_mixture_posteriors_draws_come_from_all_its_components():
    model = build("mog-vae", kl="sample", posteriors=3).requires_grad_(False)
    model.encoder.log_variance[1].bias[:, :1] = -20.0
    for j, head in enumerate(model.encoder.mean):
        head.bias[:, 0] = 100.0 * j
    x = points(1).expand(3000, -1)
    first = model.encode(x, Noise(0))[:, :, 0]
    shares = torch.stack([((first / 100).round() == j).float().mean(-1) for j in range(3)])
    torch.testing.assert_close(shares, torch.full((3, 3), 1 / 3), rtol=0, atol=0.04)
    assert ((model.encode(x)[:, :, 0] - 100).abs() < 5).all()


def test_ard_estimates_the_mean_square_of_its_codes():
    model = build("ard-vae", codes=20)
    mean, log_variance = model.encoder(points())
    model.loss(points(), Step(0, 1, Noise(0)))
    expected = (mean.square() + log_variance.exp()).mean(1) * model.exists[:, 0]
    torch.testing.assert_close(model.variance, expected.detach())
    before = model.variance.clone()
    model.options.__dict__["codes"] = 80
    model.loss(points() + 1, Step(1, 2, Noise(0)))
    mean, log_variance = model.encoder(points() + 1)
    after = (mean.square() + log_variance.exp()).mean(1) * model.exists[:, 0]
    torch.testing.assert_close(model.variance, 0.75 * before + 0.25 * after.detach())


def test_ard_latent_term_is_the_kl_from_its_prior():
    model = build("ard-vae")
    model.variance.copy_(torch.linspace(0.5, 2, 32) * model.exists[:, 0])
    variance = model.variance.clone()
    mean, log_variance = (t.detach() for t in model.encoder(points()))
    found = model.latent(mean, log_variance, mean, Noise(0))
    for cell, dim in enumerate(DIMS):
        q = diagonal(mean[cell, :, :dim], log_variance[cell, :, :dim])
        p = diagonal(torch.zeros(20, dim), variance[cell, :dim].log().expand(20, dim))
        torch.testing.assert_close(found[cell], kl_divergence(q, p))


def test_ard_keeps_the_fewest_coordinates_that_have_the_share():
    model, data = shaken(build("ard-vae", relevance=0.8)), points(150)
    with torch.no_grad():
        model.decoder.layers[0].weight[2, 1] = 0
        model.variance[1, 2] = 50
    model.settle(Points.of(data))
    z = model.encoder(data[:100])[0].detach()
    for cell, dim in enumerate(DIMS):

        def decode(own, cell=cell, dim=dim):
            padded = z.clone()
            padded[cell, :, :dim] = own
            return model.decode(padded)[cell].sum(0)

        # Data do not meet, so the Jacobian of their sum has each datum's own.
        slopes = jacobian(decode, z[cell, :, :dim]).detach()
        scores = model.variance[cell, :dim] * slopes.abs().mean(1).square().sum(0)
        ranked = scores.argsort(descending=True)
        shares = scores[ranked].cumsum(0) / scores.sum()
        count = int((shares <= 0.8).sum()) + 1
        expected = torch.zeros(32)
        expected[ranked[:count]] = 1
        assert torch.equal(model.mask()[cell], expected)
    assert model.mask()[2, 1] == 0
    assert model.mask()[1].tolist()[:3] == [0, 0, 1]
    assert not model.encode(data)[2, :, 1].any()
    assert not model.prior(10, Noise(0))[2, :, 1].any()
    spread = model.prior(4000, Noise(0))[1, :, 2].var()
    assert float(spread) == pytest.approx(50, rel=0.1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("info-vae", {"alpha": 1.5}, "alpha <= 1"),
        ("info-vae", {"alpha": 0.0, "mmd": 0.5}, r"alpha \+ mmd"),
        ("vamp-vae", {"components": 0}, "components >= 1"),
        ("mog-vae", {"posteriors": 2}, "posteriors"),
        ("ard-vae", {"relevance": 1.0}, "relevance < 1"),
        ("beta-vae", {"beta": -1.0}, "beta >= 0"),
    ],
)
def test_options_without_a_meaning_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, **options)


def test_training_after_a_snapshot_has_settled_is_as_without():
    data, cells = points(120), []
    for snapshot in (False, True):
        model = build("ard-vae", relevance=0.5)
        if snapshot:
            model.settle(Points.of(data))
            assert (model.relevant < model.exists[:, 0]).any()
        step = Step(0, 1, Noise(0))
        cells.append(torch.autograd.grad(model.loss(data, step).sum(), [*model.parameters()]))
    assert all(map(torch.equal, *cells))
