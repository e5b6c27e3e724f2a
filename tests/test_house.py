"""The rules of the house: rooms, directions, names, words, and what loads what."""

import ast
import re
import subprocess
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.validation import find_errors

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tuilab"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = ("cli", "core", "engine", "host", "scratch", "ui")

MAY_IMPORT: dict[str, set[str]] = {
    "core": {"core"},
    "engine": {"core", "engine", "scratch", "torch"},
    "host": {"core", "host"},
    "ui": {"core", "ui", "textual", "plotext"},
    "cli": {"core", "host", "cli"},
    "scratch": set(),
}
"""What each room may import when it is imported itself."""

IN_FUNCTIONS = {
    "engine": {"torchvision"},
    "host": {"engine", "torch"},
    "cli": {"engine", "ui"},
}
"""What each room may import besides, inside a function."""

WATCHED = {"torch", "torchvision", "textual", "plotext"}
"""Libraries that belong to one room each."""

UI_MAY_REACH = {
    f"tuilab.host.{name}"
    for name in ("link", "run_check", "run_library", "run_queue", "active_runs")
}

TESTS = sorted((ROOT / "tests").rglob("*.py"))
EXERCISES = sorted((ROOT / "presets").rglob("*.py"))

MAX_FUNCTION_LINES = 50

TEXTS = sorted(path for path in (ROOT / "presets").rglob("*") if path.suffix in (".md", ".toml"))
PROSE = [ROOT / "README.md", PACKAGE / "README.md", *TEXTS]

BANNED = (
    "told", "wanted", "spread", "surprise", "surprised", "chances", "pulse", "beat", "desk",
    "probed", "hues", "brush", "pencil", "paints", "tray", "witness", "trail",
    "amended", "journal", "viewer", "heeding", "tutoring", "quizzing", "studying", "arranging",
    "filing", "wager", "bet", "bets", "doubts", "disturb", "disturbed", "account", "figures",
    "proving", "somebody", "nobody", "by heart", "at hand", "so many", "leave it away", "tells",
    "tell",
)  # fmt: skip
"""Words that a reader of the field would have to look up, in code and on the screen."""

BANNED_WORD = re.compile(rf"\b({'|'.join(BANNED)})\b")

BANNED_NAMES = (
    "told", "drawn", "moved", "found", "seen", "taken", "given", "wanted", "shown", "chosen",
    "written", "begun", "published", "most", "least", "place", "places", "kept", "named", "asked",
    "gone",
)  # fmt: skip
"""Bare participles and the like, which say nothing as the name of a value, class or function."""

FILE_KEYS = {("question.py", "asked")}
"""Names that are keys of a file's format."""

BANNED_CLASSES = (
    "Control", "Studying", "Filing", "Coding", "Quizzing", "Tutoring", "Heeding", "Arranging",
    "Sheet", "Rows", "Tray", "Reading", "Board", "Drawing", "Grid", "Hues", "Brush",
    "Pencil", "Pen", "Paper", "Paints", "Look", "Together", "Moving", "Witness", "Moved",
    "Record", "Ground", "Trail", "Moment", "Pulse", "Turn", "Desk", "Probe", "Probed", "Driver",
    "Journal",
)  # fmt: skip
"""Names that classes must not have."""

BANNED_ENDINGS = ("Wanted", "Seen", "Eye")
"""How the name of no class may end."""

OLD_NAMES = {
    "event_aliases.py": ("probed", "spread"),
    "metrics.py": ("told",),
    "glossary.py": ("surprise",),
    "test_house.py": BANNED,
    "test_old_runs.py": ("told", "probed", "spread"),
}
"""Files that read names of older versions, or test that."""

