"""Variational homoencoder: a code c for what a class shares, and z for what is a datum's own.

Objective, minimised, in nats, for x of a class of N_x data, D a subset of that class:
E[−log p(x | c, z)] + w_z · KL(q(z | c, x) ‖ p(z | c)) + w_c · KL(q(c | D) ‖ N(0, I)) / N_x,
c ~ q(c | D), z ~ q(z | c, x), and w_c = w_z = 1 but for `balance`. q(c | D) has the means over D of
single data's means and log standard deviations; p(z | c) is a Gaussian, its mean and log-variance
linear in c. Of m dimensions c has the first `class_share` · m; where it has none, this is `vae`.

`classes` are labels, or pseudo-labels: K-means of the codes (c, z) of all data before each epoch,
where codes start from N(0, I) and become E[c | {x}], E[z | c, x] after each update by a batch that
has x. Generation: c ~ N(0, I), z ~ p(z | c). A datum alone is a class of its own: D = {x}, N_x = 1.

Sources: Hewitt, Nye, Gane, Jaakkola and Tenenbaum, The Variational Homoencoder: Learning to Learn
High Capacity Generative Models from Few Examples, 2018, eq. 5; a blog post for the variant without
labels, whose ideas for a balance of c and z are options here (`parts.balance`).

Defaults: Adam 1e-3 and the likelihood as in `vae`. Ours, since the post does not say: c has half of
the dimensions, ten `clusters` (MNIST's classes), |D| = 2 (`subset`; elsewhere 2 to 5), D drawn with
replacement (x itself may be in it), and that p(z | c) is linear.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from bench import nets
from bench.cells import LATENT
from bench.parts import kl_normal, kl_standard_normal
from bench.parts.balance import class_weight
from bench.parts.classes import Classes, PseudoClasses
from bench.parts.posteriors import GaussianEncoder, sample
from bench.parts.priors import log_normal
from bench.systems import vae
from bench.systems.base import Step

__all__ = ["System"]

_BY_CLASS = ("posterior_mean", "posterior_log", "prior_mean", "prior_log")
_TOLD = ("reconstruction", "kl.c", "kl.z", "gradient.c", "gradient.z")


class System(vae.System):
    """VHE."""

    @dataclass(frozen=True)
    class Options(vae.System.Options):
        classes: Literal["k-means", "labels"] = "k-means"
        class_share: float = 0.5
        clusters: int = 10
        subset: int = 2
        balance: Literal["none", "annealed", "gradient", "information"] = "none"

        def __post_init__(self):
            super().__post_init__()
            if self.class_share > 1 or self.clusters < 1 or self.subset < 1:
                raise ValueError("class_share <= 1, clusters >= 1, subset >= 1")

    @classmethod
    def needs(cls, options, space):
        if options.classes == "labels" and not space.labelled:
            return "labelled data for classes by labels"
        return super().needs(options, space)

    def __init__(self, stack, space, net, options):
        super().__init__(stack, space, net, options)
        trunk = nets.encoder(net, stack, space.shape, "class encoder")
        self.class_encoder = GaussianEncoder(stack, trunk, "class encoder")
        linear = {it: nets.Linear(stack, it, LATENT, LATENT, bias=False) for it in _BY_CLASS}
        self.by_class = nn.ModuleDict(linear)
        own = [torch.arange(dim) < int(dim * options.class_share) for dim in stack.dims]
        own = stack.buffer([part[None].float() for part in own], 1, LATENT)[:, :1]
        self.register_buffer("of_class", own, persistent=False)
        self.register_buffer("of_datum", self.exists - own, persistent=False)
        self.noise = stack.noise

    def fit(self, train):
        self.points = train
        if self.options.classes == "labels":
            self.classes = Classes(train.labels[None])
        else:
            codes = self.noise.normal("codes", len(train), self.exists.shape[-1]) * self.exists
            self.classes = PseudoClasses(codes, self.exists, self.options.clusters)

    def begin_epoch(self, noise):
        self.classes.renew(noise)

    def visit(self, x: Tensor, step: Step) -> None:
        """Remembers the codes of a batch, where classes are renewed by codes."""
        with self.still():
            self.classes.visit(step.rows, lambda: self.encode(x))

    def subset(self, step: Step) -> Tensor:
        """D for each row of the batch [cells or 1, batch, |D|, data]."""
        levels = step.noise.uniform("subset", len(step.rows) * self.options.subset)
        rows = self.classes.subsets(step.rows, levels.view(len(step.rows), -1))
        return self.points[rows.flatten()].unflatten(0, rows.shape)

    def posterior(self, x: Tensor, subset: Tensor, noise=None) -> tuple[Tensor, Tensor, Tensor]:
        """Means and log-variances of q(c | D) and q(z | c, x), each in its own coordinates, and a
        draw of (c, z), or for want of noise the means [cells, batch, width]."""
        each = (t.unflatten(1, (len(x), -1)) for t in self.class_encoder(subset.flatten(1, 2)))
        c_mean, c_log = (t.mean(2) * self.of_class for t in each)
        c = c_mean if noise is None else sample(c_mean, c_log, self.of_class, noise)
        mean, log = self.encoder(x)
        mean = (mean + self.by_class["posterior_mean"](c)) * self.of_datum
        log = (log + self.by_class["posterior_log"](c)) * self.of_datum
        z = mean if noise is None else sample(mean, log, self.of_datum, noise)
        return c_mean + mean, c_log + log, c + z

    def given(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of p(z | c), in the coordinates of z; zero in those of c."""
        each = (self.by_class[f"prior_{it}"](code * self.of_class) for it in ("mean", "log"))
        return tuple(moment * self.of_datum for moment in each)

    def encode(self, x, noise=None):
        return self.posterior(x, x[None, :, None], noise)[2]

    def parts(self):
        return {"c": self.of_class, "z": self.of_datum}

    def prior(self, count, noise):
        draw = super().prior(count, noise)
        mean, log_variance = self.given(draw)
        return mean + torch.exp(0.5 * log_variance) * draw

    def log_prior(self, z):
        return log_normal(z, *self.given(z), self.exists)

    def draws(self, x, noises):
        return ((*self.posterior(x, x[None, :, None], noise), noise) for noise in noises)

    def loss(self, x, step):
        mean, log_variance, code = self.posterior(x, self.subset(step), step.noise)
        error = self.negative_log_likelihood(x, self.decoder(code))
        (slope,) = torch.autograd.grad(error.sum(), code, retain_graph=True)
        parts = self.of_class, self.of_datum
        norms = [(slope * part).square().sum(-1).sum(-1).sqrt() for part in parts]
        (c_mean, z_mean), (c_log, z_log) = ([t * it for it in parts] for t in (mean, log_variance))
        kl_c = (kl_standard_normal(c_mean, c_log) / self.classes.sizes(step.rows)).mean(-1)
        kl_z = kl_normal(z_mean, z_log, *self.given(code)).mean(-1)
        for name, value in zip(_TOLD, (error, kl_c, kl_z, *norms), strict=True):
            step.note(name, value)
        drawn = code, mean, log_variance
        w_c = class_weight(self.options.balance, step.progress, norms, drawn, parts)
        return error + w_c * kl_c + (2 - w_c) * kl_z

    def players(self):
        return [replace(player, after=self.visit) for player in super().players()]
