"""What a curve was trained with, software and processor: kept beside it, and joined."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from bench import store
from bench.mistake import Mistake

__all__ = ["collect", "describe", "digest", "packages", "read", "read_one", "write"]

_PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "numba", "zuko")
"""Those whose arithmetic decides numbers."""


def describe() -> dict[str, str]:
    """This process: versions, instruction set and threads, but no name, path or time.

    On a GPU there is more: which it is, its software, and whether TF32 is allowed.
    """
    # What reads environments must not need torch.
    import torch

    from bench import device

    return {
        **packages(),
        "system": _system(),
        "libc": " ".join(platform.libc_ver()).strip() or "unknown",
        "machine": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        **device.describe(),
    }


def packages() -> dict[str, str]:
    """The versions of Python and of the packages whose arithmetic decides numbers."""
    versions = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **versions}


def digest(described: Mapping[str, str]) -> str:
    """A short hash of an environment as `describe` tells of it, without threads, of which records
    tell by themselves."""
    kept = {name: it for name, it in described.items() if name != "threads"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def write(path: str | Path) -> None:
    """Write `describe()` as JSON."""
    store.write_text(path, json.dumps(describe(), indent=1) + "\n")


def collect(paths: Iterable[str | Path], out: str | Path) -> None:
    """Write, of the files of some curves, by the hash of their environment how many have which
    value of what, as JSON.

    Raises:
        Mistake: a file is no such description.
    """
    joined: dict[str, dict[str, Counter]] = {}
    for path in paths:
        described = read_one(path)
        counts = joined.setdefault(digest(described), {})
        for name, value in described.items():
            counts.setdefault(name, Counter())[value] += 1
    told = {
        key: {name: dict(sorted(values.items())) for name, values in counts.items()}
        for key, counts in sorted(joined.items())
    }
    store.write_text(out, json.dumps(told, indent=1) + "\n")


def read(path: str | Path) -> dict[str, dict[str, dict[str, int]]]:
    """A file of `collect`: by hash (as records have it) and name the values, with the number of
    curves that have them.

    Raises:
        Mistake: it is none.
    """
    found = _mapping(path, dict)
    for counts in found.values():
        for values in counts.values():
            if not isinstance(values, dict) or not all(type(it) is int for it in values.values()):
                raise Mistake(f"{path}: not an environment: a value without its number of curves")
    return found


def read_one(path: str | Path) -> dict[str, str]:
    """A file of `write`.

    Raises:
        Mistake: it is none.
    """
    return _mapping(path, str)


def _mapping(path: str | Path, kind: type) -> dict:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Mistake(f"{path}: not an environment: {error}") from None
    if not (isinstance(found, dict) and all(isinstance(it, kind) for it in found.values())):
        raise Mistake(f"{path}: not an environment: it must hold {kind.__name__} values by name")
    return found


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
