"""Finders and cross-validation on the command line: a table, a line of JSON, or a reason."""

import json

import pytest

from tests.support.shell import Says

QUICK = ("--set", "training.epochs=2", "--set", "data.samples=90")


def test_a_learning_rate_is_suggested_as_an_option(says: Says):
    code, out, err = says("find", "lr", "moons")

    assert (code, err) == (0, "")
    rows, end = out.splitlines()[1:-1], out.splitlines()[-1]
    assert len(rows) > 10 and sum(row.endswith(" <") for row in rows) == 1
    assert end.startswith("Suggested: --set optimizer.lr=")


def test_a_batch_size_is_found_in_json(says: Says):
    code, out, err = says("find", "batch_size", "moons", "--json", *QUICK)

    found = json.loads(out)
    assert (code, err, found["event"], found["what"]) == (0, "", "finder_reported", "batch_size")
    assert [size for size, _ in found["points"]][:3] == [8, 16, 32]
    assert found["suggestion"] in [size for size, _ in found["points"]]


def test_folds_are_a_table_with_mean_and_standard_deviation(says: Says):
    code, out, err = says("validate", "moons", "--folds", "3", *QUICK)

    assert (code, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split()[:3] == ["round", "loss", "accuracy"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "mean", "std"]
    losses = [float(row.split()[1]) for row in rows]
    assert losses[3] == pytest.approx(sum(losses[:3]) / 3, rel=1e-3)


def test_repeats_use_a_random_validation_part_each_time(says: Says):
    code, out, err = says("validate", "moons", "--repeats", "2", "--json", *QUICK)

    validated = json.loads(out)
    assert (code, err, validated["total"], len(validated["results"])) == (0, "", 2, 2)
    assert validated["std"]["loss"] > 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("find", "both", "moons"), "lr or batch_size"),
        (("find", "lr", "gan"), "does not tell one learning rate from another"),
        (("find", "lr", "moons", "--set", "optimizer.name=lbfgs"), "chooses the length"),
        (("find", "batch_size", "communities"), "there is no batch to choose"),
        (("find", "lr", "nothing"), "there is no preset or file of this name"),
        (("validate", "moons", "--folds", "1"), "--folds"),
        (("validate", "moons", "--folds", "5000"), "cannot be divided into 5000 folds"),
        (("validate", "communities"), "it has a fixed validation set"),
        (("validate", "moons", "--repeats", "2", "--set", "data.validation=0"), "are held out"),
    ],
)
def test_a_study_that_is_not_possible_says_why(says: Says, words: tuple[str, ...], sentence: str):
    code, out, err = says(*words)

    assert (code, out) == (2, "")
    assert sentence in err and "Traceback" not in err
