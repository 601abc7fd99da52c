"""β-VAE: a VAE whose latent term has a weight.

Objective, minimised: E_q(z|x)[−log p(x | z)] + β · KL(q(z | x) ‖ N(0, I)), in nats; β = 1 is `vae`.

Source: Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational
Framework, 2017, eq. 4.

Defaults: β = 4 (`beta`) is the value that the authors show for 2D shapes and 3D chairs (from
memory, not checked against the paper). γ = .1 (`gamma`) is ours and was not searched: with it the
KL weighs β γ² = .04 against ½ ‖x − x̂‖². Adam 1e-3 as in `vae`.

Departures: a Gaussian `likelihood` of fixed γ serves bounded and unbounded data (the authors have
Bernoulli for binary images). γ is not learned, since it would take back a part of β: with γ fixed
only β γ² matters. `log_weights` are those of the ELBO, without β.
"""

from dataclasses import dataclass
from typing import Literal

from bench.systems import vae

__all__ = ["System"]


class System(vae.System):
    """β-VAE."""

    @dataclass(frozen=True)
    class Options(vae.System.Options):
        likelihood: Literal["bernoulli", "gaussian", "learned-gaussian"] = "gaussian"
        gamma: float = 0.1
        beta: float = 4.0

    latent_term = "weighted latent term"

    def latent(self, mean, log_variance, z, noise):
        return self.options.beta * super().latent(mean, log_variance, z, noise)
