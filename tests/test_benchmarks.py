"""The benchmarks' counting, and the making of their page."""

import math
import sys
import time
from pathlib import Path

import pytest
import torch

from bench import systems
from bench.data import synthetic_8
from bench.mistake import Mistake
from benchmarks import __main__ as command
from benchmarks import markdown, pythae, stacks
from benchmarks.ceilings import Ceilings
from benchmarks.counting import Work, count
from benchmarks.timing import Settings, in_turns, spread

FLOAT = 4
TWICE = f"{markdown.BEGIN} {markdown.END} " * 2


@pytest.fixture
def few_points(monkeypatch):
    for split in synthetic_8.SIZES:
        monkeypatch.setitem(synthetic_8.SIZES, split, 200)
    stacks.points.cache_clear()
    yield
    stacks.points.cache_clear()


@pytest.mark.parametrize(
    ("function", "flops", "numbers"),
    [
        (lambda a, b: a @ b, 2 * 8 * 16 * 4, 8 * 16 + 16 * 4 + 8 * 4),
        (lambda a, b: a[None].expand(3, 8, 16) @ b.expand(3, 16, 4), 3 * 1024, 128 + 64 + 96),
        (lambda a, b: a + 1, 0, 2 * 128),
        (lambda a, b: a.add_(1), 0, 2 * 128),
        (lambda a, b: torch.add(a, 1, out=a), 0, 2 * 128),
        (lambda a, b: torch._foreach_add_([a, b], 1), 0, 2 * (128 + 64)),
        (lambda a, b: a.sum(), 0, 128 + 1),
        (lambda a, b: a.T[2:].reshape(2, 7, 8).detach(), 0, 0),
        (lambda a, b: torch.empty(9), 0, 0),
    ],
)
def test_an_operation_is_counted_by_its_products_and_bytes(function, flops, numbers):
    done = count(lambda: function(torch.ones(8, 16), torch.ones(16, 4)).__class__)
    made = count(lambda: (torch.ones(8, 16), torch.ones(16, 4)))
    own = done.per(1, less=made)
    assert own.flops == flops
    assert own.bytes == FLOAT * numbers


def test_what_torch_does_not_know_is_not_taken_for_nothing():
    with torch.library._scoped_library("bench_test", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: 2 * x, "CPU")
        with pytest.raises(NotImplementedError, match=r"bench_test\.twice"):
            count(lambda: torch.ops.bench_test.twice(torch.ones(2)))


def test_the_time_limit_is_each_operation_at_its_own_ceiling():
    done = Work({(600, 10): 2.0, (0, 30): 1.0, (10, 50): 0.5})
    assert done.flops == 1205
    assert done.bytes == 75
    assert done.least_seconds(Ceilings(flops=100, bytes=10)) == 2 * 6 + 3 + 0.5 * 5


def _perceptrons(batch, dims, widths=(128, 128, 128), latent=32):
    """Floating-point operations of a stack's autoencoder, forwards and backwards, by hand: each
    product again for the gradient of its weights and of its input, but that of the data."""
    layers = [*zip(widths, widths[1:], strict=False), (widths[-1], latent)]
    layers += [(b, a) for a, b in reversed(layers)]
    forward = sum(2 * batch * a * b for a, b in layers)
    return dims * (3 * forward - 2 * batch * widths[0] * widths[1])


def flops(*given, **options):
    return stacks.Trained(*given, options=options).work().flops


def test_a_step_has_the_products_that_its_nets_have(few_points):
    assert flops("ae", (2, 5, 8)) == _perceptrons(64, 3)
    assert flops("ae", (40,), 64) == _perceptrons(64, 1, (128, 64, 64), 64)


def test_a_step_has_all_turns(few_points):
    one, two, four = (flops("aae", (4,), critic_turns=turns) for turns in (1, 2, 4))
    assert two > one
    assert four - two == 2 * (two - one)


def test_a_step_of_two_stages_is_their_mean(few_points):
    # The second stage encodes a batch without gradients and trains 256-256-256 on its codes.
    encoder = 2 * 64 * (128 * 128 * 2 + 2 * 128 * 32)
    hidden = 2 * 64 * (32 * 256 + 2 * 256 * 256)
    joined = 2 * 64 * (256 * 32 + 32 * 32)
    codes = 2 * 64 * 32 * (256 + 2 * 32)
    second = encoder + 3 * (2 * hidden + 3 * joined) - codes
    assert flops("two-stage-vae", (4,)) == (flops("vae", (4,)) + second) / 2


