"""The published systems, one file each, by the file's name (`wae_mmd.py` is `wae-mmd`)."""

from bench.registry import Registry

__all__ = ["load", "names"]

_SYSTEMS = Registry(__name__, "system", besides=["base"])


def names() -> tuple[str, ...]:
    """The names of all systems, sorted. Imports none of them."""
    return _SYSTEMS.names()


def load(name: str) -> type:
    """The class of a system.

    Raises:
        KeyError: there is no system of that name.
    """
    return _SYSTEMS.module(name).System
