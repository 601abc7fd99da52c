"""raw: the data's own coordinates."""

import numpy as np
import torch

__all__ = ["Raw"]


class Raw:
    name = identity = "raw"
    width = None

    def __call__(self, x: torch.Tensor) -> np.ndarray:
        """[N, D] → the same, as an array."""
        return x.detach().cpu().numpy()
