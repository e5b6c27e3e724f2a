"""Adding a thing touches at most two files: one in core that says what it is, one in engine.

A view is larger: a folder a room, its messages, and one line each for its name and its title.

The tests add toys to a copy of the package and train with them by name, in another process, as a
user would; the rules below them hold for everything that is shipped.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tuilab.core import paths
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data_sets import DATA_SETS
from tuilab.core.catalogue.initializations import INITIALIZATIONS, Default
from tuilab.core.catalogue.losses import LOSSES
from tuilab.core.catalogue.optimizers import OPTIMIZERS
from tuilab.core.catalogue.regularization import AVERAGINGS
from tuilab.core.catalogue.schedules import SCHEDULES
from tuilab.core.catalogue.tasks import TASKS
from tuilab.core.network.layer import Layer
from tuilab.core.network.registry import LAYERS
from tuilab.engine.data import load  # noqa: F401 (fills the sources)
from tuilab.engine.data.sources import SOURCES
from tuilab.engine.metrics import losses
from tuilab.engine.model import build_network  # noqa: F401 (fills the builders)
from tuilab.engine.model.fills import FILLS
from tuilab.engine.model.layers.builders import MODULES
from tuilab.engine.optim import optimizers
from tuilab.engine.registry import Registry
from tuilab.engine.tasks import (
    build_task,  # noqa: F401 (fills the tasks)
    task,
)

PACKAGE = Path(__file__).resolve().parent.parent / "tuilab"
MAX_FILES = 2


@pytest.fixture
def copied_package(tmp_path: Path) -> Path:
    """A copy of the package, beside the presets."""
    ignored = shutil.ignore_patterns("__pycache__", "_presets")
    shutil.copytree(PACKAGE, tmp_path / "tuilab", ignore=ignored)
    (tmp_path / "presets").symlink_to(paths.presets_dir())
    return tmp_path / "tuilab"


def add(package: Path, texts: Mapping[str, str]) -> None:
    """Appends a text to each file, or begins the file with it; they may be two at most."""
    assert len(texts) <= MAX_FILES
    for name, text in texts.items():
        with (package / name).open("a") as file:
            file.write(text)


def train(package: Path, experiment: str) -> str:
    """Trains an experiment for one epoch with the copied package; returns its output."""
    (package.parent / "toy.toml").write_text(experiment)
    process = run_python(package, "-m", "tuilab", "train", "toy.toml", "--set", "training.epochs=1")
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def run_python(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python beside the copied package."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=package.parent,
        env={**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )


DATA_SET = '''
"""Toy data sets."""

from tuilab.core.catalogue.data.points import LabeledPoints


class Stripes(LabeledPoints, frozen=True, kw_only=True, tag="stripes"):
    """Two stripes, left and right.

    Use: in a test.
    """
'''

SOURCE = '''
"""Sources of toy data sets."""

import torch

from tuilab.core.catalogue.data.toys import Stripes
from tuilab.engine.data.points import draw_plane
from tuilab.engine.data.sources import source


@source(Stripes)
def stripes(data, seed, report):
    """Draws points on both sides of a line."""

    def draw(count, generator):
        points = torch.rand(count, 2, generator=generator) * 10 - 5
        return points, (points[:, 0] > 0).long()

    return draw_plane(data, seed, draw)
'''


def test_a_data_set_is_a_class_and_a_function(copied_package: Path) -> None:
    add(copied_package, {"core/catalogue/data/toys.py": DATA_SET, "engine/data/toys.py": SOURCE})

    output = train(copied_package, 'network = ["Linear 2"]\ndata.name = "stripes"\n')

    assert "Stripes: 6 parameters; examples: 400 training, 100 validation" in output
    assert "accuracy" in output


LAYER = '''
"""Toy layers."""

from typing import ClassVar

from tuilab.core.network.layer import Layer


class Hardtanh(Layer, frozen=True):
    """Clips to the range from −1 to 1.

    Formula: f(x) = max(−1, min(1, x))
    Use: in a test.
    Pitfall: none.
    """

    family: ClassVar[str] = "toy"
'''

OTHER_LAYER = '''

class Squareplus(_Activation, frozen=True):
    """A smooth ReLU without exponentials.

    Formula: f(x) = (x + √(x² + b)) / 2
    Use: in a test.
    Pitfall: none.
    """

    b: Annotated[float, knob("Softness of the bend", ge=0)] = 4.0
'''

MODULE = """

class Squareplus(nn.Module):
    def __init__(self, b):
        super().__init__()
        self.b = b

    def forward(self, x):
        return (x + (x.square() + self.b).sqrt()) / 2


