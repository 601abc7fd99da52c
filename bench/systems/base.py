"""What every system is: nets for a stack of cells, and the players that train them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench import nets
from bench.cells import Stack
from bench.mistake import Mistake
from bench.net import Net
from bench.noise import Noise
from bench.parts.posteriors import PointEncoder
from bench.parts.priors import MixturePrior
from bench.points import Points

__all__ = ["Autoencoder", "Player", "Space", "Step"]


class Space(NamedTuple):
    """What a system knows of the data: one datum's shape, whether its values lie in [0, 1], and
    whether its points have labels."""

    shape: tuple[int, ...]
    bounded: bool
    labelled: bool = False


def _unheard(quantity: str, values: Tensor, kept: bool = False) -> None:
    """A note that nobody takes."""


class Step(NamedTuple):
    """Where training is: this step's number, the number of all steps, this turn's noise, the rows
    of the batch in the train split, and who takes notes of a quantity's values [cells]: a copy,
    unless they are `kept`, as nobody writes to them any more."""

    index: int
    total: int
    noise: Noise
    rows: Tensor | None = None
    note: Callable[..., None] = _unheard

    @property
    def progress(self) -> float:
        """The share of training that is over, in [0, 1)."""
        return self.index / self.total


@dataclass(frozen=True)
class Player:
    """One party of a training algorithm: what it moves, by which loss, how, and how often a step.

    Attributes:
        name: unique in its system.
        modules: hold the parameters it moves.
        loss: (batch [batch, data], step) to a value per cell [cells]; the batch is only read, all
            randomness is in `step`, and what is kept from one step to the next in buffers, which
            are written in place.
        optimiser: (parameters, lr=…) to a torch optimiser.
        lr: learning rate at the start.
        turns: updates in one step, each on a batch and noise of its own; the first turns of all
            players share theirs, and so on.
        anneal: whether its learning rate falls with the others'.
        after: called after each update, with the batch and the step: to project parameters, or
            to keep what the system remembers of points.
        span: the shares of training between which it moves: a first or second stage, or a
            pretraining. Its learning rate falls over its own span.
    """

    name: str
    modules: tuple[nn.Module, ...]
    loss: Callable[[Tensor, Step], Tensor]
    optimiser: Callable[..., torch.optim.Optimizer]
    lr: float
    turns: int = 1
    anneal: bool = True
    after: Callable[[Tensor, Step], None] = field(default=lambda batch, step: None)
    span: tuple[float, float] = (0.0, 1.0)


class Autoencoder(nn.Module):
    """A system over a stack of cells; subclasses add their parts and name their players.

    Arguments:
        stack: the cells.
        space: the data's shape and bounds.
        net: the study's net.
        options: an instance of the system's `Options`.
    """

    @dataclass(frozen=True)
    class Options:
        """What a study may set. Numbers are ≥ 0; rates, turns and standard deviations are > 0."""

        def __post_init__(self):
            for name, value in vars(self).items():
                strict = name.endswith(("lr", "turns")) or name in ("gamma", "prior_scale")
                if not isinstance(value, str) and (value < 0 or (strict and value == 0)):
                    raise ValueError(f"{name} {'>' if strict else '>='} 0")

    @classmethod
    def needs(cls, options: Options, space: Space) -> str | None:
        """What these options ask of the data that `space` lacks, if anything."""
        return None

    @classmethod
    def stage_of(cls, options: Options) -> str | None:
        """The name of another system that these options make a stage of this one, if any."""
        return None

    prior_scale = 1.0
    """The prior's standard deviation."""

    def __init__(self, stack: Stack, space: Space, net: Net, options: Options):
        super().__init__()
        if lack := self.needs(options, space):
            raise Mistake(f"this system needs {lack}")
        self.options, self.space = options, space
        self.register_buffer("exists", stack.mask, persistent=False)
        self.register_buffer("dims", torch.tensor(stack.dims).float(), persistent=False)
        self.encoder = self.build_encoder(stack, nets.encoder(net, stack, space.shape))
        self.decoder = nets.decoder(net, stack, space.shape)

    def build_encoder(self, stack: Stack, trunk: nn.Module) -> nn.Module:
        """The encoder on top of its trunk: to points, unless a subclass says otherwise."""
        return PointEncoder(stack, trunk)

    def players(self) -> list[Player]:
        """Who moves in one step of training, in order."""
        raise NotImplementedError

    def fit(self, train: Points) -> None:
        """What is computed, or kept, of the train split before any step."""

    def begin_epoch(self, noise: Noise) -> None:
        """What is done before the first step of each epoch; `noise` is the epoch's."""

    def settle(self, train: Points) -> None:
        """What is computed after the last step, as `fit`: say, a density of the codes."""

    @contextmanager
    def still(self) -> Iterator[None]:
        """As in evaluation and without gradients: batch normalisation keeps its statistics."""
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.train(training)

    def encode(self, x: Tensor, noise: Noise | None = None) -> Tensor:
        """Codes [cells, batch, width] of x: with noise a draw from q(z | x), without its mean."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Data [cells, batch, data] of codes."""
        return self.output(self.decoder(z))

    def output(self, logits: Tensor) -> Tensor:
        """The decoder's logits in the data's range."""
        return torch.sigmoid(logits) if self.space.bounded else logits

    def prior(self, count: int, noise: Noise) -> Tensor:
        """Draws from the prior [cells, count, width]."""
        width = self.exists.shape[-1]
        return self.prior_scale * noise.normal("prior", count, width) * self.exists

    def mixture(self) -> MixturePrior | None:
        """The prior, where it is a mixture whose components are learned."""
        return None

    def parts(self) -> dict[str, Tensor]:
        """Which coordinates are which part of the code, where it has parts: 1 or 0 [cells, 1,
        width] by name, `c` for what a class shares and `z` for what is a datum's own."""
        return {}

    def mask(self) -> Tensor | None:
        """The learned mask's values [cells, width], where the system has one."""
        return None
