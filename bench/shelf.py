"""Trained cells by all that determines them: what has been trained once is not trained again."""

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bench import store

__all__ = ["Shelf", "key"]

_MANIFEST = "cell.json"


def key(determined: Mapping) -> str:
    """The SHA-256, in hexadecimal, of what determines a cell, in no order."""
    return hashlib.sha256(json.dumps(determined, sort_keys=True).encode()).hexdigest()


class Shelf:
    """A folder of cells, each a folder named by its key, whole where its manifest is there.

    Arguments:
        folder: of the shelf; need not exist.
    """

    def __init__(self, folder: str | Path):
        self.root = Path(folder)

    def folder(self, key: str) -> Path:
        """Where a cell's files are, or are to be written."""
        return self.root / key[:2] / key

    def checkpoint(self, name: str) -> Path:
        """Where the training of several cells is kept while it lasts."""
        return self.root / "checkpoints" / name

    def has(self, key: str) -> bool:
        """Whether a cell is there, every byte of it; one that is damaged is told, and removed."""
        folder = self.folder(key)
        if not (folder / _MANIFEST).exists():
            return False
        damaged = self._damaged(key)
        if damaged:
            print(f"{damaged}: damaged; the cell is trained anew", file=sys.stderr)
            shutil.rmtree(folder)
        return not damaged

    def finish(self, key: str, determined: Mapping) -> None:
        """A cell's files are all written: from now on it is there."""
        folder = self.folder(key)
        files = {
            path.relative_to(folder).as_posix(): store.sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != _MANIFEST and not path.name.startswith(".")
        }
        store.write_text(folder / _MANIFEST, _text(determined, files))

    def _damaged(self, of: str) -> Path | None:
        """The first file of a cell that is not what was written."""
        folder = self.folder(of)
        path = folder / _MANIFEST
        try:
            text = path.read_text(encoding="utf-8")
            manifest = json.loads(text)
            determined, files = manifest["determined"], manifest["files"]
        except (ValueError, KeyError, TypeError):
            return path
        if text != _text(determined, files) or key(determined) != of:
            return path
        for name, expected in files.items():
            if not (folder / name).exists() or store.sha256(folder / name) != expected:
                return folder / name
        return None


def _text(determined: Mapping, files: Mapping) -> str:
    manifest = {"determined": determined, "files": files}
    return json.dumps(manifest, indent=1, sort_keys=True) + "\n"
