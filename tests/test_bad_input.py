"""Malformed study files and tables, made of valid ones at random: each is refused in one line."""

import contextlib
import io
import random
import re
from pathlib import Path

import pytest
import yaml
from records_for_report import cells, controls, u_curve

from bench import cli, estimate, records

ROOT = Path(__file__).parents[1]
STUDIES = sorted((ROOT / "workflow" / "config").glob("*.yaml"))
ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    10**30,
    "",
    "\u202e\u0000é😀",
    "x",
]
ODD += [[], {}, [[]], {"": None}, [1, "1"], "!!python/object/apply:os.getcwd []", b"\xff", -0.0]
TEXTS = ["nan", "inf", "-inf", "1e999", "-1", "9" * 40, "1.5", "", '"', "\x00", "😀", "True"]
TEXTS += [
    "{",
    "=1+1",
    ",",
    "\n",
    "'",
    "real",
    "done",
    "diverged",
    "failed",
    "null",
    "9223372036854775808",
]
LINES = ["a: &a [*a]", "? [1]\n: 2", "<<: {name: x}", "name: again", "- 1", "\t", "%TAG ! x", "---"]
LINES += ["seeds: !!set {0}", "x: !!python/name:os.system", "2: 3", "null: 1", "x: 0o9", "x: 1:2:3"]
LINES += [
    "when: 2001-13-41",
    "x: !!binary '@'",
    "x: !!int 'a'",
    "x: !!float ''",
    "x: !!timestamp '1'",
]
LINES += ["x: !!bool maybe", "seeds: !!int ''", "name: !!timestamp x", "[" * 2000, "{a: " * 2000]


def bytes_of(text, pick):
    """The text with some of its bytes changed, lost or doubled, or cut short."""
    data = bytearray(text.encode())
    for _ in range(pick.randrange(1, 4)):
        place = pick.randrange(len(data))
        how = pick.randrange(4)
        if how == 0:
            data[place] = pick.randrange(256)
        elif how == 1:
            del data[max(1, place) : place + pick.randrange(2, 20)]
        elif how == 2:
            data[place:place] = bytes(pick.randrange(256) for _ in range(pick.randrange(1, 5)))
        else:
            del data[max(1, place) :]
    return bytes(data)


def places(document, where=()):
    """The keys and indices that lead to each value of a document."""
    items = document.items() if isinstance(document, dict) else ()
    items = enumerate(document) if isinstance(document, list) else items
    for key, value in items:
        yield (*where, key)
        yield from places(value, (*where, key))


def document_of(text, pick):
    """The document with a value of another kind, a key that is lost, renamed or added."""
    document = yaml.safe_load(text)
    *where, last = pick.choice(list(places(document)))
    parent = document
    for key in where:
        parent = parent[key]
    how = pick.randrange(4)
    if how == 0:
        del parent[last]
    elif how == 1 and isinstance(parent, dict):
        parent[pick.choice(["", "x", "name", "seeds", 7, None, "\u0000"])] = parent.pop(last)
    else:
        parent[last] = pick.choice([*ODD, document["name"], pick.randrange(-9, 99)])
    with contextlib.suppress(yaml.YAMLError):
        return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")
    return b"\x00"


def lines_of(text, pick):
    """The text with a line of YAML's odder kinds somewhere, or a value of one."""
    lines = text.splitlines()
    place = pick.randrange(len(lines))
    if pick.randrange(2):
        lines.insert(place, pick.choice(LINES))
    else:
        value = pick.choice([line.partition(": ")[2] or line for line in LINES])
        lines[place] = re.sub(r": .*", lambda _: f": {value}", lines[place])
    return "\n".join(lines).encode()


def table_of(text, pick):
    """The table with fields, columns or rows of another kind, lost or doubled."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(pick.randrange(1, 3)):
        row, column = pick.randrange(len(rows)), pick.randrange(len(rows[0]))
        how = pick.randrange(6)
        if how < 3:
            rows[row][min(column, len(rows[row]) - 1)] = pick.choice(TEXTS)
        elif how == 3:
            del rows[row][min(column, len(rows[row]) - 1)]
        elif how == 4:
            rows = [[*it[:column], pick.choice(TEXTS), *it[column + 1 :]] for it in rows]
        else:
            rows.insert(row, pick.choice([rows[row], [""], ["x"] * len(rows[0])]))
    return "\n".join(map(",".join, rows)).encode("utf-8", "surrogatepass")


def ended(verb, path, *out):
    """The exit status, and what was said on stderr."""
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        status = cli.main([verb, str(path), *out])
    return status, told.getvalue()


def check(status, told, path):
    """Fine after all, or refused in one line that names the file or what is wrong with it."""
    assert status in (0, 2)
    if status:
        assert re.fullmatch(r"bench: error: [^\n]+\n", told)
        assert len(told) < 2000
    return status


@pytest.mark.parametrize("part", range(4))
def test_a_malformed_study_file_is_refused_in_one_line(part, tmp_path, monkeypatch):
    # What is fine after all need not be counted.
    monkeypatch.setattr(estimate, "cost", lambda *about: estimate.Cost(1.0, 1.0))
    pick, refused = random.Random(part), 0
    texts = [path.read_text(encoding="utf-8") for path in STUDIES]
    for _ in range(250):
        how = pick.choice([bytes_of, document_of, lines_of])
        path = tmp_path / "study.yaml"
        path.write_bytes(how(pick.choice(texts), pick))
        refused += check(*ended("cells", path), path) == 2
    assert refused > 100  # what is left of a remark or a number may be fine


@pytest.mark.parametrize("part", range(4))
def test_a_malformed_table_of_records_is_refused_in_one_line(part, tmp_path):
    rows = cells(u_curve(dims=[2, 8]), "aae", dataset="synthetic-8", diverged={(8, 1): 3})
    rows += cells(u_curve(dims=[2, 8], source=1), "mask-aae", dataset="synthetic-8")
    rows += controls("synthetic-8")
    path = tmp_path / "records.csv"
    records.write(path, rows)
    text, pick, refused = path.read_text(encoding="utf-8"), random.Random(part), 0
    for i in range(250):
        path.write_bytes(pick.choice([bytes_of, table_of, table_of])(text, pick))
        # Drawing takes most of the time, and all verbs read alike.
        verb = "report" if i % 50 == 0 else pick.choice(["claims", "tables"])
        out = tmp_path / "out" / verb
        refused += check(*ended(verb, path, "--out", str(out)), path) == 2
    assert refused > 100