BANNED_IN_PROSE = (
    "chances", "by heart", "somebody", "nobody", "at hand", "leave it away", "so many", "tells of",
    "told of", "tells what", "tells whether", "told apart", "wager", "bets", "doubts",
    "(?<!there )(?:is|are) no(?= (?!longer|more|better))", "(?:training|validation|test) part",
)  # fmt: skip
"""The same for lessons, glossary and README, where `spread` and `tell` may be plain English."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def by_folder(paths: Iterable[Path]) -> list[ParameterSet]:
    """The files of each folder as one parameter of a test."""
    folders: dict[str, list[Path]] = {}
    for path in paths:
        folders.setdefault(name_of(path.parent), []).append(path)
    return [pytest.param(files, id=folder) for folder, files in folders.items()]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[tuple[str, bool, bool]]:
    """Every module that a file imports, whether it does so at once, and whether only for types."""
    tree = tree_of(path)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        around: ast.AST = node
        at_once, for_types = True, False
        while around in parents:
            around = parents[around]
            for_types |= isinstance(around, ast.If) and "TYPE_CHECKING" in ast.dump(around.test)
            at_once &= not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef))
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_once and not for_types, for_types) for alias in node.names)
        else:
            assert node.level == 0, f"{path}: imports are absolute"
            base = node.module or ""
            for alias in node.names:
                yield _full(base, alias.name), at_once and not for_types, for_types


def _full(base: str, name: str) -> str:
    """`from tuilab.core import paths` imports the module tuilab.core.paths."""
    inner = ROOT.joinpath(*base.split("."), name)
    is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
    return f"{base}.{name}" if base.startswith("tuilab") and is_module else base


def room_of(module: str) -> str:
    first, *rest = module.split(".")
    return rest[0] if first == "tuilab" and rest else first


@cache
def classes() -> dict[str, list[tuple[Path, ast.ClassDef]]]:
    """Every class of the package by its name."""
    by_name = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                by_name[node.name].append((path, node))
    return by_name


FUNCTION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, FUNCTION_NODES):
            yield node


# --- rooms ------------------------------------------------------------------------------------


def test_the_rooms_are_the_rooms() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}

    assert folders == set(ROOMS)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_its_place_allows(room: str) -> None:
    rooms = set(ROOMS) | WATCHED
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for module, at_once, _ in imports(path):
            allowed = MAY_IMPORT[room] | (set() if at_once else IN_FUNCTIONS.get(room, set()))
            if room_of(module) not in rooms or room_of(module) in allowed:
                continue
            is_reached = room == "ui" and module in UI_MAY_REACH
            assert is_reached, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("files", by_folder(MODULES))
def test_a_module_named_in_a_string_exists_and_may_be_imported(files: list[Path]) -> None:
    """A program that `python -m` runs is imported as well, if in a process of its own."""
    for path in files:
        room = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(tree_of(path)):
            text = node.value if isinstance(node, ast.Constant) else ""
            if not isinstance(text, str) or not re.fullmatch(r"tuilab(\.(?!tcss)\w+)+", text):
                continue
            allowed = MAY_IMPORT.get(room, set()) | IN_FUNCTIONS.get(room, set())
            assert ROOT.joinpath(*text.split(".")).with_suffix(".py").is_file(), f"{path}: {text}"
            assert room_of(text) in allowed, f"{name_of(path)} names {text}"


def test_no_file_imports_itself_by_a_detour() -> None:
    """Also not inside a function, where Python would let it pass."""
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        me = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        graph[me] = {name for name, _, for_types in imports(path) if not for_types} - {me}

    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_name_stands_twice_in_a_room(room: str) -> None:
    names = Counter(path.name for path in (PACKAGE / room).rglob("*.py"))
    del names["__init__.py"]

    assert [name for name, count in names.items() if count > 1] == []


def test_every_folder_stands_in_the_map_for_developers() -> None:
    text = (PACKAGE / "README.md").read_text()
    folders = {path.parent for path in MODULES} - {PACKAGE}

    assert [name_of(f) for f in sorted(folders) if f"{f.name}/" not in text] == []


def test_there_is_one_stylesheet() -> None:
    assert [name_of(path) for path in PACKAGE.rglob("*.tcss")] == ["tuilab/ui/tuilab.tcss"]
    for path in MODULES:
        assert "DEFAULT_CSS" not in path.read_text(), f"{name_of(path)} styles outside of it"


def test_what_is_written_from_scratch_needs_only_python() -> None:
    for path in (PACKAGE / "scratch").glob("*.py"):
        for module, _, _ in imports(path):
            assert module.split(".")[0] in sys.stdlib_module_names, f"{name_of(path)}: {module}"


# --- shapes -----------------------------------------------------------------------------------


def test_no_class_inherits_from_two_of_ours() -> None:
    ours = classes()
    for name, definitions in ours.items():
        for path, node in definitions:
            bases = [ast.unparse(base).split("[")[0] for base in node.bases]
            assert sum(base in ours for base in bases) <= 1, f"{name_of(path)}: {name}{bases}"


@pytest.mark.parametrize("files", by_folder(MODULES))
def test_a_file_says_what_it_is_and_its_functions_are_short(files: list[Path]) -> None:
    for path in files:
        if path.name == "__init__.py" and path.parent != PACKAGE:
            assert path.read_text() == "", f"{name_of(path)} must be empty"
            continue
        assert ast.get_docstring(tree_of(path)), f"{name_of(path)} does not say what it is"
        for function in functions(path):
            length = (function.end_lineno or 0) - function.lineno
            assert length <= MAX_FUNCTION_LINES, (
                f"{name_of(path)}:{function.lineno} {function.name}"
            )


def public_functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of a file and methods of its public classes, without properties."""
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("_"):
            continue
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if not isinstance(inner, FUNCTION_NODES):
                continue
            is_property = any("property" in ast.unparse(d) for d in inner.decorator_list)
            if not inner.name.startswith("_") and not is_property:
                yield inner


