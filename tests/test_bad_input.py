"""Malformed study files and tables, made of valid ones at random: each is refused in one line."""

import contextlib
import copy
import io
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from records_for_report import cells, controls, u_curve

from bench import cli, estimate, records
from bench.mistake import Mistake

STUDIES = sorted((Path(__file__).parents[1] / "workflow" / "config").glob("*.yaml"))
MALFORMED = 1000  # of each kind
# What PyYAML stumbles over, or takes for something else than it looks like.
LINES = ["a: &a [*a]", "? [1]\n: 2", "<<: {name: x}", "name: again", "- 1", "\t", "%TAG ! x", "---"]
LINES += ["seeds: !!set {0}", "x: !!python/name:os.system", "2: 3", "null: 1", "x: 0o9", "x: 1:2:3"]
LINES += ["x: !!python/object/apply:os.getcwd []", "when: 2001-13-41", "x: !!binary '@'"]
LINES += ["x: !!int 'a'", "x: !!float ''", "x: !!timestamp '1'", "x: !!bool maybe"]
LINES += ["seeds: !!int ''", "name: !!timestamp x", "[" * 2000, "{a: " * 2000]
FIELDS = ["nan", "inf", "-inf", "1e999", "-1", "9" * 40, "1.5", "", '"', "\x00", "True", "{"]
FIELDS += ["=1+1", ",", "\n", "'", "real", "done", "diverged", "failed", "9223372036854775808"]

short = st.text(max_size=9)
numbers = st.one_of(st.booleans(), st.integers(), st.floats())
plain = st.one_of(st.none(), numbers, st.binary(max_size=4), short)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short, inner, max_size=3),
    max_leaves=4,
)
keys = st.one_of(short, st.sampled_from(["name", "seeds", 7, None]))
fields = st.one_of(st.sampled_from(FIELDS), short, st.integers().map(str), st.floats().map(str))


@st.composite
def of_other_bytes(draw, texts):
    """A text with some of its bytes changed, lost or added, or cut short."""
    data = bytearray(draw(st.sampled_from(texts)).encode())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.one_of(st.integers(start, start + 20), st.just(len(data))))
        data[start:end] = draw(st.binary(max_size=5))
    return bytes(data)


def places(document, where=()):
    """The keys and indices that lead to each value of a document."""
    items = document.items() if isinstance(document, dict) else ()
    items = enumerate(document) if isinstance(document, list) else items
    for key, value in items:
        yield (*where, key)
        yield from places(value, (*where, key))


@st.composite
def of_other_values(draw, documents):
    """A document with a value of any kind, or a key that is lost, renamed or added."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    *where, last = draw(st.sampled_from(list(places(document))))
    parent = document
    for key in where:
        parent = parent[key]
    how = draw(st.sampled_from(["other", "other", "lost", "renamed"]))
    if how == "lost":
        del parent[last]
    elif how == "renamed" and isinstance(parent, dict):
        parent[draw(keys)] = parent.pop(last)
    else:
        parent[last] = draw(values)
    return yaml.safe_dump(document, allow_unicode=True).encode()


@st.composite
def of_other_lines(draw, texts):
    """A text with a line of YAML's odder kinds somewhere, or a value of one."""
    lines = draw(st.sampled_from(texts)).splitlines()
    place, odd = draw(st.integers(0, len(lines) - 1)), draw(st.sampled_from(LINES))
    if draw(st.booleans()):
        lines.insert(place, odd)
    else:
        value = odd.partition(": ")[2] or odd
        lines[place] = re.sub(r": .*", lambda _: f": {value}", lines[place])
    return "\n".join(lines).encode()


