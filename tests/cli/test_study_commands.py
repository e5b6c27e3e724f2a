"""Finders and cross-validation on the command line: a table, a line of JSON, or a reason."""

import json

import pytest

from tests.support.shell import RunCommand

QUICK = ("--set", "training.epochs=2", "--set", "data.samples=90")


def test_a_learning_rate_is_suggested_as_an_option(run_command: RunCommand) -> None:
    code, out, err = run_command("find", "lr", "moons")

    assert (code, err) == (0, "")
    rows, end = out.splitlines()[1:-1], out.splitlines()[-1]
    assert len(rows) > 10 and sum(row.endswith(" <") for row in rows) == 1
    assert end.startswith("Suggested: --set optimizer.lr=")


def test_a_batch_size_is_found_in_json(run_command: RunCommand) -> None:
    code, out, err = run_command("find", "batch_size", "moons", "--json", *QUICK)

    report = json.loads(out)
    assert (code, err, report["event"], report["what"]) == (0, "", "finder_reported", "batch_size")
    assert [size for size, _ in report["points"]][:3] == [8, 16, 32]
    assert report["suggestion"] in [size for size, _ in report["points"]]


def test_folds_are_a_table_with_mean_and_standard_deviation(run_command: RunCommand) -> None:
    code, out, err = run_command("validate", "moons", "--folds", "3", *QUICK)

    assert (code, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split()[:3] == ["round", "loss", "accuracy"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "mean", "std"]
    losses = [float(row.split()[1]) for row in rows]
    assert losses[3] == pytest.approx(sum(losses[:3]) / 3, rel=1e-3)


def test_repeats_use_a_random_validation_part_each_time(run_command: RunCommand) -> None:
    code, out, err = run_command("validate", "moons", "--repeats", "2", "--json", *QUICK)

    report = json.loads(out)
    assert (code, err, report["total"], len(report["results"])) == (0, "", 2, 2)
    assert report["std"]["loss"] > 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("find", "both", "moons"), "lr or batch_size"),
        (("find", "lr", "gan"), "cannot compare learning rates"),
        (("find", "lr", "moons", "--set", "optimizer.name=lbfgs"), "chooses the length"),
        (("find", "batch_size", "communities"), "there is no batch to choose"),
        (("find", "lr", "nothing"), "there is no preset or file of this name"),
        (("validate", "moons", "--folds", "1"), "--folds"),
        (("validate", "moons", "--folds", "5000"), "cannot be divided into 5000 folds"),
        (("validate", "communities"), "it has a fixed validation set"),
        (("validate", "moons", "--repeats", "2", "--set", "data.validation=0"), "are held out"),
    ],
)
def test_an_impossible_study_is_refused(
    run_command: RunCommand, words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run_command(*words)

    assert (code, out) == (2, "")
    assert sentence in err and "Traceback" not in err
