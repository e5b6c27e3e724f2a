"""The search for a batch size: the sizes that it tries, its suggestion, and an unchanged run."""

import pytest
import torch

from tests.support.tiny_sessions import make_session
from tuilab.engine.session import Session
from tuilab.engine.studies import batch_size_finder


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory")],
    ids=["GPU", "CPU"],
)
def test_batch_sizes_double_up_to_all_examples_or_the_end_of_memory(
    error: RuntimeError, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [size for size, _ in batch_size_finder.try_batch_sizes(make_session(examples=57))]
    assert sizes[:3] == [8, 16, 32] and sizes[-1] <= 57

    session = make_session(examples=57)
    step = batch_size_finder._step

    def step_or_fail(session: Session) -> None:
        if session.batch_size > 16:
            raise error
        step(session)

    monkeypatch.setattr(batch_size_finder, "_step", step_or_fail)
    assert [size for size, _ in batch_size_finder.try_batch_sizes(session)] == [8, 16]


def test_the_suggestion_is_the_smallest_batch_that_is_nearly_as_fast() -> None:
    points = [(8.0, 100.0), (16.0, 190.0), (32.0, 200.0), (64.0, 205.0)]

    assert batch_size_finder.suggest_batch_size(points) == 16
    assert batch_size_finder.suggest_batch_size([]) is None
