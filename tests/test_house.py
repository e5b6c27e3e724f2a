"""The house rules: rooms, directions, sizes, what loads what, presets that are good."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.validation import problems

PACKAGE = Path(__file__).resolve().parent.parent / "tuilab"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "core": {"core"},
    "engine": {"core", "engine", "scratch", "torch"},
    "host": {"core", "host"},
    "ui": {"core", "ui", "textual", "plotext"},
    "cli": {"core", "host", "cli"},
    "scratch": set[str](),
}
"""What each room may import when it is imported itself."""

IN_FUNCTIONS = {"engine": {"torchvision"}, "host": {"engine", "torch"}, "cli": {"engine", "ui"}}
"""What each room may import besides, inside a function."""

WATCHED = {"torch", "torchvision", "textual", "plotext"}
"""Libraries that belong to one room each."""

UI_MAY_REACH = {"tuilab.host.link", "tuilab.host.run_store", "tuilab.host.discovery"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether it does so when it is imported itself."""
    tree = ast.parse(path.read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        around: ast.AST = node
        at_once = True
        while around in parents:
            around = parents[around]
            is_typing = isinstance(around, ast.If) and "TYPE_CHECKING" in ast.dump(around.test)
            at_once &= not (
                isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)) or is_typing
            )
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_once) for alias in node.names)
        else:
            assert node.level == 0, f"{path}: imports are absolute"
            base = node.module or ""
            yield from ((_full(base, alias.name), at_once) for alias in node.names)


def _full(base: str, name: str) -> str:
    """`from tuilab.core import paths` imports the module tuilab.core.paths."""
    inner = PACKAGE.parent.joinpath(*base.split("."), name)
    is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
    return f"{base}.{name}" if base.startswith("tuilab") and is_module else base


def room_of(module: str) -> str:
    first, *rest = module.split(".")
    return rest[0] if first == "tuilab" and rest else first


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_its_place_allows(room: str) -> None:
    rooms = set(MAY_IMPORT) | WATCHED
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for module, at_once in imports(path):
            allowed = MAY_IMPORT[room] | (set() if at_once else IN_FUNCTIONS.get(room, set()))
            if room_of(module) not in rooms or room_of(module) in allowed:
                continue
            is_reached = room == "ui" and module in UI_MAY_REACH
            assert is_reached, f"{name_of(path)} imports {module}"


def test_the_door_imports_the_rooms_inside_its_functions() -> None:
    heavy = {"tuilab.engine", "tuilab.ui", *WATCHED}
    for path in (PACKAGE / "cli").rglob("*.py"):
        for module, at_once in imports(path):
            is_heavy = any(module == name or module.startswith(f"{name}.") for name in heavy)
            assert not (at_once and is_heavy), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_says_what_it_is(path: Path) -> None:
    text = path.read_text()

    if path.name == "__init__.py" and path.parent != PACKAGE:
        assert text == "", f"{name_of(path)} must be empty"
    else:
        assert ast.get_docstring(ast.parse(text)), f"{name_of(path)} does not say what it is"


def test_what_is_written_from_scratch_needs_only_python() -> None:
    for path in (PACKAGE / "scratch").glob("*.py"):
        for module, _ in imports(path):
            assert module.split(".")[0] in sys.stdlib_module_names, f"{name_of(path)}: {module}"


def test_there_is_one_stylesheet() -> None:
    assert [name_of(path) for path in PACKAGE.rglob("*.tcss")] == ["tuilab/ui/tuilab.tcss"]
    for path in PACKAGE.rglob("*.py"):
        assert "DEFAULT_CSS" not in path.read_text(), f"{name_of(path)} styles outside of it"


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python holds after running some code."""
    code += "\nimport sys; print(' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_neither_torch_nor_textual() -> None:
    loaded = loaded_after("from tuilab.cli import main\nassert main.run(['--help']) == 0")

    assert not loaded & {"torch", "torchvision", "textual", "plotext", "numpy", "rich"}


def test_a_command_that_reads_files_loads_neither_torch_nor_textual() -> None:
    loaded = loaded_after("from tuilab.cli import main\nassert main.run(['check', 'spiral']) == 0")

    assert not loaded & {"torch", "torchvision", "textual", "plotext", "numpy"}


def test_the_lab_loads_no_torch() -> None:
    loaded = loaded_after("import tuilab.ui.app")

    assert not loaded & {"torch", "torchvision", "typer"}


def test_the_training_loop_loads_no_textual() -> None:
    loaded = loaded_after("import tuilab.engine.train")

    assert not loaded & {"textual", "plotext", "typer", "torchvision"}


def test_the_host_loads_no_torch_before_it_works() -> None:
    loaded = loaded_after("import tuilab.host.process, tuilab.host.link")

    assert not loaded & {"torch", "torchvision", "textual", "plotext", "typer"}


@pytest.mark.parametrize("name", sorted(toml_file.presets()))
def test_every_shipped_preset_is_good_and_explained(name: str) -> None:
    preset = toml_file.presets()[name]

    assert problems(toml_file.read(preset.path)) == []
    assert preset.about.endswith("."), "its comments begin with a paragraph on what it is"
    assert "Things to try" in preset.path.read_text()
    assert preset.path.is_relative_to(paths.presets())
