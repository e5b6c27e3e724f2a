"""What the learner has written, in a run: functions of an exercise, after it has passed its check.

It is the one place where a run executes what a user wrote: only their own file, from their own
folder, in the very text that the check has passed, and only where an experiment asks for it.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.exercises import learner_files
from tuilab.engine.grading.outcome import Fault, Unloadable, fault, load


class Code:
    """The functions of one exercise, as they passed."""

    def __init__(self, exercise: str, asked: str, used: str = "") -> None:
        """Read them; InputError where the exercise has not passed as it stands.

        Args:
            asked: the key of the experiment that asks for it.
            used: where it is told when a function fails; the same key without it.
        """
        self._path, self._used = str(learner_files.path(exercise)), used or asked
        try:
            self._functions = load(learner_files.passed_source(exercise), self._path)
        except InputError as error:
            raise InputError(error.problem, asked, *error.where) from None
        except Unloadable as error:
            raise self._failed(exercise, error.fault) from None

    def __deepcopy__(self, memo: Any) -> "Code":
        """Itself: nothing of it is ever changed."""
        return self

    def call(self, name: str, *given: Any, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What a function returns for copies of these; InputError where it fails.

        Copies, so that whatever it does in place stays its own affair. Numbers and a dictionary
        for it to remember things in are handed on as they are.

        Args:
            like: what it must return, by their shapes.
        """
        copies = [value.clone() if isinstance(value, Tensor) else value for value in given]
        try:
            found = self._functions[name](*copies)
        except Exception as error:
            raise self._failed(name, fault(error, self._path)) from error
        parts = found if isinstance(found, tuple) else (found,)
        shapes = [_shape(part) for part in parts]
        wanted = [_shape(tensor) for tensor in like]
        if shapes != wanted:
            says = f"it returned {', '.join(shapes)} instead of {', '.join(wanted)}"
            raise self._failed(name, Fault("shape", says))
        return parts

    def one(self, name: str, *given: Any, like: Tensor) -> Tensor:
        """The same of a function that returns a single tensor."""
        return self.call(name, *given, like=[like])[0]

    def _failed(self, name: str, found: Fault) -> InputError:
        return InputError(f"your {name} failed: {found.says}", self._used, self._path)


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
