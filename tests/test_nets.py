"""The nets of the papers: sizes worked out by hand, padding, normalisation, maps and files."""

import math
import re

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

from bench import nets
from bench.cells import LATENT, Stack, read_cell, write_cell
from bench.mistake import Mistake
from bench.nets.convolutional import same_padding
from bench.study import Net

CONVOLUTIONAL = ("conv", "infogan", "dcgan", "flexae")
GREY, COLOUR, FACE = (1, 28, 28), (3, 32, 32), (3, 64, 64)


class Pair(nn.Module):
    """A net's encoder with one head, and its decoder."""

    def __init__(self, net, shape, dim, seed=1):
        super().__init__()
        stack = Stack([dim], seed)
        self.trunk = nets.encoder(net, stack, shape)
        self.head = self.trunk.head(stack, "encoder.mean")
        self.decoder = nets.decoder(net, stack, shape)

    def forward(self, x):
        return self.decoder(self.head(self.trunk(x)))


def pair(kind, shape, dim, code="vector", **settings):
    return Pair(Net(kind, code=code), shape, dim, **settings)


def images(count, shape, seed=0):
    size = math.prod(shape)
    return torch.rand(count, size, generator=torch.Generator().manual_seed(seed))


def count(module):
    """The number of parameters, without padding."""
    return sum(
        math.prod(getattr(parameter, "shapes", [parameter.shape])[0])
        for parameter in module.parameters()
    )


# Weights (in × out × taps), biases where no batch norm follows, and 2 numbers a channel or unit of
# each batch norm; codes of 8 dimensions. Trunk and head, then decoder.
SIZES = {
    ("conv", GREY): (
        1 * 32 * 16 + 32 + 32 * 64 * 16 + 64 + (7 * 7 * 64) * 8 + 8,
        8 * (7 * 7 * 64) + 7 * 7 * 64 + 64 * 32 * 16 + 32 + 32 * 1 * 16 + 1,
    ),
    ("infogan", GREY): (
        1 * 64 * 16 + 64 + 64 * 128 * 16 + 2 * 128 + 6272 * 1024 + 2 * 1024 + 1024 * 8 + 8,
        8 * 1024 + 2 * 1024 + 1024 * 6272 + 2 * 6272 + 128 * 64 * 16 + 2 * 64 + 64 * 16 + 1,
    ),
    ("infogan", COLOUR): (
        3 * 64 * 16 + 64 + 64 * 128 * 16 + 2 * 128 + 8192 * 1024 + 2 * 1024 + 1024 * 8 + 8,
        8 * 1024 + 2 * 1024 + 1024 * 8192 + 2 * 8192 + 128 * 64 * 16 + 2 * 64 + 64 * 3 * 16 + 3,
    ),
    ("infogan", FACE): (
        3 * 64 * 16 + 64 + 64 * 128 * 16 + 2 * 128 + 32768 * 1024 + 2 * 1024 + 1024 * 8 + 8,
        8 * 1024 + 2 * 1024 + 1024 * 32768 + 2 * 32768 + 128 * 64 * 16 + 2 * 64 + 64 * 3 * 16 + 3,
    ),
    ("dcgan", GREY): (
        (1 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) * 16 + 2 * 1920 + (2 * 2 * 1024) * 8 + 8,
        9 * (7 * 7 * 1024) + (1024 * 512 + 512 * 256 + 256 * 1) * 16 + 2 * (512 + 256) + 1,
    ),
    ("dcgan", COLOUR): (
        (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) * 25 + 2 * 1920 + (2 * 2 * 1024) * 8 + 8,
        9 * (4 * 4 * 1024) + (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3) * 25 + 2 * 896 + 3,
    ),
    ("dcgan", FACE): (
        (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) * 25 + 2 * 1920 + (4 * 4 * 1024) * 8 + 8,
        9 * (8 * 8 * 1024) + (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3) * 25 + 2 * 896 + 3,
    ),
    ("flexae", GREY): (
        1 * 64 * 16 + 64 + 64 * 128 * 16 + 2 * 128 + 6272 * 1024 + 2 * 1024 + 1024 * 8 + 8,
        8 * 1024 + 2 * 1024 + 1024 * 6272 + 2 * 6272 + (128 * 128 + 128 * 64) * 16 + 2 * 192
        + 64 * 1 * 9 + 1,
    ),
    ("flexae", FACE): (
        3 * 64 * 16 + 64 + 64 * 128 * 16 + 2 * 128 + 32768 * 1024 + 2 * 1024 + 1024 * 8 + 8,
        8 * 1024 + 2 * 1024 + 1024 * 32768 + 2 * 32768 + (128 * 128 + 128 * 64) * 16 + 2 * 192
        + 64 * 3 * 9 + 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "shape"), SIZES)
