"""A study file as a document: YAML with unique keys, checked against a JSON schema."""

import math
import re
import reprlib
from pathlib import Path

import jsonschema
import yaml

from bench.mistake import Mistake

__all__ = ["StudyError", "load", "refusal", "validate"]

# PyYAML lets through whatever reading a scalar of an explicit tag raises, such as `!!bool maybe`.
_BROKEN = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
_BROKEN += (RecursionError,)


class StudyError(Mistake):
    """A study that cannot be used: one line with file, key, value found, and what is allowed."""


def load(path: str | Path, wanted: str = "a study file in YAML") -> object:
    """What the file holds; an error says that something else was wanted.

    Raises:
        StudyError: it cannot be read, is no YAML, or has a key twice or one that is no text.
    """
    try:
        loader = _Loader(Path(path).read_text(encoding="utf-8"))
        node = loader.get_single_node()
        _refuse_bad_keys(path, node, (), set())
        return loader.construct_document(node) if node else None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise refusal(path, (), f"no readable file ({reason})", wanted) from None
    except StudyError:
        raise
    except _BROKEN as error:
        raise refusal(path, (), f"invalid YAML ({error})", wanted) from None


class _Loader(yaml.SafeLoader):
    """YAML with 1e-3 a number (PyYAML knows only 1.0e-3)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _refuse_bad_keys(path, node: yaml.Node | None, where: tuple, seen: set[int]) -> None:
    """PyYAML keeps the last of two equal keys without a word; here every key is text and unique."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise refusal(path, where, f"the key {key.value!r}", "keys that are text")
            if key.value in keys:
                found = f"the key again on line {key.start_mark.line + 1}"
                raise refusal(path, (*where, key.value), found, "every key once")
            keys.add(key.value)
            _refuse_bad_keys(path, value, (*where, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _refuse_bad_keys(path, value, (*where, i), seen)


def _is_integer(_, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: object) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


# JSON Schema takes 1.0 for an integer and infinity for a number.
_VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def validate(path: str | Path, document: object, schema: dict, where: tuple = ()) -> None:
    """Raise a `StudyError` for the most telling error of a document that breaks the schema."""
    error = jsonschema.exceptions.best_match(_VALIDATOR(schema).iter_errors(document))
    if error is None:
        return
    where = (*where, *error.absolute_path)
    found, allowed = error.instance, error.schema.get("description")
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(key for key in found if key not in known)
        where, found, allowed = (*where, unknown), found[unknown], f"only {', '.join(known)}"
        raise refusal(path, where, f"an unknown key with {reprlib.repr(found)}", allowed)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in found)
        allowed = error.schema["properties"][missing]["description"]
        raise refusal(path, (*where, missing), "nothing", allowed)
    if error.validator == "uniqueItems":
        i = next(i for i, value in enumerate(found) if value in found[:i])
        raise refusal(path, (*where, i), f"{reprlib.repr(found[i])} again", "every value once")
    if error.validator == "maximum":
        allowed = f"{allowed}, at most {error.validator_value}"
    raise refusal(path, where, reprlib.repr(found), allowed)


def refusal(path: str | Path, where: tuple, found: str, allowed: str) -> StudyError:
    key = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in where).lstrip(".")
    line = f"{path}: {key or 'the file'}: found {found}; allowed: {allowed}"
    return StudyError(" ".join(line.split()))
