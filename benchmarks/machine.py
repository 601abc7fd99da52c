"""What figures were measured on: processor, threads, torch and its libraries; no name, no path."""

import os
import platform
import re
from pathlib import Path

import torch

__all__ = ["describe"]


def describe() -> list[tuple[str, str]]:
    """What and its value, in the order in which a table shows them."""
    built = torch.__config__.show()
    libraries = re.findall(r"(?:oneAPI Math Kernel Library Version|MKL-DNN v)\s?[\d.]+", built)
    blas = re.search(r"BLAS_INFO=(\w+)", built)
    return [
        ("processor", f"{_model()}, {os.cpu_count()} cores"),
        ("instruction set", torch.backends.cpu.get_cpu_capability()),
        ("threads", str(torch.get_num_threads())),
        ("GLIBC_TUNABLES", os.environ.get("GLIBC_TUNABLES", "not set")),
        ("torch", torch.__version__),
        ("BLAS", ", ".join([blas[1] if blas else "unknown", *libraries])),
        ("Python", platform.python_version()),
    ]


def _model() -> str:
    """The processor as Linux calls it: its family tells generations of one name apart."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.+)$", told, re.MULTILINE))
    if "model name" not in found:
        return platform.machine()
    family = (f"{it} {found[it]}" for it in ("cpu family", "model") if it in found)
    return f"{found['model name']} ({', '.join(family)})"
