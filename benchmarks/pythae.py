"""A curve as one stack, beside the same cells trained one by one in pythae's own loop.

Both train the same nets (two hidden layers of 128 units) with Adam on the same data and batch, in
turns. Only systems whose nets and losses are of the same parts on both sides are here.

Source: Chadebec, Vincent and Allassonnière, Pythae: Unifying Generative Autoencoders, 2022.
"""

import contextlib
import importlib
import io
import logging
import statistics
import tempfile
from dataclasses import dataclass, field

import torch
from torch import nn

from bench.mistake import Mistake
from benchmarks.divided import Divided
from benchmarks.markdown import table
from benchmarks.stacks import BATCH, CURVE, HIDDEN, points
from benchmarks.timing import Settings, in_turns, seconds, spread

__all__ = ["section"]

_STEPS = 60


@dataclass(frozen=True)
class _Pair:
    """A system of ours with options, and pythae's class with its configuration and trainer."""

    system: str
    theirs: str
    options: dict = field(default_factory=dict)
    config: dict = field(default_factory=dict)
    trainer: str = "Base"


_GAUSSIAN = {"likelihood": "gaussian"}
_PAIRS = (
    _Pair("ae", "AE"),
    _Pair("rae", "RAE_L2", trainer="CoupledOptimizer"),
    _Pair("vae", "VAE", _GAUSSIAN),
    _Pair("beta-vae", "BetaVAE", config={"beta": 4.0}),
    _Pair("info-vae", "INFOVAE_MMD", _GAUSSIAN),
    _Pair("vamp-vae", "VAMP", _GAUSSIAN | {"components": 50}, {"number_components": 50}),
    _Pair("wae-mmd", "WAE_MMD"),
    _Pair("wae-gan", "Adversarial_AE", {"encoder": "gaussian"}, trainer="Adversarial"),
)


def section(settings: Settings) -> str:
    """The table of milliseconds per step and cell, and of their ratio round by round.

    Raises:
        Mistake: pythae is not installed.
    """
    try:
        importlib.import_module("pythae.trainers")
    except ModuleNotFoundError:
        raise Mistake("pythae is missing: make benchmark installs it") from None
    # Each of its modules tells of every trainer and sets a level of its own.
    logging.disable(logging.INFO)
    try:
        return _section(settings)
    finally:
        logging.disable(logging.NOTSET)


def _section(settings: Settings) -> str:
    pairs = _PAIRS[-2:] if settings.small else _PAIRS
    dims, steps = (CURVE[:2], 2) if settings.small else (CURVE, _STEPS)
    cases = {}
    for pair in pairs:
        ours = Divided(pair.system, dims, options=pair.options)
        cases[pair.system, "ours"] = ours.timer(settings.seconds)
        _loop(pair, dims[0], steps)
        cases[pair.system, "theirs"] = lambda pair=pair: statistics.mean(
            _loop(pair, dim, steps) for dim in dims
        )
    found = in_turns("pythae", cases, settings.rounds)
    rows = []
    for pair in pairs:
        ours = [1e3 * it / len(dims) for it in found[pair.system, "ours"]]
        theirs = [1e3 * it for it in found[pair.system, "theirs"]]
        ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
        rows.append((pair.system, pair.theirs, spread(ours), spread(theirs), spread(ratios, ".1f")))
    note = (
        f"{len(dims)} cells of dimensions {dims[0]} to {dims[-1]} of synthetic-8, nets "
        f"{HIDDEN}-{HIDDEN}, batch {BATCH}: one stack of ours, and one by one in pythae 0.1.2. "
        f"Milliseconds per step and cell; medians (least–most) over {settings.rounds} rounds, the "
        "ratio's of each round's own."
    )
    columns = ("system", "pythae's", "ours", "pythae", "pythae / ours")
    return table("Beside pythae", note, columns, rows)


def _loop(pair: _Pair, dim: int, steps: int) -> float:
    """Seconds per step of one cell in pythae's own training loop."""
    from pythae import models, trainers
    from pythae.data.datasets import BaseDataset

    config = getattr(models, _config(pair.theirs))
    size = points().shape[0]
    model = getattr(models, pair.theirs)(
        config(input_dim=(size,), latent_dim=dim, **pair.config), **_nets(pair, size, dim)
    )
    rows = points().batch("train", slice(steps * BATCH))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        budget = getattr(trainers, f"{pair.trainer}TrainerConfig")(
            output_dir=folder, num_epochs=1, per_device_train_batch_size=BATCH, no_cuda=True
        )
        trainer = getattr(trainers, f"{pair.trainer}Trainer")(
            model=model,
            train_dataset=BaseDataset(rows, torch.zeros(len(rows))),
            training_config=budget,
        )
        trainer.prepare_training()
        return seconds(lambda: trainer.train_step(epoch=1)) / steps


def _config(name: str) -> str:
    return f"{name}_Config" if "_" in name else f"{name}Config"


def _nets(pair: _Pair, size: int, dim: int) -> dict:
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.layers, self.mean = _hidden(size), nn.Linear(HIDDEN, dim)
            self.log_covariance = nn.Linear(HIDDEN, dim) if _draws(pair) else None

        def forward(self, x):
            hidden = self.layers(x)
            if self.log_covariance is None:
                return ModelOutput(embedding=self.mean(hidden))
            return ModelOutput(
                embedding=self.mean(hidden), log_covariance=self.log_covariance(hidden)
            )

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(_hidden(dim), nn.Linear(HIDDEN, size))

        def forward(self, z):
            return ModelOutput(reconstruction=self.layers(z))

    class Discriminator(BaseDiscriminator):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(_hidden(dim), nn.Linear(HIDDEN, 1), nn.Sigmoid())

        def forward(self, z):
            return ModelOutput(embedding=self.layers(z))

    own = {"encoder": Encoder(), "decoder": Decoder()}
    return own | ({"discriminator": Discriminator()} if pair.trainer == "Adversarial" else {})


def _draws(pair: _Pair) -> bool:
    """Whether its encoder gives a Gaussian."""
    return pair.system not in ("ae", "rae", "wae-mmd")


def _hidden(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU())
