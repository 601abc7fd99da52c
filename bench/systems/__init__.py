"""The published systems, one file each, by the file's name (`wae_mmd.py` is `wae-mmd`)."""

from bench.registry import Registry

__all__ = ["load", "modules", "names"]

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


def modules(name: str, options: object) -> list[str]:
    """The modules of bench that a system with these `Options` is made of: its own and, since no
    import tells of it, that of another system that it has for a stage."""
    inner = load(name).stage_of(options)
    return [f"systems/{name}", *([f"systems/{inner}"] if inner else [])]
