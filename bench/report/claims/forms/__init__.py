"""Forms of tests, one file each, by the file's name (`u_shape.py` is `u-shape`).

A form's module has `PARAMETERS`, a JSON schema of each parameter that a claim of this form states
besides the common ones (those with a `default` may be left out), and
`judge(claim, evidence) -> Outcome`, which raises `NotRun` where it cannot judge.
"""

from types import ModuleType

from bench.registry import Registry

__all__ = ["load", "names"]

_FORMS = Registry(__name__, "form of test")


def names() -> tuple[str, ...]:
    """The names of all forms, sorted."""
    return _FORMS.names()


def load(name: str) -> ModuleType:
    """The module of a form.

    Raises:
        KeyError: there is no form of that name.
    """
    return _FORMS.module(name)