def test_sizes_are_those_of_the_papers(kind, shape):
    model = pair(kind, shape, 8)
    sizes = count(model.trunk) + count(model.head), count(model.decoder)
    assert sizes == SIZES[kind, shape]


# Channels and sides of each grid, encoder and decoder.
GRIDS = {
    ("conv", GREY): ([(1, 28), (32, 14), (64, 7)], [(64, 7), (32, 14), (1, 28)]),
    ("infogan", COLOUR): ([(3, 32), (64, 16), (128, 8)], [(128, 8), (64, 16), (3, 32)]),
    ("dcgan", GREY): (
        [(1, 28), (128, 14), (256, 7), (512, 4), (1024, 2)],
        [(1024, 7), (512, 14), (256, 28), (1, 28)],
    ),
    ("dcgan", COLOUR): (
        [(3, 32), (128, 16), (256, 8), (512, 4), (1024, 2)],
        [(1024, 4), (512, 8), (256, 16), (128, 32), (3, 32)],
    ),
    ("dcgan", FACE): (
        [(3, 64), (128, 32), (256, 16), (512, 8), (1024, 4)],
        [(1024, 8), (512, 16), (256, 32), (128, 64), (3, 64)],
    ),
    ("flexae", FACE): (
        [(3, 64), (64, 32), (128, 16)],
        [(128, 16), (128, 32), (64, 64), (3, 64)],
    ),
}


