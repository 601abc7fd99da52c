"""What systems are composed of: divergences, likelihoods, posteriors, critics and masks."""

from bench.parts.divergences import kl_normal, kl_standard_normal, mmd_imq

__all__ = ["kl_normal", "kl_standard_normal", "mmd_imq"]
