"""A WAE-MMD curve as one stack, beside the same cells trained one by one with pythae.

Prints a table of milliseconds per step and cell, and the ratio. Both train the same nets (two
hidden layers of 128 units) at 16 latent dimensions (2 to 32) on synthetic-8, batch 64, in turns.
Source: Chadebec, Vincent and Allassonnière, Pythae: Unifying Generative Autoencoders, 2022.
"""

import contextlib
import io
import logging
import statistics
import tempfile
import time

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import WAE_MMD, WAE_MMD_Config
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from tabulate import tabulate
from torch import nn

from bench import data, systems, training
from bench.cells import Stack
from bench.study import Net
from bench.systems.base import Space

DIMS, HIDDEN, BATCH, SIZE = range(2, 33, 2), (128, 128), 64, 128
ROUNDS, STEPS = 5, 200


def stack_ms(points: data.base.DataSet) -> float:
    """Milliseconds per step and cell of the whole curve as one stack."""
    cls = systems.load("wae-mmd")
    stack = Stack(tuple(DIMS), seed=0)
    model = cls(stack, Space((SIZE,), bounded=False), Net("mlp", HIDDEN), cls.Options())
    start = time.perf_counter()
    split = points.rows("train")
    training.train(model, split, training.Order(len(split), BATCH, 0), STEPS, 0)
    return 1e3 * (time.perf_counter() - start) / STEPS / len(DIMS)


class _Encoder(BaseEncoder):
    def __init__(self, dim: int):
        super().__init__()
        self.layers = nn.Sequential(_hidden(SIZE, *HIDDEN), nn.Linear(HIDDEN[-1], dim))

    def forward(self, x):
        return ModelOutput(embedding=self.layers(x))


class _Decoder(BaseDecoder):
    def __init__(self, dim: int):
        super().__init__()
        self.layers = nn.Sequential(_hidden(dim, *HIDDEN), nn.Linear(HIDDEN[-1], SIZE))

    def forward(self, z):
        return ModelOutput(reconstruction=self.layers(z))


def _hidden(*widths: int) -> nn.Sequential:
    pairs = zip(widths[:-1], widths[1:], strict=True)
    return nn.Sequential(*(nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairs))


def pythae_ms(points: data.base.DataSet, dim: int) -> float:
    """Milliseconds per step of one cell in pythae's own training loop."""
    config = WAE_MMD_Config(input_dim=(SIZE,), latent_dim=dim, kernel_choice="imq", reg_weight=10)
    model = WAE_MMD(config, encoder=_Encoder(dim), decoder=_Decoder(dim))
    with tempfile.TemporaryDirectory() as folder:
        budget = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=1,
            learning_rate=1e-3,
            per_device_train_batch_size=BATCH,
            no_cuda=True,
        )
        rows = points.batch("train", slice(STEPS * BATCH))
        dataset = BaseDataset(rows, torch.zeros(len(rows)))
        trainer = BaseTrainer(model=model, train_dataset=dataset, training_config=budget)
        trainer.prepare_training()
        start = time.perf_counter()
        trainer.train_step(epoch=1)
        return 1e3 * (time.perf_counter() - start) / STEPS


def main() -> None:
    """Time both in turns and print the table."""
    logging.disable(logging.INFO)
    points = data.load("synthetic-8")
    ours, theirs = [], []
    with contextlib.redirect_stderr(io.StringIO()):
        # The first steps of a process are slow: each warms up, not counted.
        stack_ms(points)
        pythae_ms(points, DIMS[0])
        for _ in range(ROUNDS):
            ours.append(stack_ms(points))
            theirs.append(statistics.mean(pythae_ms(points, dim) for dim in DIMS))
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    rows = [
        ("one stack of 16 cells (bench)", *_spread(ours)),
        ("16 cells one by one (pythae)", *_spread(theirs)),
        ("ratio, round by round", *_spread(ratios)),
    ]
    print(f"WAE-MMD, {SIZE}-{'-'.join(map(str, HIDDEN))} MLP, batch {BATCH}, {STEPS} steps,")
    print(f"latent dimensions 2 to 32; {torch.get_num_threads()} threads; ms per step and cell:")
    print(tabulate(rows, ["", "median", "least", "most"], floatfmt=".2f"))


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


if __name__ == "__main__":
    main()
