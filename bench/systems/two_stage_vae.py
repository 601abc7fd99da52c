"""Two-stage VAE: a second VAE learns the distribution of a first one's codes.

Objectives, minimised: in the first half of training the first stage's own; then, on draws z of its
q(z | x) and with its parameters at rest, in nats,
E_q(u|z)[−log N(z; D₂(u), γ_z² I)] + KL(q(u | z) ‖ N(0, I)).
Generation: u ~ N(0, I), z = D₂(u) + γ_z ε with ε ~ N(0, I), then the first stage's decoder.

Source: Dai and Wipf, Diagnosing and Enhancing VAE Models, 2019, section 4, and its public code.

Defaults: three hidden ReLU layers in the second stage's encoder and decoder, whose last one is
joined by the input, and a learned γ_z that starts at 1, are the authors'. The first `stage` is our
`vae` with a learned γ, theirs. The `width` of 256 is ours, for nets of a few hundred units (theirs:
1024). Adam with `lr` = 1e-3 as in `vae` (theirs: 1e-4).

Departures: half of the steps for each stage (theirs: 400 and 800 epochs, or 1000 and 2000), rates
that fall to zero over the second half of each stage (theirs are halved every 150 and 300 epochs).
Joined layers start as two layers, each Glorot's for its own widths. Any system may be the first
stage: one that encodes to points gives those in place of draws.
"""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.cells import LATENT, Stack
from bench.nets import MLP, Linear
from bench.parts import kl_standard_normal
from bench.parts.likelihoods import squared_error
from bench.parts.posteriors import sample
from bench.systems import load, names
from bench.systems.base import Autoencoder, Player, Step

__all__ = ["System"]

_FIRST = 0.5
"""The share of training that is the first stage's."""


class System(Autoencoder):
    """2-Stage VAE; its own encoder and decoder are the second stage's, from codes to codes."""

    @dataclass(frozen=True)
    class Options(Autoencoder.Options):
        stage: str = "vae"
        width: int = 256
        lr: float = 1e-3

        def __post_init__(self):
            super().__post_init__()
            others = [name for name in names() if name != "two-stage-vae"]
            if self.stage not in others:
                raise ValueError(f"stage is one of {', '.join(others)}")
            if self.width < 1:
                raise ValueError("width >= 1")

    @classmethod
    def needs(cls, options, space):
        kind = load(options.stage)
        return kind.needs(kind.Options(), space)

    @classmethod
    def stage_of(cls, options):
        return options.stage

    def __init__(self, stack, space, net, options):
        nn.Module.__init__(self)
        self.options, self.space = options, space
        self.register_buffer("exists", stack.mask, persistent=False)
        self.register_buffer("dims", torch.tensor(stack.dims).float(), persistent=False)
        kind = load(options.stage)
        self.stage = kind(stack, space, net, kind.Options())
        self.encoder = _Joined(stack, "second.encoder", options.width, heads=2)
        self.decoder = _Joined(stack, "second.decoder", options.width, heads=1)
        self.decoder.log_gamma = stack.zeros(1)

    def fit(self, train):
        self.stage.fit(train)

    def begin_epoch(self, noise):
        self.stage.begin_epoch(noise)

    def settle(self, train):
        self.stage.settle(train)

    def encode(self, x, noise=None):
        return self.stage.encode(x, noise)

    def decode(self, z):
        return self.stage.decode(z)

    def mask(self):
        return self.stage.mask()

    def prior(self, count, noise):
        (z,) = self.decoder(super().prior(count, noise))
        deviation = self.decoder.log_gamma[:, :1, None].exp()
        z = z + deviation * noise.normal("decoder", count, z.shape[-1]) * self.exists
        # What the first stage's mask has closed is zero in its codes.
        mask = self.mask()
        return z if mask is None else z * (mask > 0)[:, None]

    def loss(self, x: Tensor, step: Step) -> Tensor:
        """The second stage's."""
        with self.stage.still():
            z = self.stage.encode(x, step.noise)
        mean, log_variance = self.encoder(z)
        u = sample(mean, log_variance, self.exists, step.noise, "second posterior")
        (z_hat,) = self.decoder(u)
        # `likelihoods.gaussian` would count the padding as coordinates.
        log_gamma = self.decoder.log_gamma[:, 0]
        error = 0.5 * squared_error(z, z_hat) * torch.exp(-2 * log_gamma)
        error = error + self.dims * (log_gamma + 0.5 * math.log(2 * math.pi))
        return error + kl_standard_normal(mean, log_variance).mean(-1)

    def players(self):
        own, adam, lr = (self.encoder, self.decoder), torch.optim.Adam, self.options.lr
        last = Player("second stage", own, self.loss, adam, lr, span=(_FIRST, 1.0))
        return [*map(_first, self.stage.players()), last]


def _first(player: Player) -> Player:
    """A player of the first stage, for whom training is the first stage only."""

    def loss(x: Tensor, step: Step) -> Tensor:
        return player.loss(x, step._replace(total=max(1, round(step.total * _FIRST))))

    start, end = player.span
    return dataclasses.replace(player, loss=loss, span=(start * _FIRST, end * _FIRST))


class _Joined(MLP):
    """Codes to `heads` times codes: three hidden layers, whose last is joined by the input."""

    def __init__(self, stack: Stack, name: str, width: int, heads: int):
        super().__init__(stack, name, [LATENT, *[width] * 3], final=True)
        self.heads = nn.ModuleList(
            nn.ModuleList(
                Linear(stack, f"{name}.{head}.{fan_in}", fan_in, LATENT, bias=fan_in != LATENT)
                for fan_in in (width, LATENT)
            )
            for head in range(heads)
        )

    def forward(self, z: Tensor) -> list[Tensor]:
        hidden = super().forward(z)
        return [ours(hidden) + its(z) for ours, its in self.heads]