def test_an_epoch_s_beginning_is_shared_by_its_steps(few_points, monkeypatch):
    begun = []

    def begin(self, noise):
        begun.append(noise)
        time.sleep(0.3)

    monkeypatch.setattr(systems.load("ae"), "begin_epoch", begin)
    stack = stacks.Trained("ae", (2,))
    assert stack.timer(0.0)() >= 0.3 / 3
    assert len(begun) == 1


def test_cases_take_turns_and_keep_their_rounds(capsys):
    calls = []
    cases = {name: lambda name=name: calls.append(name) or len(calls) for name in "ab"}
    assert in_turns("this", cases, 2) == {"a": [1, 3], "b": [2, 4]}
    assert capsys.readouterr().err == "this: round 1 of 2\nthis: round 2 of 2\n"
    assert spread([3, 1, 2.5, 9], ".1f") == "2.8 (1.0–9.0)"


def test_a_page_takes_what_was_measured(few_points, tmp_path, capsys):
    page = tmp_path / "speed.md"
    page.write_text(f"Before\n{markdown.BEGIN}\nold\n{markdown.END}\nAfter\n")
    what = ["systems", "steps", "ceilings"]
    options = ["--small", "--rounds", "1", "--seconds", "0.001", "--threads", "1"]
    assert command.main([*what, *options, "--out", str(page)]) == 0
    told = page.read_text()
    assert told.startswith(f"Before\n{markdown.BEGIN}\n\n### Tiny sizes")
    assert told.endswith(f"{markdown.END}\nAfter\n")
    assert "old" not in told
    assert told.count(markdown.BEGIN) == told.count("### Systems") == 1
    assert told.index("### Ceilings") < told.index("### Systems") < told.index("### Steps")
    assert "- threads: 1\n" in told
    (row,) = (line for line in told.splitlines() if line.startswith("| wae-mmd"))
    assert float(row.split("|")[3]) == pytest.approx(_perceptrons(64, 2) / 1e9, rel=0.1)
    assert capsys.readouterr().out.strip() in told
    again = told.partition(markdown.BEGIN)[2].partition(markdown.END)[0].strip()
    markdown.place(page, again + "\n")
    assert page.read_text() == told


@pytest.mark.parametrize(
    "text", ["", markdown.BEGIN, f"{markdown.END} {markdown.BEGIN}", TWICE, None]
)
def test_a_page_without_a_place_is_refused(text, tmp_path, capsys):
    page = tmp_path / "page.md"
    if text is not None:
        page.write_text(text)
    with pytest.raises(Mistake, match=r"page\.md"):
        markdown.place(page, "new")
    # Before anything is measured.
    assert command.main(["ceilings", "--out", str(page)]) == 2
    assert capsys.readouterr().out == ""
    assert page.exists() == (text is not None)
    assert text is None or page.read_text() == text


def test_the_committed_page_has_the_place():
    page = Path(command.__file__).parents[1] / "docs" / "speed.md"
    told = page.read_text(encoding="utf-8")
    assert told.count(markdown.BEGIN) == told.count(markdown.END) == 1


def test_every_section_is_there():
    for name in command.SECTIONS:
        assert callable(command._section(name))


def test_pythae_is_asked_for_where_it_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pythae.trainers", None)
    assert command.main(["pythae", "--threads", "1"]) == 2
    assert capsys.readouterr().err == "benchmarks: pythae is missing: make benchmark installs it\n"


def test_pythae_trains_nets_of_the_same_size(few_points):
    pytest.importorskip("pythae.trainers", reason="only make benchmark installs pythae")
    for pair in pythae._PAIRS:
        model = stacks.Trained(pair.system, (32,), options=pair.options).model
        for name, net in pythae._nets(pair, 128, 32).items():
            ours = getattr(model, {"discriminator": "critic"}.get(name, name))
            numbers = sum(math.prod(shape) for it in ours.parameters() for shape in it.shapes)
            assert numbers == sum(it.numel() for it in net.parameters()) > 0


def test_pythae_stands_beside(few_points):
    pytest.importorskip("pythae.trainers", reason="only make benchmark installs pythae")
    told = pythae.section(Settings(rounds=1, seconds=0.001, small=True))
    for line in told.splitlines()[-2:]:
        system, _, ours, theirs, ratio = (it.split("(")[0] for it in line.strip("|").split("|"))
        assert float(ratio) == pytest.approx(float(theirs) / float(ours), rel=0.1)
