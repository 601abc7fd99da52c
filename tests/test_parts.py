"""The parts' mathematics against independent references."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from bench.cells import Stack, padded
from bench.noise import Noise
from bench.parts import divergences, kl_standard_normal, likelihoods, mmd_imq
from bench.parts.critics import Critic, gradient_penalty, jensen_shannon_loss, wasserstein_gap
from bench.parts.imq import imq, plain
from bench.parts.masks import Mask, polarisation


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def test_kl_is_that_of_torch_distributions():
    mean, log_variance = normal(5, 7), normal(5, 7, seed=1)
    posterior = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    prior = Independent(Normal(torch.zeros(5, 7).double(), 1.0), 1)
    expected = kl_divergence(posterior, prior)
    torch.testing.assert_close(kl_standard_normal(mean, log_variance), expected)


def plain_mmd(x, y, scale):
    """Tolstikhin et al.'s estimator, term by term."""
    count, dim = x.shape
    total = 0.0
    for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        c = 2 * dim * scale**2 * s

        def kernel(a, b, c=c):
            return c / (c + float(((a - b) ** 2).sum()))

        for i in range(count):
            for j in range(count):
                if i != j:
                    total += (kernel(x[i], x[j]) + kernel(y[i], y[j])) / (count * (count - 1))
                total -= 2 * kernel(x[i], y[j]) / count**2
    return total


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_mmd_is_the_plain_double_loop(scale):
    x, y = normal(9, 4), scale * normal(9, 4, seed=1)
    assert float(mmd_imq(x, y, scale)) == pytest.approx(plain_mmd(x, y, scale), rel=1e-12)


def test_mmd_of_padded_cells_is_that_of_each_cell_alone():
    x, y = normal(2, 9, 6), normal(2, 9, 6, seed=1)
    x[0, :, 4:] = y[0, :, 4:] = 0
    both = mmd_imq(x, y, dims=torch.tensor([4.0, 6.0]))
    assert float(both[0]) == pytest.approx(plain_mmd(x[0, :, :4], y[0, :, :4], 1.0), rel=1e-12)
    assert float(both[1]) == pytest.approx(plain_mmd(x[1], y[1], 1.0), rel=1e-12)