VERB = re.compile(r"(?:[A-Z]\w*s|[A-Z]\w*s not)\b")
"""A verb in the third person: Returns, Builds, Draws."""


BARE_BASES = {"ABC", "Exception", "Generic", "Protocol", "Struct"}
"""Base classes without public methods to override."""


def may_override(owner: ast.ClassDef, name: str) -> bool:
    """Whether a base of ours has a method, or one of a library may have it."""
    for base in (ast.unparse(base).split("[")[0] for base in owner.bases):
        nodes = [node for _, node in classes().get(base, [])]
        if not nodes and base not in BARE_BASES:
            return True
        for node in nodes:
            own = [inner.name for inner in node.body if isinstance(inner, FUNCTION_NODES)]
            if name in own or may_override(node, name):
                return True
    return False


@pytest.mark.parametrize("files", by_folder(MODULES))
def test_docstrings_of_functions_begin_with_a_verb(files: list[Path]) -> None:
    """Only a method that overrides another may have none."""
    for path in files:
        owners = {
            inner: node
            for node in tree_of(path).body
            if isinstance(node, ast.ClassDef)
            for inner in node.body
        }
        for function in public_functions(path):
            text = ast.get_docstring(function)
            owner = owners.get(function)
            is_override = owner is not None and may_override(owner, function.name)
            is_said = VERB.match(text) if text else is_override
            assert is_said, f"{name_of(path)}:{function.lineno} {function.name}: {text}"


@pytest.mark.parametrize("files", by_folder(sorted((PACKAGE / "engine").rglob("*.py"))))
def test_public_functions_of_tensors_state_shapes(files: list[Path]) -> None:
    for path in files:
        for function in public_functions(path):
            annotations = [
                ast.unparse(part)
                for part in (*(a.annotation for a in function.args.args), function.returns)
                if part is not None
            ]
            if any(re.search(r"\bTensor\b", text) for text in annotations):
                text = ast.get_docstring(function) or ""
                is_said = re.search(r"\[[^\]]*\]|scalar|any shape|same shape|shape of", text)
                assert is_said, f"{name_of(path)}:{function.lineno} {function.name}"