@module(catalogue.Squareplus)
def squareplus(layer, shape):
    return Squareplus(layer.b)
"""


def test_a_layer_is_a_class_and_where_torch_lacks_it_a_module(copied_package: Path) -> None:
    add(copied_package, {"core/catalogue/layers/toys.py": LAYER})
    add(
        copied_package,
        {
            "core/catalogue/layers/activation.py": OTHER_LAYER,
            "engine/model/layers/activation.py": MODULE,
        },
    )

    output = train(
        copied_package,
        'network = ["Linear 8", "Hardtanh", "Linear 8", "Squareplus 2", "Linear 2"]\n'
        'data.name = "xor"\n',
    )

    assert "accuracy" in output


# --- a view ---------------------------------------------------------------------------------------

TOY_MESSAGES = '''
"""The largest weight."""

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse


class ToyRequest(InspectRequest, frozen=True):
    """The largest weight."""


class ToyResponse(InspectResponse, frozen=True):
    """The largest weight."""

    weight: float
'''

TOY_INSPECTOR = '''
"""Finds the largest weight."""

from tuilab.core.protocol.inspect.toy_messages import ToyRequest, ToyResponse
from tuilab.engine.inspect.inspectors import inspector


@inspector(ToyRequest)
class ToyInspector:
    def __init__(self, session):
        self.session = session

    def inspect(self, request):
        weight = max(float(parameter.max()) for parameter in self.session.parameters)
        return ToyResponse(self.session.run, self.session.step, weight)
'''

TOY_VIEW = '''
"""Shows the largest weight."""

from tuilab.core.protocol.inspect.toy_messages import ToyRequest, ToyResponse
from tuilab.ui.canvas.styled_cells import draw_note
from tuilab.ui.views.view import View


class ToyView(View[ToyResponse]):
    RESPONSE = ToyResponse

    def request(self, run, experiment):
        return ToyRequest()

    def draw_response(self, response, width, height):
        return draw_note(f"largest weight {response.weight:.3f}", (width, height), self.draw_style)
'''

LOAD_TOY = """
def _toy() -> type[View[Any]]:
    from tuilab.ui.views.toy.toy_view import ToyView

    return ToyView


VIEWS: """

OPEN_TOY = """
import asyncio, re
from tuilab.core.experiment import toml_file
from tuilab.host.link import train_in_process
from tuilab.ui.app import TuilabApp

async def main():
    xor = toml_file.read(toml_file.find_presets()["xor"].path)
    app = TuilabApp(train_in_process(), xor)
    async with app.run_test(size=(160, 45)) as pilot:
        for key in ("6", "<", "<", "s"):
            await pilot.press(key)
            await pilot.pause()
        for _ in range(200):
            await pilot.pause(0.1)
            text = "\\n".join(strip.text for strip in app.screen._compositor.render_strips())
            if re.search(r"largest weight \\d", text):
                print(" Toy " in text, "shown")
                return

asyncio.run(main())
"""


def test_a_view_is_a_folder_a_room_and_two_lines(copied_package: Path) -> None:
    for name, text in (
        ("core/protocol/inspect/toy_messages.py", TOY_MESSAGES),
        ("engine/inspect/toy/__init__.py", ""),
        ("engine/inspect/toy/toy_inspector.py", TOY_INSPECTOR),
        ("ui/views/toy/__init__.py", ""),
        ("ui/views/toy/toy_view.py", TOY_VIEW),
    ):
        (copied_package / name).parent.mkdir(exist_ok=True)
        (copied_package / name).write_text(text)
    replace(copied_package / "core/lessons/link_targets.py", '"diagnosis"]', '"diagnosis", "toy"]')
    registry = copied_package / "ui/views/registry.py"
    replace(registry, "VIEWS: ", LOAD_TOY.lstrip())
    replace(registry, "_diagnosis),\n", '_diagnosis),\n    "toy": ViewEntry("Toy", "Toy", _toy),\n')

    process = run_python(copied_package, "-c", OPEN_TOY)

    assert (process.stdout, process.returncode) == ("True shown\n", 0), process.stderr


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name}: {old}"
    path.write_text(text.replace(old, new))


# --- what is shipped ------------------------------------------------------------------------------


def imported_names(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything of the catalogue that a file uses, by `import` or attribute."""
    modules: dict[str, str] = {}
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield modules.get(node.value.id, ""), node.attr


