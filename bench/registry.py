"""Things that are one file each in a package, by the file's name: `wae_mmd.py` is `wae-mmd`."""

import importlib
import pkgutil
from collections.abc import Collection
from functools import cached_property
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

    @cached_property
    def _modules(self) -> dict[str, str]:
        path = importlib.import_module(self.package).__path__
        modules = (it.name for it in pkgutil.iter_modules(path) if it.name not in self.besides)
        return dict(sorted((it.replace("_", "-"), f"{self.package}.{it}") for it in modules))

    def names(self) -> tuple[str, ...]:
        """All names, sorted. Imports none of the modules."""
        return tuple(self._modules)

    def module(self, name: str) -> ModuleType:
        """The module of that name.

        Raises:
            KeyError: there is none.
        """
        if name not in self._modules:
            raise KeyError(f"no {self.what} {name!r}; there are {', '.join(self._modules)}")
        return importlib.import_module(self._modules[name])
