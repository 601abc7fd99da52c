"""The one kind of error that is told to the user in one line, and errors in words."""

__all__ = ["Mistake", "reason"]


class Mistake(ValueError):
    """A mistake of the user's, told in one line."""


def reason(error: Exception) -> str:
    """An error in words, of an operating system's the file first."""
    name = isinstance(error, OSError) and (error.filename2 or error.filename)
    if not name:
        return str(error)
    told = {
        FileNotFoundError: "no such file",
        IsADirectoryError: "a folder, not a file",
        FileExistsError: "a file, not a folder",
    }
    return f"{name}: {told.get(type(error), error.strerror)}"
