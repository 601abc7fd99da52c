"""The contract of every system: it runs over all of them, with no list of its own."""

import numpy as np
import pytest
import torch

from bench import systems
from bench.cells import Stack, read_cell, write_cell
from bench.noise import Noise
from bench.points import Points
from bench.study import Net
from bench.systems.base import Space, Step
from bench.training import train

SIZE, NET = 24, Net("mlp", (32, 32))


@pytest.fixture(scope="module")
def points():
    """200 points on a curved 3-dimensional surface in 24 dimensions."""
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(200, 3, generator=generator)
    return torch.tanh(latents @ torch.randn(3, SIZE, generator=generator))


def build(name, dims, space=None, net=NET, **options):
    cls = systems.load(name)
    space = space or Space((SIZE,), bounded=False)
    return cls(Stack(dims, seed=1), space, net, cls.Options(**options))


def trained(name, dims, points, steps=5, **options):
    model = build(name, dims, **options)
    split, order = Points.of(points), torch.arange(len(points))
    model.fit(split)
    assert train(model, split, lambda i, turn: order[i * 8 % 160 :][:32], steps, 2) == [None] * len(
        dims
    )
    model.settle(split)
    return model


def test_the_systems_of_the_papers_are_there():
    assert set(systems.names()) >= {"vae", "wae-mmd", "wae-gan", "aae", "mask-aae", "pca"}


def test_an_unknown_system_is_refused():
    with pytest.raises(KeyError, match="there are aae"):
        systems.load("base")


@pytest.mark.parametrize("name", systems.names())
class TestEverySystem:
    def test_encodes_decodes_and_samples_in_its_own_dimensions(self, name, points):
        model = trained(name, [1, 3, 7], points)
        x, noise = points[:10], Noise(0)
        for codes in (model.encode(x), model.encode(x, noise), model.prior(10, noise)):
            assert codes.shape == (3, 10, 32)
            for cell, dim in enumerate([1, 3, 7]):
                assert (codes[cell, :, dim:] == 0).all()
                assert codes[cell, :, 0].std() > 0
            decoded = model.decode(codes)
            assert decoded.shape == (3, 10, SIZE)
            assert decoded.isfinite().all()
        mask = model.mask()
        assert mask is None or mask.shape == (3, 32)

    def test_gives_every_parameter_of_every_player_a_finite_gradient(self, name, points):
        model = build(name, [1, 4])
        # Past the start: some players wait.
        step = Step(50, 100, Noise(0), torch.arange(32))
        players = model.players()
        if players:
            model.fit(Points.of(points))
        for player in players:
            group = [p for module in player.modules for p in module.parameters()]
            loss = player.loss(points[:32], step)
            assert loss.shape == (2,)
            gradients = torch.autograd.grad(loss.sum(), group)
            assert all(gradient.isfinite().all() for gradient in gradients)
            assert (sum(gradient.abs().flatten(1).sum(1) for gradient in gradients) > 0).all()

    def test_moves_exactly_its_players_parameters(self, name, points):
        model = build(name, [2])
        players = model.players()
        moved = {id(p) for player in players for m in player.modules for p in m.parameters()}
        assert not players or moved == {id(p) for p in model.parameters()}

    def test_a_cell_is_saved_and_loaded(self, name, points):
        model = trained(name, [2, 5], points)
        copy = build(name, [5])
        write_cell(copy, 0, read_cell(model, 1))
        noise = Noise(9)
        assert torch.equal(copy.encode(points)[0], model.encode(points)[1])
        assert torch.equal(
            copy.decode(copy.prior(20, noise))[0], model.decode(model.prior(20, noise))[1]
        )

    def test_learns(self, name, points):
        """Its reconstruction error falls by a third or more from that of the untrained nets."""
        model = build(name, [3])
        before = (points - model.decode(model.encode(points))).square().mean()
        model = trained(name, [3], points, steps=600)
        after = (points - model.decode(model.encode(points))).square().mean()
        assert after < 2 / 3 * before

    def test_a_parameter_of_another_cell_is_refused(self, name, points):
        model = build(name, [2, 5])
        with pytest.raises(ValueError, match="has shape"):
            write_cell(model, 0, read_cell(model, 1))


