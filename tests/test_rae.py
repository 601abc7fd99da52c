"""Densities of codes, regularised autoencoders, and the two-stage VAE, against references."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from bench import sources, systems, training
from bench.cells import Stack, read_cell, write_cell
from bench.net import Net
from bench.noise import Noise
from bench.parts.densities import Mixture
from bench.points import Points
from bench.systems.base import Space, Step

NET, STEP = Net("mlp", (24, 16)), Step(0, 1, Noise(0))


def everything(index, turn):
    """All rows."""
    return slice(None)


def thirty(index, turn):
    """The next 30 rows."""
    return torch.arange(30) + 30 * index


def build(name, dims, size=20, space=None, net=NET, **options):
    cls = systems.load(name)
    space = space or Space((size,), bounded=False)
    return cls(Stack(dims, seed=1), space, net, cls.Options(**options))


def points(count=300, size=20):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(count, 3, generator=generator)
    return torch.tanh(latents @ torch.randn(3, size, generator=generator))


def clusters(count, dim):
    """Codes [count, dim] of three clusters, none of them round, far from the origin."""
    generator = np.random.default_rng(0)
    centres = generator.normal(5, 4, (3, dim))
    shapes = generator.normal(0, 0.7, (3, dim, dim))
    labels = generator.choice(3, count, p=[0.6, 0.3, 0.1])
    noise = generator.normal(size=(count, dim))
    return centres[labels] + np.einsum("nd,nde->ne", noise, shapes[labels])


def settled(codes, dims, components):
    """A density of the first columns of some codes, for a stack of cells."""
    stack = Stack(dims, seed=3)
    density = Mixture(stack, components)
    density.fit(torch.tensor(codes).float()[:, : stack.width] * stack.mask)
    return density


def wide(codes):
    return np.pad(codes, ((0, 0), (0, 32 - codes.shape[1])))


def test_a_gaussian_has_the_codes_mean_and_covariance():
    codes = clusters(500, 4)
    density = settled(wide(codes), [4], 1)
    factor = density.factors[0, 0, :4, :4].double().numpy()
    np.testing.assert_allclose(density.means[0, 0, :4], codes.mean(0), rtol=1e-5)
    np.testing.assert_allclose(factor.T @ factor, np.cov(codes.T, bias=True), rtol=1e-4, atol=1e-4)
    drawn = density.draw(200_000, Noise(0))[0].double()
    assert not drawn[:, 4:].any()
    np.testing.assert_allclose(drawn[:, :4].mean(0), codes.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn[:, :4].T), np.cov(codes.T), rtol=0.02, atol=0.1)


def test_a_mixture_samples_as_scikit_learn_does():
    """Moments of ours and of scikit-learn's own draws, for codes far from one Gaussian."""
    codes = clusters(2000, 3)
    ours = settled(wide(codes), [3], 3).draw(200_000, Noise(0))[0, :, :3].numpy()
    theirs = GaussianMixture(3, random_state=0, n_init=5).fit(codes).sample(200_000)[0]
    np.testing.assert_allclose(ours.mean(0), theirs.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), rtol=0.03, atol=0.1)
    # Third moments about the mean: a single Gaussian of the same covariance has none.
    skews = [((it - it.mean(0)) ** 3).mean(0) for it in (ours, theirs)]
    assert np.abs(skews[1]).min() > 5
    np.testing.assert_allclose(*skews, rtol=0.03, atol=0.1)


def test_a_mixtures_draws_do_not_depend_on_the_codes_size():
    """1e-6 is added to variances of codes of size one; not so to those of a thousandth."""
    codes = wide(clusters(500, 3))
    one, small = (settled(codes * scale, [3], 3).draw(100, Noise(0)) for scale in (1, 1e-3))
    torch.testing.assert_close(1e-3 * one, small, rtol=1e-3, atol=1e-5)


def test_a_density_is_the_same_bytes_alone_and_in_a_stack():
    codes = clusters(400, 40).astype(np.float32)
    codes = np.pad(codes, ((0, 0), (0, 24)))
    stack = settled(codes, [40, 3, 8], 10)
    for cell, dim in enumerate([40, 3, 8]):
        alone = settled(codes, [dim], 10)
        for name, value in read_cell(alone, 0).items():
            assert torch.equal(value, read_cell(stack, cell)[name]), name
        drawn = stack.draw(50, Noise(1))[cell, :, :dim]
        assert torch.equal(drawn, alone.draw(50, Noise(1))[0, :, :dim])


