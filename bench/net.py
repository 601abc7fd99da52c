"""What a study says of a net; `bench.nets` builds it."""

from dataclasses import dataclass

__all__ = ["Net"]


@dataclass(frozen=True)
class Net:
    """A cell's net: `mlp` with the widths of its hidden layers, or a convolutional one by name,
    whose code is a vector or a map of channels × height × width."""

    kind: str
    hidden: tuple[int, ...] = ()
    code: str = "vector"

    def __str__(self) -> str:
        """As records have it: `mlp 128-128`, `dcgan`, `flexae map`."""
        code = "" if self.code == "vector" else self.code
        return " ".join(filter(None, [self.kind, "-".join(map(str, self.hidden)), code]))
