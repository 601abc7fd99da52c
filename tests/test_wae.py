"""Wasserstein autoencoders: pretraining, Gaussian encoders, the prior's scale and density."""

import pytest
import torch
from scipy import stats

from bench import systems, training
from bench.cells import Stack
from bench.net import Net
from bench.noise import Noise
from bench.points import Points
from bench.systems.base import Space, Step

STEP = Step(0, 1, Noise(0))


def build(name, dims=(2, 5), **options):
    cls = systems.load(name)
    net = Net("mlp", (32, 32))
    return cls(Stack(dims, seed=1), Space((20,), bounded=False), net, cls.Options(**options))


def points(count=400):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(count, 6, generator=generator)
    return torch.tanh(latents @ torch.randn(6, 20, generator=generator))


@pytest.mark.parametrize("name", ["wae-mmd", "wae-gan"])
@pytest.mark.parametrize("encoder", ["point", "gaussian"])
def test_pretraining_brings_the_codes_moments_to_the_priors(name, encoder):
    model = build(name, encoder=encoder, prior_scale=2.0, pretraining=0.999)
    x = points()
    first, *others = model.players()
    assert (first.name, first.span) == ("pretraining", (0.0, 0.999))
    assert all(player.span == (0.999, 1.0) for player in others)

    @torch.no_grad()
    def gap():
        codes = model.encode(x, Noise(5))
        return [
            float(
                (codes[cell, :, :dim].T.cov() - 4 * torch.eye(dim)).norm()
                + codes[cell, :, :dim].mean(0).norm()
            )
            for cell, dim in enumerate((2, 5))
        ]

    before = gap()
    decoder = [parameter.clone() for parameter in model.decoder.parameters()]
    # So few steps that all of them, when rounded, are pretraining.
    training.train(model, Points.of(x), lambda i, turn: slice(None), 400, 2)
    assert all(map(torch.equal, decoder, model.decoder.parameters()))
    assert all(after < 0.25 * old for after, old in zip(gap(), before, strict=True))


def test_the_pretraining_loss_is_that_of_the_moments():
    model = build("wae-mmd", pretraining=0.5)
    x = points()
    codes, prior = model.encode(x), model.prior(len(x), STEP.noise)
    found = model.pretraining_loss(x, STEP)
    for cell, dim in enumerate((2, 5)):
        ours, theirs = codes[cell, :, :dim], prior[cell, :, :dim]
        expected = (ours.mean(0) - theirs.mean(0)).square().mean()
        expected = expected + (ours.T.cov() - theirs.T.cov()).square().mean()
        torch.testing.assert_close(found[cell], expected)


def test_a_gaussian_encoder_of_no_variance_is_a_point():
    point, gaussian = build("wae-mmd"), build("wae-mmd", encoder="gaussian")
    gaussian.encoder.log_variance.bias.data.fill_(-200.0)
    gaussian.encoder.log_variance.weight.data.zero_()
    x = points()
    assert torch.equal(point.encode(x), gaussian.encode(x))
    assert torch.equal(point.loss(x, STEP), gaussian.loss(x, STEP))


def test_a_gaussian_encoder_draws_from_its_posterior():
    model = build("wae-mmd", encoder="gaussian")
    x = points(1).expand(20_000, -1)
    mean, log_variance = (it[0, 0, :2] for it in model.encoder(x[:1]))
    codes = model.encode(x, Noise(0))
    assert not codes[0, :, 2:].any()
    torch.testing.assert_close(codes[0, :, :2].mean(0), mean, atol=0.05, rtol=0)
    torch.testing.assert_close(codes[0, :, :2].var(0), log_variance.exp(), atol=0, rtol=0.05)


@pytest.mark.parametrize("name", ["wae-mmd", "wae-gan"])
def test_the_prior_is_scaled(name):
    narrow, broad = build(name), build(name, prior_scale=2.0)
    assert torch.equal(2 * narrow.prior(100, Noise(0)), broad.prior(100, Noise(0)))
    assert broad.prior_scale == 2
    with pytest.raises(ValueError, match="prior_scale > 0"):
        build(name, prior_scale=0.0)


def test_the_mmd_of_codes_and_prior_scaled_alike_is_the_same():
    narrow, broad = build("wae-mmd"), build("wae-mmd", prior_scale=2.0)
    z = narrow.encode(points())
    torch.testing.assert_close(
        narrow.divergence(z, STEP), broad.divergence(2 * z, STEP), atol=1e-5, rtol=1e-4
    )


def test_the_priors_log_density_is_that_of_scipy():
    model = build("wae-gan", [3, 1], prior_scale=2.0)
    z = model.prior(50, Noise(0))
    found = model.log_prior(z)
    for cell, dim in enumerate((3, 1)):
        expected = stats.norm(0, 2).logpdf(z[cell, :, :dim].numpy()).sum(-1)
        torch.testing.assert_close(
            found[cell].double(), torch.tensor(expected).double(), atol=1e-5, rtol=1e-5
        )


def test_the_priors_density_is_added_to_the_critics_score():
    plain = build("wae-gan", prior_scale=2.0)
    model = build("wae-gan", prior_scale=2.0, log_prior=True)
    z = model.prior(50, Noise(0))
    expected = plain.score(z) + model.log_prior(z)
    torch.testing.assert_close(model.score(z), expected)


def test_a_one_dimensional_code_learns_a_prior_of_scale_two():
    """The setting of the box plots of a code by digit: one dimension, N(0, 2²)."""
    x = points()
    for trick in (False, True):
        model = build("wae-gan", [1], prior_scale=2.0, log_prior=trick)
        assert training.train(model, Points.of(x), lambda i, turn: slice(None), 1000, 2) == [None]
        codes = model.encode(x)[0, :, 0].detach()
        assert abs(codes.mean()) < 0.4
        assert 1.6 < codes.std() < 2.4


def test_a_pretraining_of_all_steps_is_refused():
    with pytest.raises(ValueError, match="pretraining < 1"):
        build("wae-mmd", pretraining=1.0)


@pytest.mark.parametrize("encoder", ["point", "gaussian"])
def test_a_pretraining_without_a_dimension_has_nothing_to_do(encoder):
    model = build("wae-mmd", [0, 2], encoder=encoder, pretraining=0.5)
    loss = model.pretraining_loss(points(), STEP).detach()
    assert loss[0] == 0
    assert loss[1] > 0