def test_a_fit_leaves_the_number_of_threads_as_it_is():
    torch.set_num_threads(2)
    settled(wide(clusters(50, 2)), [2], 2)
    assert torch.get_num_threads() == 2


def test_codes_that_are_no_numbers_or_all_the_same_do_not_stop_their_neighbours_fit():
    stack = Stack([2, 2, 2], seed=0)
    density = Mixture(stack, 2)
    codes = torch.tensor(wide(clusters(100, 2))).float().repeat(3, 1, 1)
    codes[0, 7, 1] = torch.nan
    codes[1, :, :2] = 4.0
    with pytest.warns(UserWarning, match="distinct clusters"):
        density.fit(codes)
    draws = density.draw(100, Noise(0))
    assert draws[0, :, :2].isnan().all()
    torch.testing.assert_close(draws[1, :, :2], torch.full((100, 2), 4.0), atol=0.01, rtol=0)
    assert draws[2].isfinite().all()


@pytest.mark.parametrize("name", ["ae", "rae"])
@pytest.mark.parametrize("density", ["gaussian", "mixture"])
def test_settled_cells_are_saved_and_loaded_and_do_not_depend_on_their_stack(name, density):
    x = points()

    def trained(dims):
        model = build(name, dims, density=density)
        assert training.train(model, Points.of(x), thirty, 5, 2) == [None] * len(dims)
        before = read_cell(model, 0)
        model.settle(Points.of(x))
        assert model.training
        assert not torch.equal(before["density.means"], read_cell(model, 0)["density.means"])
        return model

    stack, alone = trained([3, 40]), trained([3])
    for key, value in read_cell(alone, 0).items():
        assert value.numpy().tobytes() == read_cell(stack, 0)[key].numpy().tobytes(), key
    copy = build(name, [40, 5], density=density)
    write_cell(copy, 0, read_cell(stack, 1))
    drawn, expected = copy.prior(50, Noise(4))[0], stack.prior(50, Noise(4))[1]
    assert torch.equal(drawn, expected)
    codes = stack.encode(x)[0, :, :3]
    torch.testing.assert_close(
        stack.prior(5000, Noise(4))[0, :, :3].mean(0), codes.mean(0), atol=0.1, rtol=0
    )


def test_settling_uses_running_statistics_and_leaves_them_alone():
    images = torch.rand(64, 64, generator=torch.Generator().manual_seed(0))
    model = build("ae", [4], space=Space((1, 8, 8), True), net=Net("infogan"), density="gaussian")
    training.train(model, Points.of(images), everything, 2, 2)
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.settle(Points.of(images))
    for name, value in model.named_buffers():
        assert name.startswith("density") or torch.equal(value, before[name]), name
    codes = model.eval().encode(images)[0, :, :4]
    torch.testing.assert_close(model.density.means[0, 0, :4], codes.mean(0))


@pytest.mark.parametrize("regulariser", ["l2", "gp", "none"])
def test_rae_with_zero_penalties_is_the_ae(regulariser):
    ae = build("ae", [3, 5])
    rae = build("rae", [3, 5], regulariser=regulariser, beta=0.0, l2=0.0, gp=0.0)
    results = []
    for model in (ae, rae):
        loss = model.loss(points(), STEP)
        parameters = [*model.encoder.parameters(), *model.decoder.parameters()]
        results.append((loss, torch.autograd.grad(loss.sum(), parameters)))
    assert torch.equal(results[0][0], results[1][0])
    assert all(map(torch.equal, *(gradients for _, gradients in results)))


@pytest.mark.parametrize("net", [NET, Net("infogan"), Net("conv")], ids=str)
def test_a_gradient_penalty_of_weight_zero_trains_as_none_does(net):
    """To the last bit: also where second derivatives lie in memory in another order."""
    space = Space((1, 8, 8), True)
    x = torch.rand(64, 64, generator=torch.Generator().manual_seed(0))
    cells = []
    for options in ({"regulariser": "none"}, {"regulariser": "gp", "gp": 0.0}):
        model = build("rae", [4], space=space, net=net, **options)
        training.train(model, Points.of(x), lambda i, turn: torch.arange(i * 16, i * 16 + 16), 4, 2)
        cells.append(read_cell(model, 0))
    for key, value in cells[0].items():
        assert torch.equal(value, cells[1][key]), key


