"""The one kind of error that is told to the user in one line."""

__all__ = ["Mistake"]


class Mistake(ValueError):
    """A mistake of the user's, told in one line."""
