"""An exercise in code: its stub, its reference solution and the mistakes that are often made."""

import ast
import tomllib
from functools import cache, cached_property
from pathlib import Path

from msgspec import Struct

from tuilab.core import paths
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment.knobs import convert
from tuilab.core.experiment.toml_file import not_toml

FILE, STUB, REFERENCE = "exercise.toml", "stub.py", "reference.py"


class Mistake(Struct, frozen=True, forbid_unknown_fields=True):
    """One way to get it wrong, written as a change of the reference."""

    function: str
    right: str
    "What stands, once, in the reference's function."
    wrong: str
    "What stands there instead in the wrong variant."
    says: str
    "What it is and what would be right."


class _Card(Struct, frozen=True, forbid_unknown_fields=True):
    """The file that lies beside stub and reference."""

    title: str
    mistakes: tuple[Mistake, ...]
    use: str = ""


class Exercise:
    """A shipped exercise by its name."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        file = folder / FILE
        try:
            plain = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise not_toml(error, file) from None
        card = convert(plain, _Card, str(file))
        self.title: str = card.title
        self.use: str = card.use
        """How a run makes use of it, once it has passed; empty where none does."""
        self.mistakes: tuple[Mistake, ...] = card.mistakes

    @cached_property
    def stub(self) -> str:
        """What the learner begins with."""
        return (self._folder / STUB).read_text(encoding="utf-8")

    @cached_property
    def reference(self) -> str:
        """A right solution; it runs in the same way as the learner's."""
        return (self._folder / REFERENCE).read_text(encoding="utf-8")

    @property
    def functions(self) -> tuple[str, ...]:
        """What is to be written, in order."""
        return tuple(functions(self.stub))

    def variant(self, *mistakes: Mistake) -> str:
        """The reference with one mistake or several; InputError where one does not fit."""
        source = self.reference
        for mistake in mistakes:
            part = functions(source).get(mistake.function, "")
            if part.count(mistake.right) != 1:
                raise InputError(
                    f"{mistake.right!r} does not stand exactly once in {mistake.function}",
                    self.name,
                )
            source = source.replace(part, part.replace(mistake.right, mistake.wrong))
        return source


def functions(source: str) -> dict[str, str]:
    """The text of each function of a module, by name and in order."""
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    lines = source.splitlines(keepends=True)
    return {node.name: "".join(lines[node.lineno - 1 : node.end_lineno]) for node in nodes}


def names() -> tuple[str, ...]:
    """Every exercise there is."""
    return tuple(sorted(file.parent.name for file in _shelf().glob(f"*/{FILE}")))


@cache
def find(name: str) -> Exercise:
    """The exercise of this name, read once; InputError offers the nearest."""
    if name not in names():
        hint = nearest(name, names())
        raise InputError(f'there is no exercise "{name}"' + (f"; {hint}" if hint else ""))
    return Exercise(name, _shelf() / name)


def _shelf() -> Path:
    return paths.presets() / "exercises"
