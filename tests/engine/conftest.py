"""The fixtures of the engine's tests."""

import pytest

from tests.support.passed_exercises import pass_exercise

EXERCISES = ("forward-pass", "activations", "dropout", "batch-norm", "attention", "losses")
"""The exercises whose code can be a layer or a loss of a run."""


@pytest.fixture
def passed_exercises() -> None:
    """A learner who has passed these exercises."""
    for name in EXERCISES:
        pass_exercise(name)
