"""synthetic-16: as synthetic-8, from 16 latent dimensions."""

from bench.data import synthetic_8

__all__ = ["DataSet"]


class DataSet(synthetic_8.DataSet):
    name = "synthetic-16"
    true_dim = 16
