"""The number of CPU threads for steps of all sizes."""

import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from tests.support.datasets import CPU
from tests.support.tiny_sessions import make_dataset, make_experiment
from tuilab.engine.device import threads
from tuilab.engine.session import Session

CONV = ("Conv2d 16 padding=1", "ReLU", "Flatten", "Linear 10")
GLYPHS = {"name": "glyphs", "batch_size": 64}


@pytest.mark.parametrize(
    ("network", "data", "is_large"),
    [
        (("Linear 8", "Linear 8", "Linear 2"), {"name": "spiral", "batch_size": 10}, False),
        (("Linear 256", "Linear 256", "Linear 2"), {"name": "spiral", "batch_size": 128}, True),
        (CONV, GLYPHS, True),
        (CONV, {**GLYPHS, "batch_size": 2}, False),
        ((["Repeat 4", "Linear 100"], "Linear 2"), {"name": "moons", "batch_size": 50}, True),
        (("LSTM 64", "Linear 2"), {"name": "parity", "length": 64, "batch_size": 64}, True),
    ],
)
def test_only_a_large_step_uses_all_threads(
    network: tuple[Any, ...], data: dict[str, Any], is_large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "ALL_THREADS", 8)
    experiment = make_experiment(*network, data=data)

    assert threads.thread_count(experiment, data["batch_size"]) == (8 if is_large else 1)


def test_a_session_sets_the_thread_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(threads, "ALL_THREADS", 3)
    try:
        large = make_experiment("Linear 2000", "Linear 3", batch_size=500)
        Session("run", large, make_dataset(), CPU)
        assert torch.get_num_threads() == 3
        Session("run", make_experiment("Linear 3"), make_dataset(), CPU)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


PRINT_WHEN_TORCH_IS_IMPORTED = """
import os, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT", "none"))
            sys.exit()
sys.meta_path.insert(0, Finder())
import tuilab.engine.device.devices
"""


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "3000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, "none")],
)
def test_threads_do_not_spin_long_unless_the_user_sets_it(
    environment: dict[str, str], expected: str
) -> None:
    variables = {
        k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    process = subprocess.run(
        [sys.executable, "-c", PRINT_WHEN_TORCH_IS_IMPORTED],
        env=variables | environment,
        capture_output=True,
        text=True,
    )
    assert process.stdout.strip() == expected, process.stderr
