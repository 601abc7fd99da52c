"""What tests share."""

import os

import pytest
import torch

from bench import data

# Small tensors gain nothing from more threads, and machines are shared: here, and in processes that
# tests start.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def one_thread():
    """A test that asks for more threads leaves none to the next."""
    yield
    torch.set_num_threads(1)


def _real(name):
    """A data set where the data root has it; tests download nothing."""
    missing = [file for file in data.kind(name).files() if not file.exists()]
    if missing:
        pytest.skip(f"{name}: {missing[0]} is missing (set BENCH_DATA)")
    return data.load(name)


@pytest.fixture(scope="session")
def real_mnist():
    return _real("mnist")


@pytest.fixture(scope="session")
def real_fashion():
    return _real("fashion-mnist")