def test_the_mmd_of_no_dimension_is_zero_and_leaves_its_neighbours_alone():
    x, y = (torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    x[0], y[0] = 0, 0
    x.requires_grad_()
    both = mmd_imq(x, y, dims=torch.tensor([0.0, 4.0]))
    (slope,) = torch.autograd.grad(both.sum(), x)
    assert float(both[0].detach()) == pytest.approx(0, abs=1e-6)
    assert not slope[0].any()
    torch.testing.assert_close(both[1], mmd_imq(x[1], y[1]))


def test_mmd_gradient_is_that_of_finite_differences():
    x, y = normal(6, 3).requires_grad_(), normal(6, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(mmd_imq, (x, y))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sloping", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("rows", "columns", "count"), [([0, 0, 1], [0, 1, 1], 9), ([0, 0, 0], [1] * 3, 21)]
)
def test_kernels_in_one_pass_are_the_bits_of_torchs_operations(
    rows, columns, count, sloping, dtype
):
    x, y = normal(2, 9, 5, dtype=dtype), normal(2, count, 5, seed=1, dtype=dtype)
    # What a diverging cell has, points of no coordinates, and points that are alike.
    x[0, 2], x[0, 3, 1], x[0, 4] = math.nan, math.inf, 1e30
    x[1, :2] = y[1, :2] = 0
    y[0, 5] = x[0, 5]
    scales = torch.tensor(divergences.SCALES, dtype=dtype)[:, None] * torch.tensor([2.0, 10.0])
    sets = x, y
    products = [sets[row] @ sets[column].mT for row, column in zip(rows, columns, strict=True)]
    norms = [it.square().sum(-1) for it in sets]
    given = products, norms, rows, columns, scales.to(dtype), sloping
    for one, other in zip(imq(*given), plain(*given), strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()
        assert one.isnan().any() == (len(one) > 0)
    if sloping:
        # A point's slope with itself is 0, even where its distance is not a number.
        itself = imq(*given)[1][0].diagonal(dim1=-2, dim2=-1)
        assert itself.any() == (rows[0] != columns[0])


def test_mmd_needs_as_many_codes_as_draws():
    with pytest.raises(ValueError, match="as many codes as prior draws"):
        mmd_imq(normal(5, 3), normal(6, 3))


def test_gaussian_likelihood_is_that_of_torch_distributions():
    x, x_hat, log_gamma = normal(8, 5), normal(1, 8, 5, seed=1), torch.tensor([0.3]).double()
    expected = -Independent(Normal(x_hat, log_gamma.exp()), 1).log_prob(x).mean(-1)
    torch.testing.assert_close(likelihoods.gaussian(x, x_hat, log_gamma), expected)


def test_bernoulli_likelihood_is_that_of_torch_distributions():
    x, logits = (normal(8, 5) > 0).double(), normal(1, 8, 5, seed=1)
    expected = -Independent(Bernoulli(logits=logits), 1).log_prob(x).mean(-1)
    torch.testing.assert_close(likelihoods.bernoulli(x, logits), expected)


def critic_on(dims, hidden=(16, 12)):
    return Critic(Stack(dims, seed=5), list(hidden)).double()


def test_gradient_penalty_is_that_of_finite_differences():
    critic = critic_on([3])
    codes, prior, mix = normal(1, 6, 32), normal(1, 6, 32, seed=1), normal(6, 1, seed=2).sigmoid()
    codes[..., 3:] = prior[..., 3:] = 0
    point, step, squares = mix * codes + (1 - mix) * prior, 1e-6, torch.zeros(6).double()
    for axis in range(3):
        shift = torch.zeros(32).double()
        shift[axis] = step
        slope = (critic(point + shift) - critic(point - shift)) / (2 * step)
        squares += slope[0].square()
    expected = (squares.sqrt() - 1).square().mean().detach()
    found = gradient_penalty(critic, codes, prior, mix).detach()
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_gradient_penalty_has_the_gradient_of_finite_differences():
    critic = critic_on([2], hidden=(8,))
    codes, prior, mix = normal(1, 5, 32), normal(1, 5, 32, seed=1), normal(5, 1, seed=2).sigmoid()
    weight = critic.layers[0].weight
    (found,) = torch.autograd.grad(gradient_penalty(critic, codes, prior, mix).sum(), weight)
    step = 1e-6
    for place in [(0, 0, 0), (0, 1, 3), (0, 1, 7)]:
        values = []
        for sign in (1, -1):
            weight.data[place] += sign * step
            values.append(float(gradient_penalty(critic, codes, prior, mix).detach()))
            weight.data[place] -= sign * step
        difference = (values[0] - values[1]) / (2 * step)
        assert float(found[place]) == pytest.approx(difference, rel=1e-5, abs=1e-9)


def test_gradient_penalty_of_a_dead_critic_has_a_finite_gradient():
    critic = critic_on([2])
    for parameter in critic.parameters():
        parameter.data.zero_()
    uniform = torch.rand(5, 1, generator=torch.Generator())
    penalty = gradient_penalty(critic, normal(1, 5, 32), normal(1, 5, 32, seed=1), uniform)
    gradients = torch.autograd.grad(penalty.sum(), list(critic.parameters()), allow_unused=True)
    assert float(penalty.detach()) == pytest.approx(1, abs=1e-5)
    assert all(g.isfinite().all() for g in gradients if g is not None)


def test_critic_losses_of_each_cell_are_the_textbook_ones():
    critic = critic_on([3, 5])
    codes, prior = normal(2, 6, 32), normal(2, 6, 32, seed=1)
    fake, real = critic(codes), critic(prior)
    torch.testing.assert_close(wasserstein_gap(critic, codes, prior), real.mean(-1) - fake.mean(-1))
    expected = -real.sigmoid().log().mean(-1) - (1 - fake.sigmoid()).log().mean(-1)
    torch.testing.assert_close(jensen_shannon_loss(critic, codes, prior), expected)


def test_mask_starts_and_is_projected_as_published():
    mask = Mask(Stack([4, 8], seed=1))
    raw = mask.raw.detach()
    assert (raw[0, 4:] == 0).all()
    assert ((raw[1, :8] > 0) & (raw[1, :8] < 5)).all()
    assert torch.equal(raw[0, :4], raw[1, :4])
    np.testing.assert_allclose(mask().detach()[:, 0], 1 - np.exp(-raw.numpy()), rtol=1e-6)
    mask.raw.data[1, :3] = torch.tensor([-1.0, 0.0, 2.0])
    mask.project()
    assert mask.raw.data[1, :3].tolist() == [0.0, 0.0, 2.0]


def test_polarisation_is_zero_at_zero_and_one_and_greatest_between():
    mask = torch.tensor([[[0.0, 1.0, 1.0]], [[0.5, 0.5, 0.0]], [[0.2, 0.0, 0.0]]])
    assert polarisation(mask).tolist() == pytest.approx([0, 0.5, 0.16])


def test_padding_and_the_first_parameters_do_not_depend_on_the_stack():
    wide, narrow = Stack([3, 100], seed=7), Stack([3], seed=7)
    assert (padded(1), padded(8), padded(33, 32)) == (8, 8, 64)
    for fans in [(-1, 20), (20, -1), (40, 20)]:
        a, b = (stack.weights("w", *fans).detach()[0] for stack in (wide, narrow))
        rows, columns = (3 if fan == -1 else fan for fan in fans)
        assert torch.equal(a[:rows, :columns], b[:rows, :columns])
        assert a[:rows, :columns].count_nonzero() == a.count_nonzero() > 0


def test_glorot_weights_have_their_variance():
    weights = Stack([50], seed=0).weights("w", 400, 200).detach()[0, :400, :200]
    assert float(weights.std()) == pytest.approx(math.sqrt(2 / 600), rel=0.02)


def test_named_draws_are_the_same_in_any_order_and_width():
    noise = Noise(3, step=1)
    first = noise.normal("prior", 10, 32)
    noise.normal("other", 10, 32)
    assert torch.equal(first, noise.normal("prior", 10, 96)[:, :32])
    assert not torch.equal(first, Noise(3, step=2).normal("prior", 10, 32))
    assert not torch.equal(first, noise.normal("other", 10, 32))
