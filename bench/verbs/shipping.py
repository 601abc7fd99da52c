"""What features come from: the shipped classifiers, Inception's weights."""

import json
from pathlib import Path

from bench import store
from bench.verbs import arguments
from bench.verbs.arguments import Add

__all__ = ["describe"]


def describe(add: Add) -> None:
    """Add the verbs of this file."""
    verb = add(
        _classifier,
        "train a classifier that image features come from",
        "Its weights are shipped: this is how they were made.",
    )
    verb.add_argument("name", metavar="NAME", help="digits, fashion or colour")
    arguments.out(verb, "FILE.safetensors")

    verb = add(
        _weights,
        "get Inception's weights, check them and write their hash",
        "They are read from the folder BENCH_DATA, downloaded to it where there is a network, and "
        "checked against their SHA-256.",
    )
    arguments.out(verb, "FILE.json")


def _classifier(name: str, out: Path) -> None:
    from bench.features import fit

    fit.train(name, out)


def _weights(out: Path) -> None:
    from bench.features import inception

    inception.fetch()
    about = {"sha256": inception.SHA256, "url": inception.URL}
    store.write_text(out, json.dumps(about, indent=2, sort_keys=True) + "\n")
