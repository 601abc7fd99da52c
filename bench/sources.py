"""Which files of this package a module's results depend on, and one hash of them."""

import hashlib
import io
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path

__all__ = ["digest", "files"]

_ROOT = Path(__file__).parents[1]
_DATA = (".html", ".mplstyle", ".safetensors", ".yaml")
_PARAMETERS = ["bench.study", "bench.study_file"]
"""What these read from a study reaches a result as its parameters."""


@cache
def files(*modules: str) -> tuple[Path, ...]:
    """The files of modules of bench (`report/page`, `systems/mask-aae`), of all that they import
    from bench, and of the data beside them, sorted; without those that read a study file, and
    what only they import."""
    found = set().union(*map(_imported, modules))
    data = {file for path in found for file in path.parent.glob("*") if file.suffix in _DATA}
    return tuple(sorted(found | data))


@cache
def digest(*modules: str) -> str:
    """The SHA-256, in hexadecimal, of the names and contents of these modules' `files`."""
    total = hashlib.sha256()
    for path in files(*modules):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(_ROOT).as_posix()} {content}\n".encode())
    return total.hexdigest()


@cache
def _imported(module: str) -> frozenset[Path]:
    """A module's file, and those of all that it imports from bench."""
    finder = _Finder([str(_ROOT)], excludes=_PARAMETERS)
    finder.run_script(str(_ROOT / "bench" / f"{module.replace('-', '_')}.py"))
    return frozenset(Path(it.__file__) for it in finder.modules.values() if it.__file__)


class _Finder(ModuleFinder):
    def load_module(self, fqname, fp, pathname, file_info):
        if fp is not None:
            # The compiler leaves out what is never run.
            fp = io.BytesIO(fp.read().replace(b"\nif TYPE_CHECKING:\n", b"\nif False:\n"))
        return super().load_module(fqname, fp, pathname, file_info)
