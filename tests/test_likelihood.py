"""Bounds on log p(x) of models whose log p(x) is known: linear ones with Gaussian noise."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from bench.likelihood import bits_per_dimension, bounds
from bench.noise import Noise

DATA, LATENT, DEVIATION = 5, 2, 0.6


class Linear:
    """x = W z + 0.6 ε, with Gaussian posteriors: means moved and factors scaled, cell by cell.

    Tipping and Bishop, "Probabilistic principal component analysis" (1999): with M = Wᵀ W + σ² I,
    z given x is N(M⁻¹ Wᵀ x, σ² M⁻¹), and x is N(0, W Wᵀ + σ² I).
    """

    def __init__(self, moves=(0.0,), scales=(1.0,)):
        generator = torch.Generator().manual_seed(0)
        self.weights = torch.randn(DATA, LATENT, generator=generator, dtype=torch.float64)
        self.inner = self.weights.T @ self.weights + DEVIATION**2 * torch.eye(LATENT)
        self.factor = torch.linalg.cholesky(DEVIATION**2 * self.inner.inverse())
        self.moves = torch.tensor(moves, dtype=torch.float64)[:, None, None]
        self.scales = torch.tensor(scales, dtype=torch.float64)[:, None, None, None]
        self.largest = 0

    def marginal(self):
        cov = self.weights @ self.weights.T + DEVIATION**2 * torch.eye(DATA)
        return torch.distributions.MultivariateNormal(torch.zeros(DATA).double(), cov)

    def posterior(self, x, exact=False):
        mean = x @ self.weights @ self.inner.inverse()
        if exact:
            return torch.distributions.MultivariateNormal(mean, scale_tril=self.factor)
        factor = (self.scales * self.factor).expand(-1, len(x), -1, -1)
        return torch.distributions.MultivariateNormal(mean + self.moves, scale_tril=factor)

    def log_weights(self, x, noises):
        self.largest = max(self.largest, len(x))
        q, normal = self.posterior(x), torch.distributions.Normal
        for noise in noises:
            draw = noise.normal("posterior", len(x), 16)[:, :LATENT, None].double()
            z = q.mean + (q.scale_tril @ draw)[..., 0]
            likelihood = normal(z @ self.weights.T, DEVIATION).log_prob(x).sum(-1)
            yield likelihood + normal(0, 1).log_prob(z).sum(-1) - q.log_prob(z)


def sample(count=250):
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(count, DATA, generator=generator, dtype=torch.float64)
    return noise @ Linear().marginal().scale_tril.T


def measured(model, x, draws, size=64, seed=0):
    places = [slice(start, min(start + size, len(x))) for start in range(0, len(x), size)]
    return bounds(model, x.__getitem__, places, Noise(seed), draws)


@pytest.mark.parametrize("draws", [1, 7])
def test_with_the_exact_posterior_both_bounds_are_the_likelihood(draws):
    x = sample()
    truth = Linear().marginal().log_prob(x).mean()
    found = measured(Linear(), x, draws)
    assert found.elbo.item() == pytest.approx(truth.item(), rel=1e-9)
    assert found.iwae.item() == pytest.approx(truth.item(), rel=1e-9)


def test_the_elbo_is_the_likelihood_less_the_divergence_of_the_posterior_whatever_k():
    x, model = sample(), Linear(moves=(0.0, 0.3, -0.5), scales=(1.3, 1.0, 0.8))
    gap = torch.distributions.kl_divergence(model.posterior(x), model.posterior(x, exact=True))
    truth = (model.marginal().log_prob(x) - gap).mean(-1)
    once = torch.stack([measured(model, x, 1, seed=seed).elbo for seed in range(40)])
    error = once.std(0) / 40**0.5
    assert ((once.mean(0) - truth).abs() < 4 * error).all()
    assert (4 * error < gap.mean(-1) / 4).all()
    assert ((measured(model, x, 40).elbo - truth).abs() < 4 * error).all()


def test_one_importance_weight_is_the_elbo():
    found = measured(Linear(moves=(0.4,)), sample(), 1)
    assert found.iwae.item() == pytest.approx(found.elbo.item(), rel=1e-12)


def test_the_weighted_bound_grows_with_k_to_the_likelihood_from_below():
    """Of a posterior too wide by s, with d dimensions, the weights over p(x) are for every x as
    s^d exp(−(s² − 1) χ² / 2) with χ² of d degrees of freedom: so its gap is known for any k."""
    x, scale, ks = sample(8000), 2.0, (1, 3, 10, 30)
    truth = Linear().marginal().log_prob(x).mean()
    gaps = [(truth - measured(Linear(scales=(scale,)), x, k, 4000).iwae).item() for k in ks]
    chi = np.random.default_rng(0).chisquare(LATENT, size=(100_000, max(ks)))
    log_weights = LATENT * math.log(scale) - (scale**2 - 1) / 2 * chi
    for k, gap in zip(ks, gaps, strict=True):
        log_means = logsumexp(log_weights[:, :k], axis=1) - math.log(k)
        error = log_means.std() * (1 / len(x) + 1 / len(chi)) ** 0.5
        assert abs(gap + log_means.mean()) < 3 * error < gap / 2
    assert sorted(gaps, reverse=True) == gaps


@pytest.mark.parametrize("size", [1, 7, 100, 130, 250])
def test_block_sizes_and_their_order_do_not_matter(size):
    x, model = sample(), Linear(moves=(0.0, 0.5), scales=(1.2, 1.0))
    expected = measured(model, x, 3, size=64)
    model.largest = 0
    places = [slice(start, min(start + size, len(x))) for start in range(0, len(x), size)]
    found = bounds(model, x.__getitem__, reversed(places), Noise(0), 3)
    assert model.largest == size
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


def test_rows_and_draws_have_noise_of_their_own():
    seen = []

    class Model:
        def log_weights(self, x, noises):
            for noise in noises:
                seen.append(noise.normal("posterior", len(x), 16))
                seen.append(noise.at(part=1).uniform("component", len(x)).expand(-1, 16))
                yield torch.zeros(1, len(x))

    places = [slice(0, 150), slice(150, 260)]
    bounds(Model(), lambda place: torch.zeros(260, 1)[place], places, Noise(0), 2)
    normals, uniforms = torch.cat(seen[::2]), torch.cat(seen[1::2])
    assert normals.shape == (520, 16)
    assert len(normals.unique(dim=0)) == 520
    assert len(uniforms[:, 0].unique()) == 520
    assert 0 <= uniforms.min() < uniforms.max() < 1
    assert normals.std().item() == pytest.approx(1, abs=0.03)


def test_more_draws_begin_with_fewer_draws_own():
    x, model = sample(50), Linear(moves=(0.5,))
    log_weights = []
    plain = model.log_weights

    def kept(*args):
        for one in plain(*args):
            log_weights.append(one)
            yield one

    model.log_weights = kept
    measured(model, x, 2)
    measured(model, x, 3)
    assert torch.equal(torch.stack(log_weights[:2]), torch.stack(log_weights[2:4]))


def test_sums_of_a_models_single_precision_are_in_double():
    weights = torch.linspace(-700, -900, 250)[None]

    class Model:
        def log_weights(self, x, noises):
            return (weights for _ in noises)

    expected = weights.double().mean().item()
    for found in bounds(Model(), lambda place: weights[0], [slice(0, 250)], Noise(0), 30):
        assert found.item() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("shift", [-1e5, 1e5])
def test_weights_far_from_one_do_not_overflow(shift):
    x, model = sample(50), Linear(moves=(0.5,))
    expected = measured(model, x, 4)
    plain = model.log_weights
    model.log_weights = lambda *args: (it + shift for it in plain(*args))
    for one, other in zip(measured(model, x, 4), expected, strict=True):
        assert one.item() - shift == pytest.approx(other.item(), abs=1e-8)


def test_cells_do_not_meet_and_what_is_not_finite_stays_in_its_cell():
    x, model = sample(50), Linear(moves=(0.0, 0.5, 1.0))
    expected = measured(Linear(moves=(0.5,)), x, 3)
    plain = model.log_weights

    def broken(*args):
        for weights in plain(*args):
            weights[0, 3], weights[2] = math.nan, -math.inf
            yield weights

    model.log_weights = broken
    for one, other in zip(measured(model, x, 3), expected, strict=True):
        assert one.isfinite().tolist() == [False, True, False]
        assert one[1].item() == pytest.approx(other.item(), rel=1e-12)


def test_no_gradient_is_kept():
    x, model = sample(10), Linear(moves=(0.5,))
    model.weights.requires_grad_()
    assert not any(it.requires_grad for it in measured(model, x, 2))


def test_no_draws_no_data_and_noise_that_is_not_a_rows_are_refused():
    with pytest.raises(ValueError, match="0 posterior draws"):
        measured(Linear(), sample(10), 0)
    with pytest.raises(ValueError, match="no data"):
        measured(Linear(), sample(0), 1)

    class Model:
        def log_weights(self, x, noises):
            return (noise.normal("components", 3, 16) for noise in noises)

    with pytest.raises(ValueError, match="3 draws for the rows 0 to 10"):
        measured(Model(), sample(10), 1)


# Bits


def test_uniform_noise_is_as_long_as_it_is():
    """Data uniform over 256 levels: log p(x) = 0 on [0, 1], and 8 bits tell a level."""
    assert bits_per_dimension(0.0, 784, (0, 1), density=True) == 8
    assert bits_per_dimension(-10 * math.log(256), 10, (0, 256), density=True) == 8
    assert bits_per_dimension(0.0, 784, (0, 1), density=True, levels=32) == 5


def test_bits_do_not_depend_on_the_datas_scale():
    """Twice as wide data have half the density."""
    one = bits_per_dimension(12.0, 6, (0, 1), density=True)
    two = bits_per_dimension(12.0 - 6 * math.log(2), 6, (-1, 1), density=True)
    assert one == pytest.approx(two) == pytest.approx(8 - 2 / math.log(2))


def test_a_bit_a_coordinate_is_its_logarithm_of_two():
    width = 7
    one = bits_per_dimension(-3.0, width, (0, 1), density=True)
    assert bits_per_dimension(
        -3.0 - width * math.log(2), width, (0, 1), density=True
    ) == pytest.approx(one + 1)


def test_there_are_no_bits_without_levels_or_without_a_density():
    assert bits_per_dimension(-3.0, 7, None, density=True) is None
    assert bits_per_dimension(-3.0, 7, (0, 1), density=False) is None
