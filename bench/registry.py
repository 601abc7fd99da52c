"""Things that are one file each in a package, by the file's name: `wae_mmd.py` is `wae-mmd`."""

import importlib
import pkgutil
from collections.abc import Collection
from types import ModuleType

__all__ = ["Registry"]


class Registry:
    """The modules of a package.

    Arguments:
        package: its name.
        what: one of its things is called, such as `system`.
        besides: modules that are none of them.
    """

    def __init__(self, package: str, what: str, besides: Collection[str] = ()):
        self.package, self.what, self.besides = package, what, besides

    def names(self) -> tuple[str, ...]:
        """All names, sorted. Imports none of the modules."""
        path = importlib.import_module(self.package).__path__
        modules = (it.name for it in pkgutil.iter_modules(path) if it.name not in self.besides)
        return tuple(sorted(name.replace("_", "-") for name in modules))

    def module(self, name: str) -> ModuleType:
        """The module of that name.

        Raises:
            KeyError: there is none.
        """
        names = self.names()
        if name not in names:
            raise KeyError(f"no {self.what} {name!r}; there are {', '.join(names)}")
        return importlib.import_module(f"{self.package}.{name.replace('-', '_')}")
