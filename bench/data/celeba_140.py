"""celeba-140: faces (Liu, Luo, Wang and Tang 2015), the middle 140 × 140 pixels made 64 × 64, RGB.

As in the public code of Tolstikhin, Bousquet, Gelly and Schölkopf, "Wasserstein auto-encoders"
(2018): crop, then Pillow's `ANTIALIAS`, which is called `LANCZOS` now. The splits are those of the
set's own partition list; WAE drew its own, of which the test split had 20,000 images.

The images are read from the archive, whose MD5 torchvision knows; of the extracted images nobody
published hashes, so they are not read. They are prepared once, in `celeba/prepared` below the data
root, which takes minutes, and 2.5 GB; from then on the archive is not needed.
"""

import collections
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torchvision
from PIL import Image
from torchvision.datasets.utils import download_file_from_google_drive
from tqdm import tqdm

from bench import downloads
from bench.data import base, prepared
from bench.downloads import DataError

__all__ = ["DataSet"]

ARCHIVE, PARTITION = "img_align_celeba.zip", "list_eval_partition.txt"
PARTS = {"0": "train", "1": "validation", "2": "test"}


class DataSet(base.DataSet):
    """162,770 images to train on, 19,867 to choose by, 19,962 to test on; labels are not read.

    Another crop or filter is a subclass with another `name`, `crop` and `resize`.
    """

    name = "celeba-140"
    shape = (3, 64, 64)
    sizes = {"train": 162_770, "validation": 19_867, "test": 19_962}
    value_range = (0.0, 1.0)
    classifier = "colour"
    source = torchvision.datasets.CelebA
    crop = 140
    resize = Image.Resampling.LANCZOS

    def make(self, root=None):
        """Map the prepared files into memory, preparing them first where there is no record.

        Raises:
            DataError: a file is missing and cannot be downloaded, or is truncated or altered.
        """
        about = {
            "name": self.name,
            "crop": self.crop,
            "resize": self.resize.name.lower(),
            "sources": {name: md5 for name, (_, md5) in self._sources().items()},
        }
        record, *_ = prepared.files(self._record(root))
        if not record.exists():
            self._prepare(root, record, about)
        found = prepared.opened(record, about)
        self._sha256 = {split: sha256 for split, (_, sha256) in found.items()}
        return {split: (images, None) for split, (images, _) in found.items()}

    @classmethod
    def files(cls, root=None):
        """Archive and partition list; where they are not, the files prepared from them, if any."""
        sources = tuple(cls._folder(root) / name for name in (ARCHIVE, PARTITION))
        made = prepared.files(cls._record(root))
        return made if made[0].exists() and not all(path.exists() for path in sources) else sources

    def sha256(self, split):
        """As recorded when the images were prepared, and verified when they were opened."""
        return self._sha256[split]

    @classmethod
    def _folder(cls, root: str | Path | None) -> Path:
        return downloads.root(root) / cls.source.base_folder

    @classmethod
    def _record(cls, root: str | Path | None) -> Path:
        return cls._folder(root) / "prepared" / f"{cls.name}.json"

    @classmethod
    def _sources(cls) -> dict[str, tuple[str, str]]:
        """Google Drive's file id and the MD5 of the two files that are read, by name."""
        return {
            name: (file_id, md5)
            for file_id, md5, name in cls.source.file_list
            if name in (ARCHIVE, PARTITION)
        }

    def _prepare(self, root: str | Path | None, record: Path, about: dict) -> None:
        folder = self._folder(root)
        advice = f"{folder} should hold {ARCHIVE} and {PARTITION}"
        if (folder / "img_align_celeba").exists():
            advice += "; its extracted folder img_align_celeba cannot be checked and is not read"
        archive, partition = (
            downloads.verified(folder / name, md5, [file_id], advice, _from_google_drive)
            for name, (file_id, md5) in sorted(self._sources().items())
        )
        names = collections.defaultdict(list)
        for line in partition.read_text(encoding="ascii").splitlines():
            name, part = line.split()
            names[PARTS[part]].append(name)
        print(f"{self.name}: preparing {record.parent}, once", file=sys.stderr)
        try:
            with zipfile.ZipFile(archive) as images:
                splits = {
                    split: ((len(of), *self.shape), self._images(images, split, of))
                    for split, of in names.items()
                }
                prepared.write(record, about, splits)
        except OSError as error:
            raise DataError(f"{record.parent} cannot be prepared: {error}") from None

    def _images(self, archive: zipfile.ZipFile, split: str, names: list) -> Iterator[np.ndarray]:
        """uint8 [3, 64, 64], one after the other."""
        for name in tqdm(names, desc=f"{self.name} {split}", unit="image", disable=None):
            with archive.open(f"img_align_celeba/{name}") as file, Image.open(file) as image:
                left, top = ((size - self.crop) // 2 for size in image.size)
                box = (left, top, left + self.crop, top + self.crop)
                size = self.shape[:0:-1]
                pixels = np.asarray(image.convert("RGB").crop(box).resize(size, self.resize))
            yield pixels.transpose(2, 0, 1)


def _from_google_drive(file_id: str, path: Path) -> None:
    path.unlink()  # torchvision keeps what is there
    try:
        download_file_from_google_drive(file_id, path.parent, path.name)
    except Exception as error:  # gdown's own errors, which cannot be named where it is missing
        raise OSError(f"Google Drive: {error}") from None
