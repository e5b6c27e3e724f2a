"""The scores of a confusion matrix, compared with counting examples one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run.confusion import ConfusionMatrix, macro_average

PREDICTIONS = st.integers(2, 5).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        st.lists(
            st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)),
            min_size=1, max_size=40,
        ),
    )
)  # fmt: skip
"""A number of classes, and the true and the predicted class of some examples."""


def count_pairs(classes: int, pairs: list[tuple[int, int]]) -> ConfusionMatrix:
    return ConfusionMatrix(
        [[pairs.count((target, other)) for other in range(classes)] for target in range(classes)]
    )


@given(PREDICTIONS)
def test_every_class_is_scored_by_counting(sample: tuple[int, list[tuple[int, int]]]) -> None:
    classes, pairs = sample

    scores = count_pairs(classes, pairs).class_scores()

    for number, score in enumerate(scores):
        hits = sum(target == prediction == number for target, prediction in pairs)
        predicted = sum(prediction == number for _, prediction in pairs)
        support = sum(target == number for target, _ in pairs)
        assert score.support == support
        assert score.precision == (hits / predicted if predicted else 0)
        assert score.recall == (hits / support if support else 0)
        f1 = 2 * hits / (predicted + support) if predicted + support else 0  # as Dice's coefficient
        assert score.f1 == pytest.approx(f1)


@given(PREDICTIONS)
def test_accuracy_and_its_baseline(sample: tuple[int, list[tuple[int, int]]]) -> None:
    classes, pairs = sample
    matrix = count_pairs(classes, pairs)
    targets = [target for target, _ in pairs]

    correct = sum(target == prediction for target, prediction in pairs)
    assert matrix.total == len(pairs)
    assert matrix.accuracy == correct / len(pairs)
    assert matrix.majority_share == max(map(targets.count, targets)) / len(targets)
    always = [(target, max(targets, key=targets.count)) for target in targets]
    assert matrix.majority_share == count_pairs(classes, always).accuracy


@given(PREDICTIONS)
def test_a_macro_average_omits_classes_without_examples(
    sample: tuple[int, list[tuple[int, int]]],
) -> None:
    classes, pairs = sample
    counts = count_pairs(classes, pairs).counts
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