@pytest.mark.parametrize("code", ["vector", "map"])
@pytest.mark.parametrize("kind", ["conv", "infogan", "dcgan", "flexae"])
@pytest.mark.parametrize("name", systems.names())
def test_every_system_trains_every_net(name, kind, code):
    images = torch.rand(16, 64, generator=torch.Generator().manual_seed(0))
    model = build(name, [8], Space((1, 8, 8), bounded=True), Net(kind, code=code))
    split, rows = Points.of(images), torch.arange(16)
    model.fit(split)
    step = Step(50, 100, Noise(0), rows)
    for player in model.players():
        group = [p for module in player.modules for p in module.parameters()]
        gradients = torch.autograd.grad(player.loss(images, step).sum(), group)
        assert all(gradient.isfinite().all() for gradient in gradients)
        if player.name == "autoencoder":
            assert all(gradient.any() for gradient in gradients)
    assert train(model, split, lambda index, turn: rows, 1, 2) == [None]
    codes = model.eval().encode(images)
    assert codes.shape == (1, 16, 32)
    assert not codes[..., 8:].any()
    assert model.decode(codes).shape == (1, 16, 64)
    assert model.decode(model.prior(5, Noise(1))).isfinite().all()


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "learned-gaussian"])
def test_vae_learns_under_each_likelihood(likelihood, points):
    space, bounded = Space((SIZE,), bounded=True), (points + 1) / 2
    model = build("vae", [3], space, likelihood=likelihood)
    step = Step(0, 1, Noise(0))
    before = float(model.loss(bounded, step).detach())
    train(model, Points.of(bounded), lambda index, turn: slice(None), 200, 2)
    assert float(model.loss(bounded, step).detach()) < before - 0.1


def test_a_bernoulli_likelihood_of_unbounded_data_is_refused():
    with pytest.raises(ValueError, match=r"data in \[0, 1\]"):
        build("vae", [3], likelihood="bernoulli")


def test_pca_is_that_of_numpy(points):
    model = trained("pca", [3, 24], points).requires_grad_(False)
    centred = (points - points.mean(0)).double().numpy()
    _, singular, rows = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ rows[:3].T @ rows[:3] + points.mean(0).numpy()
    np.testing.assert_allclose(model.decode(model.encode(points))[0], expected, atol=1e-5)
    np.testing.assert_allclose(model.encode(points)[0, :, :3].T.cov(), np.eye(3), atol=1e-4)
    np.testing.assert_allclose(model.decode(model.encode(points))[1], points, atol=1e-5)


def test_pca_of_more_dimensions_than_the_data_has_is_refused(points):
    with pytest.raises(ValueError, match="lower rank"):
        trained("pca", [25], points)


def test_the_mask_losses_differ_as_published(points):
    """The gap's part of the mask loss: Ŵ (paper), (1 + Ŵ)² (code), Ŵ² (centred)."""
    losses = {}
    for form in ("paper", "code", "centred"):
        options = {"mask_error": 0.0, "mask_polarisation": 0.0, "mask_loss": form}
        model = build("mask-aae", [3], **options)
        losses[form] = float(model.mask_loss(points, Step(50, 100, Noise(0))).detach())
    assert losses["code"] == pytest.approx((1 + losses["paper"]) ** 2, rel=1e-4)
    assert losses["centred"] == pytest.approx(losses["paper"] ** 2, rel=1e-4)


def test_mask_aae_with_its_mask_open_is_the_critic_aae(points):
    plain, masked = build("aae", [3]), build("mask-aae", [3], variance=0.0)
    masked.masking.raw.data[:, :3] = 50.0
    step = Step(0, 100, Noise(0))
    assert torch.equal(plain.loss(points, step), masked.loss(points, step))
    assert torch.equal(plain.critic_loss(points, step), masked.critic_loss(points, step))


def test_conv_nets_train_alone():
    with pytest.raises(ValueError, match="alone"):
        build("wae-mmd", [3, 4], Space((1, 8, 8), bounded=True), Net("conv"))


def test_the_polarisation_weight_doubles_from_start_to_end(points):
    """Of λ_3 the share 1 / (1024 m) at the start and all at the end, by even doublings between."""
    options = {"mask_error": 0.0, "mask_gap": 0.0, "mask_start": 0.2, "mask_end": 0.7}
    model = build("mask-aae", [4], **options)
    times = [10, 20, 45, 70, 90]
    losses = [float(model.mask_loss(points, Step(t, 100, Noise(0))).detach()) for t in times]
    mask = model.masking().detach()[0, 0, :4]
    full = 20 * float((mask * (1 - mask)).sum())
    expected = [0, full / 4096, full / 64, full, full]
    assert losses == pytest.approx(expected, rel=1e-4)
