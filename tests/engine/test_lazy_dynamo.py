"""torch.compile is imported only when it is used, and then it is the real one."""

import subprocess
import sys

import pytest

STEP = """
import sys
import torch
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.engine.optim import build_optimizer

config = experiment_from_dict({"network": ["Linear 2"], "optimizer": {"name": NAME}}).optimizer
layer = torch.nn.Linear(2, 2)
optimizer = build_optimizer.build(config, layer)
layer(torch.ones(1, 2)).sum().backward()
optimizer.step(lambda: torch.tensor(0.0))
assert "torch._dynamo.convert_frame" not in sys.modules, "the compiler was imported"
"""

COMPILE = """
compiled = torch.compile(lambda x: x + 1, backend="eager")
assert compiled(torch.ones(2)).tolist() == [2, 2]
import torch._dynamo.utils
assert torch._dynamo.config.suppress_errors in (True, False)
assert sys.modules["torch._dynamo"] is torch._dynamo
assert "torch._dynamo.convert_frame" in sys.modules
optimizer.step(lambda: torch.tensor(0.0))
"""


def run_python(code: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100
    )
    assert process.returncode == 0, process.stderr


COMPARE = """
import inspect
inspect.getmodule(inspect.currentframe())
assert "torch._dynamo.convert_frame" not in sys.modules, "inspecting all modules imported it"
torch.testing.assert_close(torch.ones(2), torch.ones(2))
"""


@pytest.mark.parametrize("name", ["adamw", pytest.param("lbfgs", marks=pytest.mark.slow)])
def test_a_step_does_not_import_the_compiler(name: str) -> None:
    run_python(STEP.replace("NAME", repr(name)))


@pytest.mark.slow
def test_torch_compile_imports_the_compiler() -> None:
    run_python(STEP.replace("NAME", "'sgd'") + COMPILE)


@pytest.mark.slow
def test_inspecting_all_modules_does_not_import_the_compiler() -> None:
    run_python(STEP.replace("NAME", "'sgd'") + COMPARE)
