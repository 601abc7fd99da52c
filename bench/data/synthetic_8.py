"""synthetic-8: points on a curved surface of 8 dimensions in 128: x = f(z), z ~ N(0, I).

After Mondal, Chowdhury, Jayendran, Singla, Asnani and Prathosh, "MaskAAE: Latent space optimization
for adversarial auto-encoders" (UAI 2020), where f is a fixed random two-layer leaky-ReLU net of
128 units a layer with 128 outputs. The paper is silent on the rest, which here is:

- f(z) = W3 a(W2 a(W1 z)), a(t) = max(t, 0.2 t), no biases;
- weights of W1 and W2 from N(0, 2 / (1.04 fan-in)) (He et al. 2015, for that slope), of W3 from
  N(0, 1 / fan-in);
- 50,000 points to train on, 10,000 to choose hyper-parameters by, 10,000 to test on;
- each coordinate standardised with the mean and standard deviation of the train split;
- z, the weights and each layer's result are rounded to multiples of 2**-16. Products and sums of
  such numbers are exact in float64, in whatever order a machine adds them up, so that everyone has
  the same bytes.
"""

import math

import torch

from bench import seeds
from bench.data import base

__all__ = ["DataSet"]

SIZES = {"train": 50_000, "validation": 10_000, "test": 10_000}
UNITS = 128
SLOPE = 0.2


class DataSet(base.DataSet):
    name = "synthetic-8"
    true_dim = 8
    shape = (128,)
    sizes = SIZES

    def make(self, root=None):
        """The three splits; `root` is not used: nothing is read from a disk."""
        weights = self._weights()
        points = {split: _net(weights, self._latents(split)) for split in SIZES}
        mean = points["train"].mean(dim=0)
        # Squares are not exact: float32 hides the last bits, which depend on the order of the sum.
        scale = points["train"].std(dim=0, correction=0).float().double()
        return {split: (((x - mean) / scale).float(), None) for split, x in points.items()}

    def _weights(self) -> list[torch.Tensor]:
        generator = self._generator("weights")
        leaky = 2 / (1 + SLOPE**2)
        layers = [
            (self.true_dim, UNITS, leaky),
            (UNITS, UNITS, leaky),
            (UNITS, self.shape[0], 1),
        ]
        return [
            _rounded(_normal(generator, fan_in, fan_out) * math.sqrt(gain / fan_in))
            for fan_in, fan_out, gain in layers
        ]

    def _latents(self, split: str) -> torch.Tensor:
        return _rounded(_normal(self._generator(split), SIZES[split], self.true_dim))

    def _generator(self, part: str) -> torch.Generator:
        return torch.Generator().manual_seed(seeds.derive(0, dataset=self.name, part=part))


def _normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _rounded(x: torch.Tensor) -> torch.Tensor:
    return torch.round(x * 2**16) / 2**16


def _net(weights: list[torch.Tensor], z: torch.Tensor) -> torch.Tensor:
    """[N, n] → [N, 128]; weights are [fan-in, fan-out]."""
    *hidden, last = weights
    for weight in hidden:
        z = _rounded(torch.nn.functional.leaky_relu(z @ weight, SLOPE))
    return _rounded(z @ last)
