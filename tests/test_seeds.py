"""Seeds by named axes: pinned, and a study that grows changes none that it had."""

import hashlib
import json

import pytest
import torch

from bench import curves, runs, seeds, study, systems
from bench.noise import Noise
from bench.shelf import key

GOLDEN = [
    (0x7DB3587E36E65F77, 0, {}),
    (0x064B232F46069ADC, 0, {"dataset": "mnist", "seed": 0}),
    (0x4EEEBC34BC495969, 0, {"dataset": "mnist", "seed": 1}),
    (0x244A24EC092D7DDA, 0, {"dataset": "synthetic-8", "seed": 0}),
    (0x2C45C77C7481DAD5, 7, {"dataset": "synthetic-8", "seed": 0}),
    (0x26F0ED88BAE58648, 0, {"name": "prior", "step": 3}),
]


def by_the_rule(master, axes):
    """The first 63 bits of the SHA-256 of a compact JSON text: master, then axes by name."""
    listed = ",".join(f'["{name}",{json.dumps(axes[name])}]' for name in sorted(axes))
    digest = hashlib.sha256(f"[{master},[{listed}]]".encode()).hexdigest()
    return int(digest[:16], 16) // 2


@pytest.mark.parametrize(("expected", "master", "axes"), GOLDEN)
def test_seeds_are_what_they_always_were(expected, master, axes):
    assert seeds.derive(master, **axes) == expected
    assert by_the_rule(master, axes) == expected
    assert seeds.derive(master, **dict(reversed(axes.items()))) == expected


def test_a_draw_is_what_it_always_was():
    """torch's own stream for a pinned seed."""
    draw = Noise(0, step=3).permutation("prior", 9)
    generator = torch.Generator().manual_seed(GOLDEN[-1][0])
    assert draw.tolist() == torch.randperm(9, generator=generator).tolist()


STUDY = """
name: small
seeds: [0]
datasets: {{synthetic-8: {{dims: [2, 4]}}}}
systems: {{{system}: {{}}}}
net: {{kind: mlp, hidden: [16]}}
training: {{steps: 4, batch: 8}}
evaluation: {{samples: 500}}
"""
GROWN = """
name: grown
seeds: [3, 0, 1]
datasets: {{synthetic-16: {{dims: [4]}}, synthetic-8: {{dims: [6, 4, 2]}}}}
systems: {{other: {{system: ae}}, {system}: {{}}, more: {{system: vae}}}}
net: {{kind: mlp, hidden: [16]}}
training: {{steps: 4, batch: 8}}
evaluation: {{samples: 600}}
protocols: {{validation: {{split: validation}}}}
"""


class Points:
    """A data set, as far as a cell's key asks."""

    name = "synthetic-8"

    def fingerprint(self):
        return {"name": self.name}


def cell_keys(text, system, tmp_path):
    """The keys and seeds of the cells on synthetic-8 with seed 0, by dimension."""
    path = tmp_path / "study.yaml"
    path.write_text(text.format(system=system))
    it = study.read(path)
    determined = runs._determined(it, Points(), system, 0, None)
    dims = it.datasets["synthetic-8"]
    seed = curves.cell_seed(it, "synthetic-8", 0)
    return {dim: (key(determined | {"dim": dim}), seed) for dim in dims}


@pytest.mark.parametrize("system", systems.names())
def test_a_study_that_grows_changes_no_cell_that_it_had(system, tmp_path, monkeypatch):
    monkeypatch.setattr(runs.sources, "digest", lambda *modules: " ".join(modules))
    small, grown = (cell_keys(text, system, tmp_path) for text in (STUDY, GROWN))
    assert small == {dim: grown[dim] for dim in small}
    assert len({cell for cell, _ in grown.values()}) == 3
