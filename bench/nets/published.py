"""The convolutional nets of the papers, as data: their forms, and what data they fit.

Departures that all have in common: no biases before batch normalisation, which takes them out
again; weights from normal distributions that are not truncated; decoders end in logits of data in
[0, 1] where the authors' may end in tanh for [−1, 1].
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.net import Net

__all__ = ["Form", "Layer", "critic_widths", "form", "lack"]


@dataclass(frozen=True)
class Layer:
    """Channels or units, and whether batch normalisation comes before the activation."""

    width: int
    norm: bool = True


@dataclass(frozen=True)
class Form:
    """A convolutional encoder and decoder; all padding is TensorFlow's SAME.

    Attributes:
        down: the encoder's convolutions, each halving the sides (rounded up).
        grid: what the decoder starts its convolutions from.
        up: the decoder's transposed convolutions but the last, each doubling the sides.
        last: kernel and stride of the last transposed convolution, to the image's channels. (Of
            stride 1 it is a convolution with its kernel turned round.)
        critic: the widths of a critic's hidden layers.
        dense: dense layers between `down` and the code; reversed, between the code and `grid`.
        kernel: of all but the last convolution.
        slope: of the encoder's leaky ReLU; the decoder has ReLU.
        spectral: whether the encoder's weights have spectral norm 1 (Miyato et al. 2018).
        deviation: of the first weights; None is Glorot's, √(2 / (fan in + fan out)).
        epsilon, momentum: batch normalisation's, the weight of a new batch in running statistics.
    """

    down: tuple[Layer, ...]
    grid: Layer
    up: tuple[Layer, ...]
    last: tuple[int, int]
    critic: tuple[int, ...]
    dense: tuple[Layer, ...] = ()
    kernel: int = 4
    slope: float = 0.0
    spectral: bool = False
    deviation: float | None = None
    epsilon: float = 1e-5
    momentum: float = 0.1

    @property
    def doublings(self) -> int:
        """How often the decoder doubles the sides."""
        return len(self.up) + (self.last[1] == 2)

    def start(self, shape: Sequence[int]) -> tuple[int, int]:
        """Height and width of the decoder's first grid, for images of `shape`."""
        return shape[1] >> self.doublings, shape[2] >> self.doublings


CONV = Form(
    down=(Layer(32, norm=False), Layer(64, norm=False)),
    grid=Layer(64, norm=False),
    up=(Layer(32, norm=False),),
    last=(4, 2),
    critic=(128, 128),
)
"""A small net for tests and first studies, of no paper."""

INFOGAN = Form(
    down=(Layer(64, norm=False), Layer(128)),
    dense=(Layer(1024),),
    grid=Layer(128),
    up=(Layer(64),),
    last=(4, 2),
    critic=(1024,) * 4,
    slope=0.2,
    spectral=True,
    deviation=0.02,
    momentum=0.001,
)
"""Two-Stage VAE's net.

Source: Dai and Wipf, Diagnosing and Enhancing VAE Models, 2019, and its public code; the net is
that of Chen et al., InfoGAN, 2016, in the form of Lucic et al., Are GANs Created Equal?, 2018.

Departures: a Gaussian encoder's means and log-variances are two layers, each of spectral norm 1
(theirs: one layer, and the softplus of its second half as standard deviation). They have no critic;
ours is that of `FLEXAE`, whose encoder and decoder are of the same size.
"""

DCGAN_MNIST = Form(
    down=(Layer(128), Layer(256), Layer(512), Layer(1024)),
    grid=Layer(1024, norm=False),
    up=(Layer(512), Layer(256)),
    last=(4, 1),
    critic=(512,) * 4,
    deviation=0.01,
)
"""Wasserstein Auto-Encoders' net for MNIST.

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders, 2018, appendix, and
its public code; after Radford et al., DCGAN, 2016.

Departure: no noise is added to the encoder's input.
"""

DCGAN = dataclasses.replace(
    DCGAN_MNIST,
    up=(Layer(512), Layer(256), Layer(128)),
    last=(5, 1),
    critic=(1024,) * 4,
    kernel=5,
)
"""Wasserstein Auto-Encoders' net for CelebA (64 × 64); source and departure as for MNIST.

The authors have none for 32 × 32: there it is the same net, with a grid of 4 × 4 for 8 × 8.
"""

FLEXAE = Form(
    down=(Layer(64, norm=False), Layer(128)),
    dense=(Layer(1024),),
    grid=Layer(128),
    up=(Layer(128), Layer(64)),
    last=(3, 1),
    critic=(1024,) * 4,
    epsilon=1e-3,
    momentum=0.01,
)
"""FlexAE's net: the closest public one to MaskAAE's for colour images, by its first author.

Source: Mondal, Asnani, Singla and Prathosh, FlexAE: Flexibly learning latent priors for Wasserstein
auto-encoders, 2021, and its public code.

Departure: its encoder starts from Glorot's uniform, not normal, distribution.
"""

_FORMS = {"conv": CONV, "infogan": INFOGAN, "dcgan": DCGAN, "flexae": FLEXAE}


def form(net: Net, shape: Sequence[int]) -> Form:
    """The form of a convolutional net for images of a shape.

    `dcgan` is CelebA's where the sides can be halved three times, else MNIST's.

    Raises:
        KeyError: no convolutional net has that name.
    """
    if net.kind == "dcgan" and any(side % 8 for side in shape[1:]):
        return DCGAN_MNIST
    return _FORMS[net.kind]


def critic_widths(net: Net, shape: Sequence[int]) -> tuple[int, ...]:
    """The widths of the hidden layers of a critic on codes: the mlp's own, or the paper's."""
    return net.hidden if net.kind == "mlp" else form(net, shape).critic


def lack(net: Net, shape: Sequence[int], dims: Sequence[int]) -> str | None:
    """What a net needs that data of a shape or some latent dimensions lack; None if it fits.

    Arguments:
        net: the study's net.
        shape: of one point.
        dims: latent dimensions; of a map, each is channels × height × width.
    """
    if net.kind == "mlp":
        return None if net.code == "vector" else "a vector for a code: its features have no grid"
    if min(dims) < 1:
        return f"latent dimensions greater than 0, not {min(dims)}"
    if len(shape) != 3 or shape[0] not in (1, 3):
        return f"images of 1 or 3 channels, not points of shape {' × '.join(map(str, shape))}"
    chosen = form(net, shape)
    factor = 2**chosen.doublings
    if any(side % factor for side in shape[1:]):
        return f"images with sides divisible by {factor}, not {shape[1]} × {shape[2]}"
    area = math.prod(chosen.start(shape))
    odd = [dim for dim in dims if dim % area]
    if net.code == "map" and odd:
        grid = " × ".join(map(str, chosen.start(shape)))
        near = " or ".join(str(m) for m in (odd[0] // area * area, -(-odd[0] // area) * area) if m)
        return f"multiples of {area} as latent dimensions of its {grid} map: {near}, not {odd[0]}"
    return None
