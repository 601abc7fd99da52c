"""The contract of every system: it runs over all of them, with no list of its own."""

import inspect
import math
import re

import numpy as np
import pytest
import torch

from bench import evaluation, systems
from bench.cells import Stack, read_cell, write_cell
from bench.data.base import DataSet
from bench.noise import Noise
from bench.points import Points
from bench.real import Extractors
from bench.study import Evaluation, Net
from bench.systems.base import Space, Step
from bench.training import train

SIZE, NET = 24, Net("mlp", (32, 32))


@pytest.fixture(scope="module")
def points():
    """200 points on a curved 3-dimensional surface in 24 dimensions."""
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(200, 3, generator=generator)
    return torch.tanh(latents @ torch.randn(3, SIZE, generator=generator))


@pytest.fixture(scope="module")
def made_up(points):
    """The points as a data set, its three splits alike."""

    class MadeUp(DataSet):
        name, shape = "made-up", (SIZE,)

        def make(self, root=None):
            return dict.fromkeys(("train", "validation", "test"), (points, None))

    return MadeUp()


def build(name, dims, space=None, net=NET, seed=1, **options):
    cls = systems.load(name)
    space = space or Space((SIZE,), bounded=False)
    return cls(Stack(dims, seed), space, net, cls.Options(**options))


def thirty_two(index, turn):
    """The rows of a batch."""
    return torch.arange(32) + index * 8 % 160


def everything(index, turn):
    """All rows."""
    return torch.arange(200)


def trained(name, dims, points, steps=5, order=thirty_two, seed=1, **options):
    model = build(name, dims, seed=seed, **options)
    split = Points.of(points)
    model.fit(split)
    assert train(model, split, order, steps, seed + 1) == [None] * len(dims)
    model.settle(split)
    return model.eval()


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

    def test_a_seed_decides_its_bytes(self, name, points):
        def made(seed):
            model = trained(name, [2, 5], points, seed=seed)
            tensors = [*read_cell(model, 1).values(), model.prior(9, Noise(seed))]
            return [tensor.detach().numpy().tobytes() for tensor in tensors], model.players()

        first, again, (other, players) = made(1), made(1), made(2)
        assert first[0] == again[0]
        # Without players nothing is drawn but samples.
        assert first[0][-1] != other[-1]
        assert (first[0][:-1] != other[:-1]) == bool(players)

    def test_each_player_lowers_its_loss(self, name, points):
        """By a third or more, the others at rest, on one batch and one noise: of players against
        each other no loss need fall while all of them move."""
        model = build(name, [3])
        if model.players():
            model.fit(Points.of(points))
        rows = torch.arange(64)
        step = Step(50, 100, Noise(0), rows)
        for player in model.players():
            group = [p for module in player.modules for p in module.parameters()]
            start = [parameter.detach().clone() for parameter in group]
            optimiser = player.optimiser(group, lr=player.lr)
            losses = []
            for _ in range(500):
                loss = player.loss(points[rows], step)
                losses.append(float(loss.detach()))
                gradients = torch.autograd.grad(loss.sum(), group)
                for parameter, gradient in zip(group, gradients, strict=True):
                    parameter.grad = gradient
                optimiser.step()
                player.after(points[rows], step)
            assert losses[0] > 0, player.name
            assert losses[-1] < 2 / 3 * losses[0], player.name
            with torch.no_grad():
                for parameter, value in zip(group, start, strict=True):
                    parameter.copy_(value)

    def test_of_no_dimension_and_of_one_every_metric_is_a_number_or_none(self, name, made_up):
        model = trained(name, [0, 1], made_up.train)
        metrics = ("interval", "fd-infinity", "kid", "neighbours")
        protocol = Evaluation(samples=100, metrics=metrics)
        rows = evaluation.measure(model, protocol, Extractors(made_up), Noise(0), 0)
        for dim, row in enumerate(rows):
            assert row["status"] == "done"
            numbers = {key: value for key, value in row.items() if not isinstance(value, str)}
            assert all(value is None or math.isfinite(value) for value in numbers.values())
            assert row["nac"] is None
            assert row["discovered_mask"] in (None, *range(dim + 1))
        assert rows[0]["latent_divergence"] == rows[0]["discovered_units"] == 0

    @pytest.mark.parametrize("seed", [1, 2])
    def test_of_no_dimension_it_reconstructs_and_generates_the_mean(self, name, seed, points):
        x = points[:64] - points[:64].mean(0) + torch.linspace(-0.05, 0.05, SIZE)
        net, order = Net("mlp", (8,)), lambda index, turn: torch.arange(64)
        model = trained(name, [0, 2], x, 300, order, seed, net=net)
        for codes in (model.encode(x), model.prior(64, Noise(0))):
            decoded = model.decode(codes)[0].detach()
            torch.testing.assert_close(decoded, x.mean(0).expand(64, -1), atol=0.003, rtol=0)

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


@pytest.mark.parametrize("name", systems.names())
def test_its_file_is_short_and_tells_its_objective_source_and_options(name):
    cls = systems.load(name)
    module = inspect.getmodule(cls)
    own = cls.Options.__annotations__ if "Options" in vars(cls) else ()
    assert [option for option in own if f"`{option}`" not in module.__doc__] == []
    for line in (
        r"Objectives?, minimised.*:",
        r"(?s)Sources?: .*[12]\d{3}",
        r"Defaults: |no\noptions",
    ):
        assert re.search(line, module.__doc__), line
    assert len(inspect.getsource(module).splitlines()) <= 150


def test_a_bernoulli_vae_of_no_dimension_has_the_mean_images_logits(points):
    space, x = Space((SIZE,), bounded=True), (points + 1) / 2
    options = {"likelihood": "bernoulli", "lr": 1e-2}
    model = trained("vae", [0, 2], x, 400, everything, space=space, **options)
    logits = model.decoder(model.encode(x))[0].detach()
    expected = torch.logit(x.mean(0)).expand_as(logits)
    torch.testing.assert_close(logits, expected, atol=0.01, rtol=0)
    error = model.negative_log_likelihood(x, model.decoder(model.encode(x)))[0].detach()
    mean = x.mean(0)
    entropy = -(mean * mean.log() + (1 - mean) * (1 - mean).log()).sum()
    torch.testing.assert_close(error, entropy, rtol=1e-4, atol=0)


def test_conv_nets_have_a_dimension():
    with pytest.raises(ValueError, match="latent dimensions greater than 0"):
        build("vae", [0], Space((1, 8, 8), bounded=True), Net("conv"))


# Systems see a code that is a map flat: one such net is enough for them.
@pytest.mark.parametrize(
    ("kind", "code"),
    [*((kind, "vector") for kind in ("conv", "infogan", "dcgan", "flexae")), ("dcgan", "map")],
)
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
