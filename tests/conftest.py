"""What tests share."""

import pytest
import torch

from bench import data
from bench.data import mnist


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors gain nothing from more threads, and machines are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def real_mnist():
    """MNIST where the data root has it; tests download nothing."""
    folder = mnist.DataSet.folder()
    missing = [name for name, _ in mnist.DataSet.source.resources if not (folder / name).exists()]
    if missing:
        pytest.skip(f"MNIST is not in {folder} (set BENCH_DATA)")
    return data.load("mnist")
