"""Forms of tests, one file each, by the file's name (`u_shape.py` is `u-shape`).

A form's module has `PARAMETERS`, a JSON schema of each parameter that a claim of this form states
besides the common ones (those with a `default` may be left out), and
`judge(claim, evidence) -> Outcome`, which raises `NotRun` where it cannot judge.
"""

import importlib
import pkgutil
from types import ModuleType

__all__ = ["load", "names"]


def names() -> tuple[str, ...]:
    """The names of all forms, sorted."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> ModuleType:
    """The module of a form.

    Raises:
        KeyError: there is no form of that name.
    """
    if name not in names():
        raise KeyError(f"no form of test {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