@st.composite
def of_other_fields(draw, text):
    """A table with fields, columns or rows of another kind, lost or doubled."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(draw(st.integers(1, 2))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, len(rows[row]) - 1))
        how = draw(st.sampled_from(["field", "field", "lost", "column", "row"]))
        if how == "field":
            rows[row][column] = draw(fields)
        elif how == "lost" and len(rows[row]) > 1:
            del rows[row][column]
        elif how == "column":
            value = draw(fields)
            rows = [[*it[:column], value, *it[column + 1 :]] for it in rows]
        else:
            rows.insert(row, list(draw(st.sampled_from([rows[row], [""], ["x"] * len(rows[0])]))))
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


@st.composite
def of_another_order(draw, documents):
    """A document whose mappings have another order."""

    def shuffled(it):
        if isinstance(it, list):
            return [shuffled(value) for value in it]
        if isinstance(it, dict):
            return {key: shuffled(it[key]) for key in draw(st.permutations(list(it)))}
        return it

    document = shuffled(draw(st.sampled_from(documents)))
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=draw(st.booleans()))


def told(verb, path, *more):
    """The exit status of a verb: fine, or refused in one line."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = cli.main([verb, str(path), *more])
    assert status in (0, 2)
    if status:
        assert re.fullmatch(r"bench: error: [^\n]+\n", error.getvalue())
        assert len(error.getvalue()) < 2000
    return status


def examples(count):
    """The same ones each time, on a machine of any speed."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def refused(contents, verbs, path, out=None):
    """The contents, all different, that verbs refused in one line; what is fine after all, as a
    changed remark is, is none of them."""
    found = set()

    @examples(MALFORMED * 3 // 2)  # some are the same
    @given(contents, verbs)
    def each(content, verb):
        path.write_bytes(content)
        assume(told(verb, path, *(["--out", str(out / verb)] if out else [])) == 2)
        found.add(content)

    each()
    return found


@pytest.fixture
def free(monkeypatch):
    """Nothing is counted of what is fine after all."""
    monkeypatch.setattr(estimate, "cost", lambda *about: estimate.Cost(1.0, 1.0))


@pytest.fixture(scope="module")
def texts():
    return [path.read_text(encoding="utf-8") for path in STUDIES]


@pytest.mark.usefixtures("free")
def test_a_malformed_study_file_is_refused_in_one_line(texts, tmp_path):
    documents = [yaml.safe_load(text) for text in texts]
    odd = st.one_of(of_other_bytes(texts), of_other_values(documents), of_other_lines(texts))
    assert len(refused(odd, st.just("cells"), tmp_path / "study.yaml")) >= MALFORMED


def test_a_malformed_table_of_records_is_refused_in_one_line(tmp_path):
    rows = cells(u_curve(dims=[2, 8]), "aae", dataset="synthetic-8", diverged={(8, 1): 3})
    rows += cells(u_curve(dims=[2, 8], source=1), "mask-aae", dataset="synthetic-8")
    rows += controls("synthetic-8")
    path = tmp_path / "records.csv"
    records.write(path, rows)
    text = path.read_text(encoding="utf-8")
    odd = st.one_of(of_other_bytes([text]), of_other_fields(text))
    # Drawing takes most of the time, and all verbs read alike.
    verbs = st.sampled_from([*["claims", "tables"] * 25, "report"])
    assert len(refused(odd, verbs, path, tmp_path / "out")) >= MALFORMED


def test_a_table_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "records.csv"
    records.write(path, cells(u_curve(dims=[2]), "aae", dataset="synthetic-8"))
    text = path.read_bytes()
    ends = [i for i, byte in enumerate(text, start=1) if byte == ord("\n")]
    for length in sorted({*range(1, len(text), 5), *ends[:-1], *(it - 1 for it in ends)}):
        path.write_bytes(text[:length])
        if length in ends:
            assert len(records.read(path)) == ends.index(length)
        else:
            with pytest.raises(Mistake, match="records.csv: not a table of records"):
                records.read(path)


@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "well"), ("dim", -8), ("seed", -1), ("fid", -5.0), ("fid", float("inf"))],
)
def test_a_value_that_cannot_be_is_refused(column, value, tmp_path):
    rows = cells(u_curve(dims=[2]), "aae", dataset="synthetic-8")
    rows[1][column] = value
    records.write(tmp_path / "records.csv", rows)
    with pytest.raises(Mistake, match=f"records.csv: {column} is {value}"):
        records.read(tmp_path / "records.csv")


@pytest.mark.usefixtures("free")
def test_another_order_of_keys_and_another_style_are_accepted(texts, tmp_path):
    path = tmp_path / "study.yaml"

    @examples(30)
    @given(of_another_order([yaml.safe_load(text) for text in texts]))
    def each(content):
        path.write_text(content, encoding="utf-8")
        assert told("cells", path) == 0

    each()