@cache
def users_by_class() -> dict[type, set[str]]:
    """The files outside its own that name each class of the catalogue."""
    entries = (*DATA_SETS, *LAYERS.values(), *OPTIMIZERS, *LOSSES, *SCHEDULES, *INITIALIZATIONS)
    kinds = {(kind.__module__, kind.__name__): kind for kind in (*entries, *TASKS, *AVERAGINGS)}
    users: defaultdict[type, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in imported_names(path):
            if name in kinds:
                users[kinds[name]].add(str(path.relative_to(PACKAGE)))
    return users


def file_of(function: Callable[..., object]) -> str:
    return f"{function.__module__.removeprefix('tuilab.').replace('.', '/')}.py"


DATA_SETS_USED = {
    "Spiral": ("core/experiment/experiment.py",),  # the default
    "HandDrawn": ("ui/",),  # its points are edited on the screen
    # Gaps, names of columns, groups, files of held-out rows; and what an experiment is made for.
    "Table": (
        "engine/data/load.py",
        "engine/data/held_out_file.py",
        "engine/inspect/",
        "core/experiment/from_file.py",
    ),
    "ImageFolder": ("core/experiment/from_file.py",),
    "TextFile": ("core/experiment/from_file.py",),
}
"""The other files that may name a data set."""

RULES = (
    "core/diagnosis/", "core/experiment/", "core/network/edit.py", "core/network/surgery.py",
    "engine/live_surgery.py",
)  # fmt: skip
"""Files with advice on particular layers, or with what becomes of them; other layers need none."""

BLOCK_FILES = (
    "core/network/plan.py", "engine/model/build_network.py", "engine/inspect/examples/",
)  # fmt: skip
"""Files that go through the contents of blocks."""


@pytest.mark.parametrize("kind", DATA_SETS, ids=lambda kind: kind.__name__)
def test_a_data_set_stands_in_one_file_of_core_and_one_of_engine(kind: type[DataSet]) -> None:
    source = file_of(SOURCES[kind])
    known = DATA_SETS_USED.get(kind.__name__, ())

    assert kind.__module__.startswith("tuilab.core.catalogue.data.")
    assert source.startswith("engine/data/")
    others = users_by_class()[kind] - {source}
    assert [file for file in others if not file.startswith(known)] == []


@pytest.mark.parametrize("kind", LAYERS.values(), ids=lambda kind: kind.__name__)
def test_a_layer_stands_in_one_file_of_core_and_at_most_one_of_engine(kind: type[Layer]) -> None:
    builder = MODULES.get(kind)
    builders = {"engine/model/layers/blocks.py"} if builder is None else {file_of(builder)}
    known = (*RULES, *BLOCK_FILES) if kind.family == "block" else RULES

    assert kind.__module__.startswith("tuilab.core.catalogue.layers.")
    others = users_by_class()[kind] - builders
    assert [file for file in others if not file.startswith(known)] == []


def test_everything_that_is_built_is_in_the_catalogue_and_every_data_set_has_a_source() -> None:
    assert set(SOURCES) == set(DATA_SETS)
    assert set(MODULES) <= set(LAYERS.values())


# --- optimizers, losses, schedules, initializations, tasks --------------------------------------


def insert(package: Path, texts: Mapping[str, str]) -> None:
    """Adds a class or function to each file; in the catalogue, above the list of all."""
    assert len(texts) <= MAX_FILES
    for name, text in texts.items():
        source = (package / name).read_text()
        rest = re.search(r"^[A-Z]+ = tagged_classes.*", source, re.M | re.S)
        union = rest[0] if rest else ""
        (package / name).write_text(f"{source.removesuffix(union)}{text}\n\n{union}")


DOCUMENTED = '''    """An entry of a test.

    Formula: none
    Use: in a test.
    Pitfall: none.
    """'''

OPTIMIZER = (
    f"""
class SignSGD(WeightDecayOptimizer, frozen=True, kw_only=True, tag="sign_sgd"):
{DOCUMENTED}
""",
    """

@optimizer(catalogue.SignSGD)
class SignSGD(ForeachOptimizer):
    def __init__(self, params, lr, weight_decay):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    def _update(self, parameters, group):
        for parameter in parameters:
            parameter.sub_(group["lr"] * parameter.grad.sign())
""",
)

LOSS = (
    f"""
class Poly(Loss, frozen=True, kw_only=True, tag="poly"):
{DOCUMENTED}

    epsilon: Annotated[float, knob("Weight of the linear term", ge=0)] = 1.0
""",
    """

@loss(catalogue.Poly)
def poly(config, output, target):
    nll = F.cross_entropy(output, target, reduction="none")
    return (nll + config.epsilon * (1 - (-nll).exp())).mean()
""",
)

INITIALIZATION = (
    f"""
class Tiny(Initialization, frozen=True, kw_only=True, tag="tiny"):
{DOCUMENTED}
""",
    """

@initialization(catalogue.Tiny)
def tiny(w, matrix, config):
    w.uniform_(-0.01, 0.01)
""",
)

SCHEDULE = f"""
class Halving(WarmupSchedule, frozen=True, kw_only=True, tag="halving"):
{DOCUMENTED}

    def decay(self, lr, epoch, epochs, validation):
        return lr / 2**epoch
"""

EXPERIMENT = """
network = ["Linear 8", "Tanh", "Linear 2"]
data.name = "xor"
loss.name = "poly"
optimizer.name = "sign_sgd"
schedule.name = "halving"
initialization.weights = "tiny"
"""


def test_an_optimizer_a_loss_and_an_initialization_are_a_class_and_a_function_a_schedule_a_class(
    copied_package: Path,
) -> None:
    for entry, catalogue_file, engine_file in (
        (OPTIMIZER, "optimizers.py", "optim/optimizers.py"),
        (LOSS, "losses.py", "metrics/losses.py"),
        (INITIALIZATION, "initializations.py", "model/fills.py"),
    ):
        files = f"core/catalogue/{catalogue_file}", f"engine/{engine_file}"
        insert(copied_package, dict(zip(files, entry, strict=True)))
    insert(copied_package, {"core/catalogue/schedules.py": SCHEDULE})

    assert "accuracy" in train(copied_package, EXPERIMENT)


COMMAND = '''

@commands.command()
def hello() -> None:
    """Prints a greeting."""
    typer.echo("hello")
'''


def test_a_command_is_a_function_and_its_name(copied_package: Path) -> None:
    names = copied_package / "cli" / "command_names.py"
    names.write_text(names.read_text().replace('"open",', '"open", "hello",'))
    add(copied_package, {"cli/reference.py": COMMAND})

    process = run_python(copied_package, "-m", "tuilab", "hello")

    assert (process.returncode, process.stdout) == (0, "hello\n")


ALSO_IN = {
    "Muon": ("engine/optim/build_optimizer.py",),  # two optimizers with one learning rate
    "LearnerLoss": ("engine/learner_code/",),
    "CrossEntropy": ("engine/learner_code/", "engine/inspect/", "engine/tasks/plain_python.py"),
    "BCE": (
        "engine/learner_code/", "engine/inspect/", "engine/tasks/plain_python.py",
        "engine/tasks/gan.py",
    ),
    "MSE": ("engine/inspect/", "engine/tasks/plain_python.py", "engine/tasks/gan.py"),
    "Hinge": ("engine/tasks/gan.py",),  # the loss of a GAN has two sides
    "KL": ("engine/inspect/",),
    "Default": ("engine/model/initialization.py",),  # changes nothing
    "Orthogonal": ("engine/model/initialization.py",),  # the matrices of recurrent layers
    "LSUV": ("engine/model/initialization.py", "engine/model/lsuv.py"),
    "GAN": ("engine/model/initial_network.py",),  # two networks
    "NoAveraging": ("engine/optim/weight_average.py",),
}  # fmt: skip
"""The other files that may name an entry."""


@pytest.mark.parametrize(
    ("kinds", "registry", "file"),
    [
        (OPTIMIZERS, optimizers.OPTIMIZERS, "engine/optim/optimizers.py"),
        (LOSSES, losses.LOSSES, "engine/metrics/losses.py"),
        ([kind for kind in INITIALIZATIONS if kind is not Default], FILLS, "engine/model/fills.py"),
        (SCHEDULES, None, ""),
        (AVERAGINGS, None, ""),
    ],
    ids=["optimizers", "losses", "initializations", "schedules", "averagings"],
)
def test_an_entry_stands_in_one_file_of_core_and_at_most_one_of_engine(
    kinds: Sequence[type], registry: Registry[type, Any] | None, file: str
) -> None:
    assert registry is None or set(registry) == set(kinds)
    for kind in kinds:
        known = (*RULES, *ALSO_IN.get(kind.__name__, ()))
        others = users_by_class()[kind] - {file}
        assert [file for file in others if not file.startswith(known)] == [], kind


@pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.__name__)
def test_a_task_stands_in_one_file_of_core_and_one_of_engine(kind: type) -> None:
    file = f"{task.TASKS[kind].__module__.removeprefix('tuilab.').replace('.', '/')}.py"
    known = (*RULES, *ALSO_IN.get(kind.__name__, ()))

    assert file.startswith("engine/tasks/")
    assert [f for f in users_by_class()[kind] - {file} if not f.startswith(known)] == []
