"""InfoVAE: a VAE with less of its KL and an MMD between all codes and the prior.

Objective, minimised: E_q(z|x)[−log p(x | z)] + (1 − α) · KL(q(z | x) ‖ N(0, I))
+ (α + λ − 1) · MMD²(q(z), N(0, I)), in nats but for the MMD; α = 0, λ = 1 is `vae`, α = 1 the
MMD-VAE.

Source: Zhao, Song and Ermon, InfoVAE: Balancing Learning and Inference in Variational Autoencoders,
2019, eq. 6 with an MMD for its divergence.

Defaults: α = 0 (`alpha`) is the authors', λ = 10 (`mmd`) that of `wae-mmd`; Adam 1e-3 as in `vae`.

Departures: the MMD is that of `wae-mmd` (seven IMQ kernels, U-statistics within) and not the
authors' single Gaussian kernel, so that systems with an MMD share it; the authors' λ = 1000 (from
memory, not checked against the paper) belongs to theirs and would drown the likelihood here.
`log_weights` are those of the ELBO.
"""

from dataclasses import dataclass

from bench.parts import mmd_imq
from bench.systems import vae

__all__ = ["System"]


class System(vae.System):
    """InfoVAE."""

    @dataclass(frozen=True)
    class Options(vae.System.Options):
        alpha: float = 0.0
        mmd: float = 10.0

        def __post_init__(self):
            super().__post_init__()
            if not self.alpha <= 1 <= self.alpha + self.mmd:
                raise ValueError("alpha <= 1 <= alpha + mmd")

    latent_term = "weighted latent term"

    def latent(self, mean, log_variance, z, noise):
        alpha, weight = self.options.alpha, self.options.alpha + self.options.mmd - 1
        divergence = mmd_imq(z, self.prior(z.shape[-2], noise), dims=self.dims)
        kl = super().latent(mean, log_variance, z, noise)
        return (1 - alpha) * kl + weight * divergence[:, None]