def penalty(model, x):
    """What a model's loss has beyond the squared error [cells]."""
    plain = build("rae", [3, 5], regulariser="none", beta=0.0)
    return model.loss(x, STEP) - plain.loss(x, STEP)


def test_the_code_norm_and_weight_decay_are_as_written():
    x = points()
    model = build("rae", [3, 5], regulariser="none", beta=3.0)
    expected = 1.5 * model.encode(x).square().sum(-1).mean(-1)
    torch.testing.assert_close(penalty(model, x), expected, rtol=1e-4, atol=1e-4)
    model = build("rae", [3, 5], regulariser="l2", beta=0.0, l2=0.1)
    squares = [layer.weight.square().sum((1, 2)) for layer in model.decoder.layers]
    torch.testing.assert_close(penalty(model, x), 0.1 * sum(squares), rtol=1e-4, atol=1e-4)


def test_the_gradient_penalty_is_that_of_finite_differences():
    x = points(count=6).double()
    model = build("rae", [3, 5], regulariser="gp", beta=0.0, gp=1.0).double()
    plain = build("rae", [3, 5], regulariser="none", beta=0.0).double()
    found = (model.loss(x, STEP) - plain.loss(x, STEP)).detach()
    z, h = model.encode(x).detach(), 1e-5
    expected = torch.zeros(2).double()
    with torch.no_grad():
        for k in range(5):
            ahead, behind = (model.decode(z + s * h * torch.eye(32)[k]) for s in (1, -1))
            slope = (ahead.square().sum(-1) - behind.square().sum(-1)) / (2 * h)
            expected += slope.square().mean(-1) * torch.tensor([k < 3, True])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("regulariser", ["l2", "gp", "sn", "none"])
def test_every_regulariser_trains_without_a_dimension(regulariser):
    model = build("rae", [0, 3], regulariser=regulariser)
    assert training.train(model, Points.of(points()), everything, 5, 2) == [None, None]
    assert model.decode(model.encode(points())).isfinite().all()


@pytest.mark.parametrize("net", [NET, Net("infogan"), Net("conv", code="map")], ids=str)
def test_spectral_norms_are_one(net):
    space = Space((20,), False) if net == NET else Space((1, 8, 8), True)
    dims = [3, 40] if net == NET else [4]
    model = build("rae", dims, space=space, net=net, regulariser="sn")
    # Each use in training is one more step of power iteration.
    for _ in range(300):
        weights = [(layer, layer.weight.detach()) for _, layer in model.layers()]
    assert len(weights) > 2
    for layer, weight in weights:
        raw = layer.parametrizations.weight.original
        matrices = raw if raw.ndim == 3 else raw.flatten(1)[None]
        norms = torch.linalg.matrix_norm(matrices, 2).reshape(-1, *[1] * (raw.ndim - 1))
        torch.testing.assert_close(weight, raw / norms, rtol=2e-3, atol=1e-5)
    still = model.eval().layers()[0][1].parametrizations.weight[0].vectors.clone()
    model.decode(torch.zeros(len(dims), 2, 64 if net == NET else 32))
    assert torch.equal(still, model.layers()[0][1].parametrizations.weight[0].vectors)


def test_spectrally_normalised_cells_are_the_same_bytes_alone_and_in_a_stack():
    x = points()

    def cells(dims):
        model = build("rae", dims, regulariser="sn", density="gaussian")
        training.train(model, Points.of(x), thirty, 5, 2)
        model.settle(Points.of(x))
        return {dim: read_cell(model, cell) for cell, dim in enumerate(dims)}

    stack = cells([40, 3, 8])
    for dim in (3, 40):
        for key, value in cells([dim])[dim].items():
            assert value.numpy().tobytes() == stack[dim][key].numpy().tobytes(), key


def test_the_gradient_through_a_spectral_norm_is_that_of_the_exact_one():
    model = build("rae", [3], regulariser="sn")
    layer = model.layers()[1][1]
    for _ in range(300):
        weight = layer.weight
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    raw = layer.parametrizations.weight.original
    (found,) = torch.autograd.grad((weight * direction).sum(), raw)
    exact = raw / torch.linalg.matrix_norm(raw, 2)[:, None, None]
    (expected,) = torch.autograd.grad((exact * direction).sum(), raw)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


