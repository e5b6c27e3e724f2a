"""The learner's functions in a run, after their exercise has passed its check.

This is the only place where a run executes code that a user wrote: only their own file, from their
own folder, in exactly the text that has passed, and only where an experiment asks for it.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.exercises import learner_files
from tuilab.engine.grading.outcome import Fault, LoadError, describe_exception, load


class LearnerCode:
    """The functions of one exercise, as they passed.

    Args:
        exercise: its name.
        key: the key of the experiment that asks for them.
        failure_key: the key to report when a function fails; by default the same.

    Raises:
        InputError: the exercise has not passed in its present form.
    """

    def __init__(self, exercise: str, key: str, failure_key: str = "") -> None:
        self._path, self._failure_key = str(learner_files.path_of(exercise)), failure_key or key
        try:
            self._functions = load(learner_files.passed_source(exercise), self._path)
        except InputError as error:
            raise InputError(error.problem, key, *error.where) from None
        except LoadError as error:
            raise self._failure(exercise, error.fault) from None

    def __deepcopy__(self, memo: Any) -> "LearnerCode":
        """Returns itself, since it never changes."""
        return self

    def call(self, name: str, *arguments: Any, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Returns the results of a function.

        Tensors are copied, so that the function may change them in place; numbers and the state of
        an optimizer are passed on unchanged.

        Args:
            like: tensors of any shape that the results must have the shapes of.

        Raises:
            InputError: the function fails, or returns something else.
        """
        copies = [value.clone() if isinstance(value, Tensor) else value for value in arguments]
        try:
            returned = self._functions[name](*copies)
        except Exception as error:
            raise self._failure(name, describe_exception(error, self._path)) from error
        results = returned if isinstance(returned, tuple) else (returned,)
        shapes = [_describe_shape(result) for result in results]
        expected = [_describe_shape(tensor) for tensor in like]
        if shapes != expected:
            message = f"it returned {', '.join(shapes)} instead of {', '.join(expected)}"
            raise self._failure(name, Fault("shape", message))
        return results

    def call_single(self, name: str, *arguments: Any, like: Tensor) -> Tensor:
        """Returns the single result of a function, in the shape of `like`, which may be any."""
        return self.call(name, *arguments, like=[like])[0]

    def _failure(self, name: str, fault: Fault) -> InputError:
        return InputError(f"your {name} failed: {fault.message}", self._failure_key, self._path)


def _describe_shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
