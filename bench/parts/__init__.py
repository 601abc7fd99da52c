"""What systems are composed of, one kind of part a file; the divergences also from here."""

from bench.parts.divergences import kl_normal, kl_standard_normal, mmd_imq

__all__ = ["kl_normal", "kl_standard_normal", "mmd_imq"]
