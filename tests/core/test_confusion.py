"""What is read off a confusion matrix, against counting examples one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run import confusion

ANSWERS = st.integers(2, 5).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        st.lists(
            st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)),
            min_size=1, max_size=40,
        ),
    )
)  # fmt: skip
"""A number of classes, and the true and the predicted class of some examples."""


def matrix(classes: int, answers: list[tuple[int, int]]) -> list[list[int]]:
    return [
        [answers.count((target, guess)) for guess in range(classes)] for target in range(classes)
    ]


@given(ANSWERS)
def test_every_class_is_scored_by_counting(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    classes, answers = drawn

    scores = confusion.per_class(matrix(classes, answers))

    for number, score in enumerate(scores):
        hits = sum(target == guess == number for target, guess in answers)
        taken = sum(guess == number for _, guess in answers)
        there = sum(target == number for target, _ in answers)
        assert score.support == there
        assert score.precision == (hits / taken if taken else 0)
        assert score.recall == (hits / there if there else 0)
        f1 = 2 * hits / (taken + there) if taken + there else 0  # Dice: the same, said otherwise
        assert score.f1 == pytest.approx(f1)


@given(ANSWERS)
def test_accuracy_and_its_baseline(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    classes, answers = drawn
    counts = matrix(classes, answers)
    targets = [target for target, _ in answers]

    right = sum(target == guess for target, guess in answers)
    assert confusion.accuracy(counts) == right / len(answers)
    assert confusion.majority(counts) == max(map(targets.count, targets)) / len(targets)
    always = [(target, max(targets, key=targets.count)) for target in targets]
    assert confusion.majority(counts) == confusion.accuracy(matrix(classes, always))


@given(ANSWERS)
def test_a_mean_over_classes_leaves_out_those_that_do_not_occur(
    drawn: tuple[int, list[tuple[int, int]]],
) -> None:
    classes, answers = drawn
    counts = matrix(classes, answers)
    bigger = [[*row, 0] for row in counts] + [[0] * (classes + 1)]
    scores = confusion.per_class(counts)

    found = confusion.macro(scores)

    if classes > 2:
        assert found == pytest.approx(confusion.macro(confusion.per_class(bigger)))
        there = [score.recall for score in scores if score.support]
        assert found[1] == pytest.approx(sum(there) / len(there))
    else:
        assert found == (scores[1].precision, scores[1].recall, scores[1].f1)


def test_of_nothing_all_is_zero() -> None:
    counts = [[0, 0], [0, 0]]

    assert confusion.accuracy(counts) == confusion.majority(counts) == 0
    assert confusion.macro(confusion.per_class(counts)) == (0, 0, 0)