def convolutions(half):
    """The convolutions of an encoder or decoder, each with its padding or cropping."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    found, run = [], []
    for layer in [*half.layers, None]:
        if isinstance(layer, (*kinds, nn.ZeroPad2d)):
            run.append(layer)
        elif run:
            found.append(nn.Sequential(*run))
            run = []
    return found


@pytest.mark.parametrize(("kind", "shape"), GRIDS)
def test_grids_are_those_of_the_papers(kind, shape):
    model = pair(kind, shape, 8)
    for half, grids in zip((model.trunk, model.decoder), GRIDS[kind, shape], strict=True):
        x = torch.zeros(1, grids[0][0], grids[0][1], grids[0][1])
        found = [tuple((x := layer(x)).shape[1:]) for layer in convolutions(half)]
        assert found == [(channels, side, side) for channels, side in grids[1:]]


@pytest.mark.parametrize("kind", CONVOLUTIONAL)
def test_activations_and_normalisation_are_where_the_papers_have_them(kind):
    """N: batch normalisation, r: ReLU, l: leaky ReLU (0.2), c: convolution, d: dense."""
    letters = {
        nn.Conv2d: "c", nn.ConvTranspose2d: "c", nn.Linear: "d", nn.BatchNorm1d: "N",
        nn.BatchNorm2d: "N", nn.ReLU: "r",
    }  # fmt: skip

    def spell(layers):
        word = ""
        for layer in layers:
            if isinstance(layer, nn.LeakyReLU):
                word += {0.2: "l", 0.0: "r"}[layer.negative_slope]
            else:
                word += next((v for k, v in letters.items() if isinstance(layer, k)), "")
        return word

    model = pair(kind, GREY, 8)
    assert (spell(model.trunk.layers), spell(model.decoder.layers)) == {
        "conv": ("crcr", "rcrc"),
        "infogan": ("clcNldNl", "NrdNrcNrc"),
        "dcgan": ("cNrcNrcNrcNr", "rcNrcNrc"),
        "flexae": ("crcNrdNr", "NrdNrcNrcNrc"),
    }[kind]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_same_padding_is_as_tensorflow_documents_it(kernel, stride):
    for side in range(1, 40):
        over = kernel - stride if side % stride == 0 else kernel - side % stride
        total = max(over, 0)
        assert same_padding(side, kernel, stride) == (total // 2, total - total // 2)


def plain_convolution(x, weight, stride):
    """SAME convolution tap by tap: [N, C, H, H] with weights [out, C, k, k]."""
    kernel, side = weight.shape[-1], x.shape[-1]
    outputs = -(-side // stride)
    before = max((outputs - 1) * stride + kernel - side, 0) // 2
    total = np.zeros((len(x), len(weight), outputs, outputs))
    for i in range(outputs):
        for j in range(outputs):
            for a in range(kernel):
                for b in range(kernel):
                    row, column = i * stride - before + a, j * stride - before + b
                    if 0 <= row < side and 0 <= column < side:
                        total[:, :, i, j] += x[:, :, row, column] @ weight[:, :, a, b].T
    return total


@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 8, 8)])
def test_convolutions_are_tensorflows(shape):
    """Even kernels on 12, 6, 3 and 2 points, odd ones on 8, 4, 2 and 1; decoders as adjoints."""
    model, generator = pair("dcgan", shape, 2).double(), np.random.default_rng(0)
    x = generator.normal(size=(2, *shape))
    for layer in convolutions(model.trunk):
        weight = next(m for m in layer if isinstance(m, nn.Conv2d)).weight.detach().numpy()
        expected = plain_convolution(x, weight, stride=2)
        np.testing.assert_allclose(layer(torch.from_numpy(x)).detach(), expected, atol=1e-12)
        x = generator.normal(size=expected.shape)
    sides = nets.published.form(Net("dcgan"), shape).start(shape)
    y = generator.normal(size=(2, 1024, *sides))
    for layer in convolutions(model.decoder):
        module = next(m for m in layer if isinstance(m, nn.ConvTranspose2d))
        found = layer(torch.from_numpy(y)).detach().numpy()
        x = generator.normal(size=found.shape)
        forward = plain_convolution(x, module.weight.detach().numpy(), module.stride[0])
        assert (found * x).sum() == pytest.approx((forward * y).sum(), rel=1e-9)
        y = generator.normal(size=found.shape)
    assert found.shape == (2, *shape)


@pytest.mark.parametrize(
    ("kind", "epsilon", "momentum"),
    [("infogan", 1e-5, 0.001), ("dcgan", 1e-5, 0.1), ("flexae", 1e-3, 0.01)],
)
def test_batch_norm_is_by_batch_in_training_and_by_running_statistics_after(
    kind, epsilon, momentum
):
    trunk = pair(kind, (1, 8, 8), 2).trunk
    place = next(i for i, m in enumerate(trunk.layers) if isinstance(m, nn.BatchNorm2d))
    before, norm = trunk.layers[:place], trunk.layers[place]
    before.eval()  # Spectral normalisation would take another step.
    x = images(16, (1, 8, 8)).reshape(-1, 1, 8, 8)
    inside = before(x).detach().numpy().astype(float)
    mean, variance = inside.mean((0, 2, 3)), inside.var((0, 2, 3))
    scaled = inside - mean[:, None, None]
    scaled /= np.sqrt(variance + epsilon)[:, None, None]
    np.testing.assert_allclose(norm(before(x)).detach(), scaled, atol=2e-4)
    number = inside.size / inside.shape[1]
    unbiased = variance * number / (number - 1)
    np.testing.assert_allclose(norm.running_mean, momentum * mean, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(
        norm.running_var, 1 - momentum + momentum * unbiased, rtol=1e-5, atol=1e-8
    )
    trunk.eval()
    running = inside - norm.running_mean.numpy()[:, None, None]
    running /= np.sqrt(norm.running_var.numpy() + epsilon)[:, None, None]
    np.testing.assert_allclose(norm(before(x)).detach(), running, atol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONAL)
def test_a_code_depends_on_its_batch_in_training_only(kind):
    model, x = pair(kind, (1, 8, 8), 4), images(8, (1, 8, 8))
    with torch.no_grad():
        model.train()
        alone = torch.allclose(model(x)[:, :2], model(x[:2]), atol=1e-6)
        assert alone == (kind == "conv")
        model.eval()
        torch.testing.assert_close(model(x)[:, :2], model(x[:2]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("code", ["vector", "map"])
def test_spectral_norms_are_one_and_stay_so_in_training(code):
    model, x = pair("infogan", (1, 8, 8), 8, code), images(16, (1, 8, 8))
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(40):
        optimiser.zero_grad()
        model(x).square().mean().backward()
        optimiser.step()
    modules = {
        name: module
        for name, module in model.named_modules()
        if hasattr(module, "parametrizations")
    }
    assert len(modules) == {"vector": 4, "map": 3}[code]

    def largest(name):
        weight = modules[name].weight.detach()
        matrix = weight[0] if name == "head" else weight.flatten(1)
        return np.linalg.svd(matrix.numpy(), compute_uv=False)[0]

    for name, module in modules.items():
        assert largest(name) == pytest.approx(1, abs=0.05), name
        for _ in range(300):  # Each use in training is one more power iteration.
            module.weight  # noqa: B018
        assert largest(name) == pytest.approx(1, abs=1e-3), name
    assert not any(hasattr(module, "parametrizations") for module in model.decoder.modules())


@pytest.mark.parametrize("code", ["vector", "map"])
@pytest.mark.parametrize("kind", ["conv", "infogan", "flexae"])
def test_a_saved_and_loaded_cell_computes_the_same(kind, code):
    shape, x = (1, 8, 8), images(16, (1, 8, 8))
    model, copy = pair(kind, shape, 4, code), pair(kind, shape, 4, code, seed=2)
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(3):
        optimiser.zero_grad()
        model(x).square().mean().backward()
        optimiser.step()
    write_cell(copy, 0, safetensors.torch.load(safetensors.torch.save(read_cell(model, 0))))
    with torch.no_grad():
        assert torch.equal(copy.eval()(x), model.eval()(x))
        assert torch.equal(copy.train()(x), model.train()(x))
    assert_same_bytes(read_cell(copy, 0), read_cell(model, 0))


def assert_same_bytes(one, other):
    assert list(one) == list(other)
    for name, tensor in one.items():
        assert tensor.numpy().tobytes() == other[name].numpy().tobytes(), name


def test_a_cell_of_other_buffers_is_refused():
    model, other = pair("flexae", (1, 8, 8), 4), pair("conv", (1, 8, 8), 4)
    with pytest.raises(Mistake, match="running_mean"):
        write_cell(model, 0, read_cell(other, 0))


@pytest.mark.parametrize("code", ["vector", "map"])
@pytest.mark.parametrize("kind", CONVOLUTIONAL)
def test_a_seed_decides_all_and_the_global_generator_rests(kind, code):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = read_cell(pair(kind, (1, 8, 8), 8, code), 0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert_same_bytes(first, read_cell(pair(kind, (1, 8, 8), 8, code), 0))
    other = read_cell(pair(kind, (1, 8, 8), 8, code, seed=2), 0)
    drawn = [name for name in first if first[name].ndim > 1 or name.endswith(("_u", "_v"))]
    assert all(not torch.equal(first[name], other[name]) for name in drawn)
    draws = [first[name].flatten()[:2].tolist() for name in drawn]
    assert all(draws[i] not in draws[:i] for i in range(len(draws)))


@pytest.mark.parametrize(
    ("kind", "deviation"), [("conv", None), ("infogan", 0.02), ("dcgan", 0.01), ("flexae", None)]
)
def test_weights_start_as_in_the_sources(kind, deviation):
    model = pair(kind, (3, 8, 8), 16)
    for module in (*model.trunk.layers, *model.decoder.layers):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            spectral = hasattr(module, "parametrizations")
            weight = module.parametrizations.weight.original if spectral else module.weight
            fans = weight[:, 0].numel() + weight[0].numel()
            expected = deviation or math.sqrt(2 / fans)
            error = 4 / math.sqrt(2 * weight.numel())
            assert float(weight.detach().std()) == pytest.approx(expected, rel=error)
            assert module.bias is None or not module.bias.any()
    faces = [model.decoder.start.weight.data[0, :16]]
    if kind != "infogan":
        faces.append(model.head.weight.data[0, :, :16])
    for weight in faces:
        expected = deviation or math.sqrt(2 / sum(weight.shape))
        error = 4 / math.sqrt(2 * weight.numel())
        assert float(weight.std()) == pytest.approx(expected, rel=error)


@pytest.mark.parametrize("code", ["vector", "map"])
@pytest.mark.parametrize("kind", CONVOLUTIONAL)
def test_cells_of_all_dimensions_share_their_first_draws(kind, code):
    small, large = (read_cell(pair(kind, (1, 8, 8), dim, code), 0) for dim in (4, 8))
    assert small.keys() == large.keys()
    for name, tensor in small.items():
        corner = large[name][tuple(slice(size) for size in tensor.shape)]
        if name.endswith(("_u", "_v")) and name.startswith("head"):
            continue  # They are a result of the weights.
        if name.startswith(("head", "decoder.start")) and tensor.ndim > 1:
            ratio = tensor / corner
            torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-4, atol=0)
        else:
            assert torch.equal(tensor, corner), name


@pytest.mark.parametrize(("kind", "shape"), [("dcgan", GREY), ("flexae", COLOUR)])
def test_a_map_is_made_and_read_by_1x1_convolutions(kind, shape):
    net = Net(kind, code="map")
    height, width = nets.published.form(net, shape).start(shape)
    dim = 3 * height * width
    model = Pair(net, shape, dim).eval()
    x = images(2, shape)
    with torch.no_grad():
        features = model.trunk.layers(x.reshape(2, *shape))
        assert features.shape[2:] == (height, width)
        codes = model.head(model.trunk(x))
        weight = model.head.weight[0, :, :3].T[:, :, None, None]
        expected = F.conv2d(features, weight).flatten(1)
        torch.testing.assert_close(codes[0, :, :dim], expected)
        assert codes.shape == (1, 2, -(-dim // 32) * 32)
        assert not codes[..., dim:].any()
        start = model.decoder.start
        weight = start.weight[0, :3].T[:, :, None, None]
        bias = None if start.bias is None else start.bias[0]
        z = codes[0, :, :dim].reshape(2, 3, height, width)
        torch.testing.assert_close(start(codes)[0], F.conv2d(z, weight, bias))


@pytest.mark.parametrize(
    ("shape", "starts"),
    [(GREY, [7, 7, 7, 7]), (COLOUR, [8, 8, 4, 8]), (FACE, [16, 16, 8, 16])],
)
def test_a_map_is_where_the_decoders_upsampling_starts(shape, starts):
    found = [nets.published.form(Net(kind), shape).start(shape) for kind in CONVOLUTIONAL]
    assert found == [(start, start) for start in starts]


MAP = {"code": "map"}


@pytest.mark.parametrize(
    ("net", "shape", "dims", "expected"),
    [
        (Net("mlp", (8,)), (128,), [3], None),
        (Net("mlp", (8,)), GREY, [3], None),
        (Net("mlp", (8,), **MAP), GREY, [3], "no grid"),
        (Net("flexae"), (128,), [3], "images of 1 or 3 channels, not points of shape 128"),
        (Net("conv"), (2, 8, 8), [3], "images of 1 or 3 channels, not points of shape 2 × 8 × 8"),
        (Net("infogan"), (1, 28, 30), [3], "sides divisible by 4, not 28 × 30"),
        (Net("dcgan"), (1, 30, 30), [3], "sides divisible by 4, not 30 × 30"),
        (Net("dcgan"), GREY, [3, 7], None),
        (Net("dcgan", **MAP), GREY, [49, 98], None),
        (Net("dcgan", **MAP), GREY, [49, 50], "multiples of 49 .* 7 × 7 map: 49 or 98, not 50"),
        (Net("dcgan", **MAP), FACE, [64, 128], None),
        (Net("flexae", **MAP), COLOUR, [16], "multiples of 64 .* 8 × 8 map: 64, not 16"),
    ],
)
def test_what_a_net_lacks_is_told_and_refused_alike(net, shape, dims, expected):
    found = nets.lack(net, shape, dims)
    if expected is None:
        assert found is None
    else:
        assert re.search(expected, found)
        for make in (nets.encoder, nets.decoder):
            with pytest.raises(Mistake, match=expected):
                make(net, Stack(dims[-1:], seed=1), shape)


def test_convolutional_nets_are_of_a_lone_cell():
    for make in (nets.encoder, nets.decoder):
        with pytest.raises(ValueError, match="a stack of one cell"):
            make(Net("conv"), Stack([2, 3], seed=1), GREY)


def test_critics_are_those_of_the_papers():
    widths = {
        (net.kind, shape): nets.critic_widths(net, shape)
        for net in (Net("mlp", (50, 20)), *map(Net, CONVOLUTIONAL))
        for shape in (GREY, FACE)
    }
    assert widths == {
        ("mlp", GREY): (50, 20), ("mlp", FACE): (50, 20),
        ("conv", GREY): (128, 128), ("conv", FACE): (128, 128),
        ("infogan", GREY): (1024,) * 4, ("infogan", FACE): (1024,) * 4,
        ("dcgan", GREY): (512,) * 4, ("dcgan", FACE): (1024,) * 4,
        ("flexae", GREY): (1024,) * 4, ("flexae", FACE): (1024,) * 4,
    }  # fmt: skip


def test_mask_aaes_mnist_net_is_four_layers_of_1024():
    net, stack = Net("mlp", (1024,) * 4), Stack([48], seed=1)
    trunk, decoder = nets.encoder(net, stack, GREY), nets.decoder(net, stack, GREY)
    hidden = 3 * (1024 * 1024 + 1024)
    assert count(trunk) == 784 * 1024 + 1024 + hidden
    assert count(trunk.head(stack, "encoder.mean")) == 1024 * 48 + 48
    assert count(decoder) == 48 * 1024 + 1024 + hidden + 1024 * 784 + 784


def test_a_head_is_the_layer_that_it_was():
    """Cells' files keep the weights of a perceptron's codes, by name and by seed."""
    stack = Stack([3, 5], seed=1)
    head = nets.encoder(Net("mlp", (8,)), stack, (16,)).head(stack, "encoder.mean")
    assert torch.equal(head.weight, stack.weights("encoder.mean.weight", 8, LATENT))
    assert list(read_cell(head, 0)) == ["weight", "bias"]
