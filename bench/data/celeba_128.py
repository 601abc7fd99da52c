"""celeba-128: as celeba-140, from the middle 128 × 128 pixels.

As in the public code of Dai and Wipf, "Diagnosing and enhancing VAE models" (2019): crop, then
SciPy's `imresize`, which was Pillow's bilinear filter. That code took the splits' sizes from the
partition list, but their images in whatever order the file system listed them.
"""

from PIL import Image

from bench.data import celeba_140

__all__ = ["DataSet"]


class DataSet(celeba_140.DataSet):
    name = "celeba-128"
    crop = 128
    resize = Image.Resampling.BILINEAR
