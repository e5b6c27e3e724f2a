"""The coding exercises of the course."""

import ast
from functools import cache, cached_property
from pathlib import Path

from msgspec import Struct

from tuilab.core import paths
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.knobs import convert
from tuilab.core.experiment.toml_file import parse_toml

CARD, STUB, REFERENCE, CASES = "exercise.toml", "stub.py", "reference.py", "cases.py"
"""The files of an exercise's folder."""


class Mistake(Struct, frozen=True, forbid_unknown_fields=True):
    """A typical mistake, written as a change of the reference."""

    function: str
    right: str
    "A part of the reference's function that occurs once."
    wrong: str
    "What replaces it."
    message: str
    "What is wrong, and what would be right."


class _Card(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `exercise.toml`."""

    title: str
    mistakes: tuple[Mistake, ...]
    use: str = ""


class Exercise:
    """A shipped exercise: stub, reference solution, typical mistakes and random cases.

    Args:
        name: the name of its folder in `presets/exercises`; a user's folder is never read.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._folder = _exercises_dir() / name
        file = self._folder / CARD
        table = parse_toml(file.read_text(encoding="utf-8"), file)
        card = convert(table, _Card, str(file))
        self.title: str = card.title
        self.use: str = card.use
        "How a run uses the learner's code after it has passed; empty where none does."
        self.mistakes: tuple[Mistake, ...] = card.mistakes

    @cached_property
    def stub(self) -> str:
        """The file that the learner begins with."""
        return (self._folder / STUB).read_text(encoding="utf-8")

    @cached_property
    def reference(self) -> str:
        """A right solution; it is called in the same way as the learner's."""
        return (self._folder / REFERENCE).read_text(encoding="utf-8")

    @property
    def cases_path(self) -> Path:
        """The module that draws the random cases; it needs torch."""
        return self._folder / CASES

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions to write, in order."""
        return tuple(split_functions(self.stub))

    def variant(self, *mistakes: Mistake) -> str:
        """Returns the reference with one or several mistakes.

        Raises:
            InputError: a mistake does not fit the reference.
        """
        source = self.reference
        for mistake in mistakes:
            part = split_functions(source).get(mistake.function, "")
            if part.count(mistake.right) != 1:
                raise InputError(
                    f"{mistake.right!r} does not occur exactly once in {mistake.function}",
                    self.name,
                )
            source = source.replace(part, part.replace(mistake.right, mistake.wrong))
        return source


def split_functions(source: str) -> dict[str, str]:
    """Returns the text of each function of a module, by name and in order."""
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    lines = source.splitlines(keepends=True)
    return {node.name: "".join(lines[node.lineno - 1 : node.end_lineno]) for node in nodes}


def exercise_names() -> tuple[str, ...]:
    """Returns the names of all exercises."""
    return tuple(sorted(file.parent.name for file in _exercises_dir().glob(f"*/{CARD}")))


@cache
def find(name: str) -> Exercise:
    """Returns the exercise of this name, read once.

    Raises:
        InputError: there is none; the message offers the nearest name.
    """
    if name not in exercise_names():
        problem = f'there is no exercise "{name}"'
        raise InputError(with_suggestion(problem, name, exercise_names()))
    return Exercise(name)


def _exercises_dir() -> Path:
    return paths.presets_dir() / "exercises"
