"""The ledger: one YAML file a claim, whose name is the claim's, checked against a JSON schema."""

from functools import cache
from pathlib import Path

import yaml

from bench import experiments, records
from bench.report.claims import forms
from bench.study_file import load, refusal, validate

__all__ = ["read"]

_HERE = Path(__file__).parent
_COLUMNS = [name for name, kind in records.COLUMNS.items() if kind in ("Float64", "Int64")]


def read(folder: str | Path | None = None) -> list[dict]:
    """The claims of a folder (default: this package's), by source and name.

    Each is its file's content with its `id`, and the defaults of what it leaves out.

    Raises:
        StudyError: a file is no YAML or breaks the schema, with the key and what is allowed.
    """
    return list(_own()) if folder is None else _read(Path(folder))


@cache
def _own() -> list[dict]:
    return _read(_HERE)


def _read(folder: Path) -> list[dict]:
    schema = yaml.safe_load(_HERE.with_name("schema.yaml").read_text(encoding="utf-8"))
    schema["$defs"]["column"]["enum"] = _COLUMNS
    names = list(experiments.names())
    allowed = {"enum": names, "description": f"one of {', '.join(names)}"}
    schema["$defs"]["experiment"]["properties"]["experiment"] = allowed
    claims = [_claim(path, schema) for path in sorted(folder.glob("*.yaml"))]
    return sorted(claims, key=lambda it: (it["source"]["authors"], it["source"]["title"], it["id"]))


def _claim(path: Path, schema: dict) -> dict:
    claim = load(path, "a claim in YAML")
    name = claim.get("form") if isinstance(claim, dict) else None
    if name is not None and name not in forms.names():
        raise refusal(path, ("form",), repr(name), f"one of {', '.join(forms.names())}")
    own = forms.load(name).PARAMETERS if name is not None else {}
    own = {key: _told(it, schema["$defs"]) for key, it in own.items()}
    required = [key for key, it in own.items() if "default" not in it]
    schema = schema | {
        "properties": schema["properties"] | own,
        "required": schema["required"] + required,
    }
    validate(path, claim, schema)
    defaults = {key: it["default"] for key, it in own.items() if "default" in it}
    return {"id": path.stem, **defaults, **claim}


def _told(part: dict, shared: dict) -> dict:
    """A parameter's schema with the description of what it refers to, for messages."""
    if "$ref" not in part:
        return part
    return {"description": shared[part["$ref"].rpartition("/")[2]]["description"], **part}