# --- words ------------------------------------------------------------------------------------


def split_words(text: str) -> str:
    """Returns text in lower case, with names as words."""
    return " ".join(re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", text).lower().split())


def words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every name, string and comment of a file as words of lower case, with its line."""
    if not BANNED_WORD.search(split_words(path.read_text())):
        return  # most files, and reading them token by token takes long
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.NAME:
                yield token.start[0], split_words(token.string)
            elif token.type == tokenize.COMMENT:
                yield token.start[0], token.string.lower()
            elif token.type == tokenize.STRING:
                yield token.start[0], " ".join(token.string.lower().replace("_", " ").split())


@pytest.mark.parametrize("files", by_folder([*MODULES, *TESTS, *EXERCISES]))
def test_the_code_speaks_the_words_of_the_field(files: list[Path]) -> None:
    for path in files:
        for line, text in words_of(path):
            match = BANNED_WORD.search(text)
            is_said = match is not None and match[0] not in OLD_NAMES.get(path.name, ())
            assert not is_said, f"{name_of(path)}:{line}: {match and match[0]}"


def names_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every name that a file gives to a value, an argument or a function, with its line."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, FUNCTION_NODES):
            yield node.lineno, node.name


@pytest.mark.parametrize("files", by_folder([*MODULES, *TESTS, *EXERCISES]))
def test_a_name_says_what_it_names(files: list[Path]) -> None:
    for path in files:
        for line, name in names_of(path):
            if (path.name, name) not in FILE_KEYS:
                assert name.strip("_").lower() not in BANNED_NAMES, (
                    f"{name_of(path)}:{line}: {name}"
                )


def test_no_class_has_a_name_of_older_versions() -> None:
    for name, definitions in classes().items():
        plain = name.lstrip("_")
        is_banned = plain in BANNED_CLASSES or plain.endswith(BANNED_ENDINGS)
        assert not is_banned, f"{name_of(definitions[0][0])}: {name}"


def test_percent_signs_follow_their_number() -> None:
    for path in PROSE:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert not re.search(r"\d %", line), f"{name_of(path)}:{number}"


def test_the_prose_speaks_the_words_of_the_field() -> None:
    pattern = re.compile(rf"\b({'|'.join(BANNED_IN_PROSE)})\b", re.IGNORECASE)
    for path in PROSE:
        text = re.sub(r"\n#? ?", " ", path.read_text())  # a phrase may go on in the next line
        match = pattern.search(text)
        assert match is None, f"{name_of(path)}: {match and text[match.start() - 30 : match.end()]}"


# --- what loads what --------------------------------------------------------------------------


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh Python holds after running some code, packages among them."""
    code += "\nimport sys; print(' '.join(sys.modules))"
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


def test_the_lab_opens_without_what_reads_the_data_of_users() -> None:
    loaded = loaded_after("import tuilab.cli.main, tuilab.cli.launch, tuilab.ui.app")
    tables = {name for name in loaded if name.startswith("tuilab.core.files.tables.")}

    assert tables == {"tuilab.core.files.tables.read_options"}
    assert not loaded & {"tuilab.core.files.image_folders", "importlib.metadata", "typer"}


def test_the_training_loop_loads_no_textual() -> None:
    loaded = loaded_after("import tuilab.engine.train")

    assert not loaded & {"textual", "plotext", "typer", "torchvision"}


def test_the_host_loads_no_torch_before_it_works() -> None:
    loaded = loaded_after("import tuilab.host.process, tuilab.host.link")

    assert not loaded & {"torch", "torchvision", "textual", "plotext", "typer"}


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_every_shipped_preset_is_good_and_explained(name: str) -> None:
    preset = toml_file.find_presets()[name]

    assert find_errors(toml_file.read(preset.path)) == []
    assert preset.description.endswith("."), "its comments begin with a paragraph on what it is"
    assert "Things to try" in preset.path.read_text()
    assert preset.path.is_relative_to(paths.presets_dir())
