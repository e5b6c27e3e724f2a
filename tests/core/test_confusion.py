"""The scores of a confusion matrix, against counting examples one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run.confusion import ConfusionMatrix, macro_average

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


def matrix(classes: int, answers: list[tuple[int, int]]) -> ConfusionMatrix:
    return ConfusionMatrix(
        [[answers.count((target, guess)) for guess in range(classes)] for target in range(classes)]
    )


@given(ANSWERS)
def test_every_class_is_scored_by_counting(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    classes, answers = drawn

    scores = matrix(classes, answers).class_scores()

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
    counted = matrix(classes, answers)
    targets = [target for target, _ in answers]

    correct = sum(target == guess for target, guess in answers)
    assert counted.total == len(answers)
    assert counted.accuracy == correct / len(answers)
    assert counted.majority_share == max(map(targets.count, targets)) / len(targets)
    always = [(target, max(targets, key=targets.count)) for target in targets]
    assert counted.majority_share == matrix(classes, always).accuracy


@given(ANSWERS)
def test_a_macro_average_omits_classes_without_examples(
    drawn: tuple[int, list[tuple[int, int]]],
) -> None:
    classes, answers = drawn
    counts = matrix(classes, answers).counts
    bigger = ConfusionMatrix([[*row, 0] for row in counts] + [[0] * (classes + 1)])
    scores = ConfusionMatrix(counts).class_scores()

    average = macro_average(scores)

    if classes > 2:
        assert average == pytest.approx(macro_average(bigger.class_scores()))
        recalls = [score.recall for score in scores if score.support]
        assert average[1] == pytest.approx(sum(recalls) / len(recalls))
    else:
        assert average == (scores[1].precision, scores[1].recall, scores[1].f1)


def test_without_examples_all_scores_are_zero() -> None:
    empty = ConfusionMatrix([[0, 0], [0, 0]])

    assert empty.total == empty.accuracy == empty.majority_share == 0
    assert macro_average(empty.class_scores()) == (0, 0, 0)