class TestTwoStages:
    def test_each_stage_moves_in_its_half_and_leaves_the_other_at_rest(self):
        x, seen = points(), []
        model = build("two-stage-vae", [3], width=16)

        def rows(index, turn):
            seen.append({key: value.clone() for key, value in model.state_dict().items()})
            return torch.arange(50)

        training.train(model, Points.of(x), rows, 8, 2)
        seen.append(model.state_dict())
        for first, start, end in [(True, 0, 4), (False, 4, 8)]:
            for key in seen[0]:
                moved = not torch.equal(seen[start][key], seen[end][key])
                assert moved == (key.startswith("stage") == first), key

    def test_its_first_stage_is_that_system_trained_for_half_as_long(self):
        x = points()
        model, alone = build("two-stage-vae", [3], width=16), build("vae", [3])
        for system, steps in ((model, 8), (alone, 4)):
            training.train(system, Points.of(x), thirty, steps, 2)
        for key, value in read_cell(alone, 0).items():
            assert torch.equal(value, read_cell(model, 0)[f"stage.{key}"]), key

    def test_its_second_stage_learns_the_codes_distribution(self):
        """From codes far from N(0, I), those of a plain autoencoder, to their mean and spread."""
        x = points(count=500)
        model = build("two-stage-vae", [3], stage="ae", width=64)
        training.train(model, Points.of(x), everything, 1500, 2)
        with torch.no_grad():
            codes, drawn = model.encode(x)[0, :, :3], model.prior(4000, Noise(1))[0, :, :3]
        assert (codes.T.cov() - torch.eye(3)).norm() > 1
        apart = (drawn.T.cov() - codes.T.cov()).norm() / codes.T.cov().norm()
        assert apart < 0.2
        assert ((drawn.mean(0) - codes.mean(0)) / codes.std(0)).abs().max() < 0.2

    @pytest.mark.parametrize("stage", ["pca", "mask-aae", "ae", "wae-gan"])
    def test_any_system_may_be_its_first_stage(self, stage):
        x = points()
        model = build("two-stage-vae", [3, 2], stage=stage, width=16)
        model.fit(Points.of(x))
        assert training.train(model, Points.of(x), lambda i, turn: torch.arange(40), 6, 2) == [
            None,
            None,
        ]
        model.settle(Points.of(x))
        copy = build("two-stage-vae", [2], stage=stage, width=16)
        write_cell(copy, 0, read_cell(model, 1))
        assert torch.equal(
            copy.decode(copy.prior(9, Noise(3)))[0], model.decode(model.prior(9, Noise(3)))[1]
        )

    def test_what_the_first_stages_mask_has_closed_is_zero_in_draws(self, monkeypatch):
        model = build("two-stage-vae", [3], width=16)
        whole = model.prior(9, Noise(3))
        mask = torch.zeros(1, whole.shape[-1])
        mask[0, :2] = torch.tensor([1.0, 0.5])
        monkeypatch.setattr(model.stage, "mask", lambda: mask)
        drawn = model.prior(9, Noise(3))
        assert torch.equal(drawn[..., :2], whole[..., :2])
        assert not drawn[..., 2:].any()
        assert whole[..., 2].all()

    def test_its_code_is_its_first_stages_too(self):
        kind = systems.load("two-stage-vae")
        for stage, needed in (("vae", "likelihoods.py"), ("mask-aae", "masks.py")):
            modules = systems.modules("two-stage-vae", kind.Options(stage=stage))
            assert modules == ["systems/two-stage-vae", f"systems/{stage}"]
            found = {path.name for path in sources.files(*modules)}
            assert {"two_stage_vae.py", f"{stage.replace('-', '_')}.py", needed} <= found
        assert systems.modules("vae", systems.load("vae").Options()) == ["systems/vae"]

    @pytest.mark.parametrize("options", [{"stage": "two-stage-vae"}, {"stage": "x"}, {"width": 0}])
    def test_other_options_are_refused(self, options):
        with pytest.raises(ValueError, match=next(iter(options))):
            build("two-stage-vae", [3], **options)
