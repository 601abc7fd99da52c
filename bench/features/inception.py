"""inception: 2048 features of images, from the network most published distances are measured on.

The network and its weights are those of pytorch-fid (Seitzer 2020), ported from the one that Heusel
et al. (2017) used: Inception v3 up to its last average pooling. An image is

1. quantised as it would be on disk, round(255 x) / 255 with x clipped to [0, 1], so that features
   are those of the same images saved as PNG;
2. made RGB, a grey one by repeating its channel;
3. resized to 299 × 299, `bilinear`: as pytorch-fid does, without antialiasing
   (`torch.nn.functional.interpolate`, `align_corners=False`), or `bicubic`: with antialiasing, as
   Parmar, Zhang and Zhu, "On aliased resizing and surprising subtleties in GAN evaluation" (2022)
   advise, in floating point and without clipping;
4. scaled to [-1, 1].

Distances with different resizers do not compare. The process takes 1.3 GB beside images and
features: give many images block by block.
"""

import io
import math
import pickle
import unittest.mock
from pathlib import Path

import numpy as np
import pytorch_fid.inception
import torch
from torch.nn import functional as F

from bench import device, downloads, features
from bench.features.batches import in_batches
from bench.mistake import Mistake

__all__ = ["SHA256", "URL", "Inception", "fetch", "prepare"]

URL = pytorch_fid.inception.FID_WEIGHTS_URL
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIDE = 299


class Inception:
    """Features of images.

    Arguments:
        shape: of one image: (1 or 3, height, width).
        resizer: `bilinear` or `bicubic`.
        path: the weights, 96 MB; downloaded if they are missing.
        batch: how many images are worked on at a time. It changes a feature by at most 1e-5 of the
            largest.

    Raises:
        Mistake: the weights are missing and cannot be downloaded, are not the published ones, or
            not of this network.
    """

    name = "inception"
    width = 2048

    def __init__(self, shape: tuple[int, int, int], resizer: str, path: str | Path, batch=16):
        self.shape, self.resizer, self.batch = shape, resizer, batch
        self.identity = f"{self.name} {resizer} {SHA256}"
        self._net = _net(Path(path)).to(device.current())

    def __call__(self, x: torch.Tensor) -> np.ndarray:
        """Images [N, prod(shape)] with values in [0, 1] → [N, 2048].

        Raises:
            Mistake: images of another shape.
        """
        if x.ndim != 2 or x.shape[1] != math.prod(self.shape):
            expected = f"[N, {math.prod(self.shape)}] ({' x '.join(map(str, self.shape))})"
            raise Mistake(f"inception features: images {list(x.shape)}, not {expected}")
        return in_batches(self._features, x, self.width, self.batch)

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        return self._net(prepare(x.unflatten(1, self.shape), self.resizer))[0].flatten(1)


def prepare(x: torch.Tensor, resizer: str) -> torch.Tensor:
    """Images [N, 1 or 3, H, W] as the network sees them: [N, 3, 299, 299], nearly in [-1, 1]."""
    x = (255 * x.clamp(0, 1)).round() / 255
    options = {"bilinear": {"mode": "bilinear"}, "bicubic": {"mode": "bicubic", "antialias": True}}
    # Channels are resized one by one, so a grey one is repeated afterwards.
    x = F.interpolate(x, size=(SIDE, SIDE), align_corners=False, **options[resizer])
    return 2 * x.expand(-1, 3, -1, -1) - 1


def fetch(root: str | Path | None = None) -> Path:
    """The path of the weights below a data root, checked, and downloaded if they are missing.

    Raises:
        Mistake: they cannot be downloaded, or are not the published ones.
    """
    (path,) = features.files("inception", root)
    return downloads.verified(path, SHA256, [URL])


def _net(path: Path) -> torch.nn.Module:
    content = io.BytesIO(downloads.read(path, SHA256, [URL]))
    try:
        weights = torch.load(content, weights_only=True)
        # Its constructor downloads them without a check, and draws random ones before that.
        name = "load_state_dict_from_url"
        with (
            unittest.mock.patch.object(pytorch_fid.inception, name, return_value=weights),
            torch.random.fork_rng(devices=[]),
        ):
            net = pytorch_fid.inception.InceptionV3(resize_input=False, normalize_input=False)
    except (EOFError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise Mistake(f"{path} does not hold pytorch-fid's network: {reason}") from None
    return net.eval()
