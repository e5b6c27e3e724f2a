"""A lesson beside the lab: its page, its links, its questions, bets and goals."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.fakes import READY, Lab, lab, started
from tuilab.core import paths
from tuilab.core.exercises import exercise
from tuilab.core.lessons import lesson_validation, library, progress, review
from tuilab.core.protocol.commands import Set, Start
from tuilab.core.protocol.events import EpochEnded, Failed, Finished, Paused
from tuilab.ui import keymap
from tuilab.ui.controllers import questions
from tuilab.ui.controllers.exercises import ExerciseController
from tuilab.ui.panes import inspect
from tuilab.ui.panes.lesson import lesson_session
from tuilab.ui.screens.main import LabScreen

TOML = """
format = 1
title = "A circle"
summary = "It closes."
minutes = 5
hidden = ["augmentation", "data.noise"]
locked = ["data.name"]

[start]
network = ["Linear 2"]
[start.data]
name = "circle"
[start.training]
epochs = 5

[[goals]]
name = "reach"
title = "All around"
all = [{ of = "accuracy/validation", at_least = 0.9 }]
may_change = ["network"]
golf = "parameters"
hints = ["Look left.", "Add units.", "Write Linear 4 and Tanh."]
solution = [{ set = { network = ["Linear 4", "Tanh", "Linear 2"] } }]
why = "Four lines close."

[[predictions]]
name = "line"
text = "Can a line do it?"
choices = [
    { text = "Yes", why = "It is straight.", when = [
        { of = "accuracy/validation", at_least = 0.9 },
    ] },
    { text = "No" },
]
why = "A line does not close."

[[exercises]]
name = "perceptron-rule"

[[questions]]
name = "sum"
kind = "number"
text = "What is {a} + 1?"
numbers = { a = { low = 3, high = 3 } }
answer = "a + 1"
mistakes = [{ answer = "a", why = "Nothing was added to {a}." }]

[[questions]]
name = "order"
kind = "order"
text = "In order?"
steps = ["one", "two", "three"]
reasons = ["Two follows one.", "Three follows two."]

[[questions]]
name = "shape"
kind = "shapes"
text = "Which shape?"
shape = [4]
network = ["Linear 3", "ReLU"]
asked = [1]
"""

PROSE = """# A circle

## The first step

A [perceptron](term:) draws a line. [Take more units](set:optimizer.lr=0.5).

[What is it?](question:sum)

[Order](question:order)

## The second step

[Bet](prediction:line)

[Shape](question:shape)

[Reach it](goal:reach)

[Write the rule](exercise:perceptron-rule)
"""


@pytest.fixture
def lesson() -> Path:
    folder = paths.data() / "lessons" / "round"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text(TOML)
    (folder / "lesson.md").write_text(PROSE)
    return folder


async def chosen(it: Lab, *spot: Any) -> None:
    """Choose what stands on the page, as enter at it does."""
    reading = it.app.lab.lesson.reading
    spots = [s for s in reading._spots() if s[: len(spot)] == spot]
    assert spots, f"{spot} is not on the page:\n{it.text}"
    reading.focus()
    reading.point(spots[0])
    await it.press("enter")


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (100, 30), (80, 24)])
async def test_its_start_is_on_the_desk_and_its_page_beside_the_lab(
    lesson: Path, size: tuple[int, int]
) -> None:
    async with lab(size=size, lesson="round") as it:
        await it.shows("Lesson · A circle 1/2", "The first step", "draws a line")
        assert it.desk.experiment.network == ("Linear 2",)
        assert it.app.focused is it.app.lab.lesson.reading
        await it.press("right")
        await it.shows("The second step", "All around")
        await it.press("right", "left")
        await it.shows("The first step")


async def test_it_stays_beside_what_it_opens_and_gives_way_to_who_edits(lesson: Path) -> None:
    async with lab(size=(100, 30), lesson="round") as it:
        for key, is_beside in (("6", True), ("1", False), ("4", True), ("2", False), ("7", True)):
            await it.press(key)
            await it.until(lambda b=is_beside: ("The first step" in it.text) == b)
            assert ("Hyperparameters" in it.text) != is_beside


async def test_a_term_is_defined_and_a_link_acts(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.shows("perceptron")
        await it.press("down", "enter")
        await it.shows("perceptron: A single neuron")
        await it.press("down", "enter")
        assert it.desk.experiment.optimizer.lr == 0.5


async def test_what_is_hidden_is_not_there_and_what_is_locked_stays(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.shows("Lesson")
        keys = [line.key for line in it.app.lab.knobs.rows.lines]
        assert "data.noise" not in keys and "data.samples" in keys
        it.app.lab.change("data.name", "spiral")
        assert it.desk.experiment.data.title == "Circle"
        await it.shows("This lesson keeps data.name as it is")


async def test_wrong_answers_are_told_why_and_right_ones_kept(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.shows("What is 3 + 1?")
        await chosen(it, "number", "sum")
        await it.press("3", "enter")
        await it.shows("Not yet. Nothing was added to 3.")
        await chosen(it, "number", "sum")
        await it.press("4", "enter")
        await it.shows("Right.")
        assert progress.load()[0].of("round").questions == {"sum": False}

        teaching = it.app.lab.teaching
        order = teaching.asked(teaching.book.lesson.questions[1]).order
        for place in (order.index(0), order.index(1), order.index(2)):
            await chosen(it, "pick", "order", place)
        assert progress.load()[0].of("round").questions["order"] is True


async def test_shapes_are_filled_in(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.press("right")
        await chosen(it, "shape", "shape", 0)
        await it.press("4", "enter")
        await it.shows("After Linear 3 it is not [4]")
        await chosen(it, "shape", "shape", 0)
        await it.press("3", "enter")
        await it.shows("Right.")


async def test_a_bet_is_decided_by_the_run(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.press("right")
        await chosen(it, "bet", "line", 0)
        await chosen(it, "decide", "line")
        run = it.link.commands(Start)[-1].run
        experiment = it.desk.experiment
        await it.play(
            READY, started(run, experiment), EpochEnded(run, 13, 1, {}, {"accuracy": 0.6})
        )
        await it.play(Finished(run, "done", 65, 5, 1.0, {}))
        await it.shows("It was not so. It is straight. A line does")
        assert progress.load()[0].of("round").predictions == {"line": 0.0}


CURVE = """
[[predictions]]
name = "drawn"
text = "Draw the loss."
steps = 100
curve = "loss/validation"
low = 0
high = 1
why = "It falls."
"""


async def test_a_curve_is_drawn_and_laid_over_what_came(lesson: Path) -> None:
    (lesson / "lesson.toml").write_text(TOML.replace("[[exercises]]", CURVE + "[[exercises]]"))
    (lesson / "lesson.md").write_text(PROSE + "\n[Draw](prediction:drawn)\n")
    async with lab(lesson="round") as it:
        await it.press("right")
        await chosen(it, "bet", "drawn")
        await it.shows("Draw the loss.", "loss/validation 0.5 after 0% of the run")
        await it.press(*["shift+up"] * 5, "end", *["shift+down"] * 11)
        await it.shows("loss/validation 0 after 100% of the run")
        await it.press("shift+left", "shift+down", "x", "enter")
        await it.shows("what you drew", "train it and see")
        bet = it.app.lab.teaching.bets["drawn"]
        assert bet.said == pytest.approx([1 - knot / 32 for knot in range(33)])
        await chosen(it, "decide", "drawn")
        run = it.link.commands(Start)[-1].run
        await it.play(READY, started(run, it.desk.experiment))
        for step in range(0, 51, 10):
            await it.play(EpochEnded(run, step, 1, {}, {"loss": 1 - step / 100}))
        await it.until(lambda: bet.true is not None and bet.true[16] == pytest.approx(0.5))
        assert bet.true[-1] is None
        for step in range(60, 101, 10):
            await it.play(EpochEnded(run, step, 1, {}, {"loss": 1 - step / 100}))
        await it.play(Paused(run, 100))
        await it.shows("You were right. It falls.")
        assert progress.load()[0].of("round").predictions == {"drawn": 1.0}


async def test_what_was_missed_comes_back_in_the_review(lesson: Path) -> None:
    kept = progress.Progress()
    kept.answer("round", "sum", False, now=0)
    kept.answer("gone", "sum", False, now=0)
    progress.save(kept)
    async with lab() as it:
        before = it.desk.experiment
        await it.press("C")
        await it.shows("Review", "One question that you missed is due again.")
        await it.press("home", "enter")
        await it.shows("Review 1/2", "From the lesson A circle.", "What is 3 + 1?")
        assert it.desk.experiment == before
        await chosen(it, "number", "round/sum")
        await it.press("4", "enter")
        await it.shows("Right.")
        await it.press("right")
        await it.shows("That is all for now")
        kept, _ = progress.load()
        assert [(card.lesson, card.box) for card in kept.deck] == [("round", 1), ("gone", 0)]
        assert set(kept.lessons) == {"round", "gone"}


async def test_a_term_that_was_not_known_comes_back_as_well(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.press("right")
        await chosen(it, "terms")
        await it.shows("Terms of A circle 1/2", "Which term is this?")
        teaching = it.app.lab.teaching
        question = teaching.book.lesson.questions[0]
        wrong = teaching.asked(question).order.index(1)
        await chosen(it, "pick", "round/term:perceptron", wrong)
        await it.shows("Not yet.", "is something else:")
        kept, _ = progress.load()
        assert [(card.lesson, card.question) for card in kept.deck] == [
            ("round", "term:perceptron")
        ]
        later = kept.deck[0].due + 1
        assert [q.name for _, q in review.due(kept, later)] == ["term:perceptron"]
        await it.press("right")
        await chosen(it, "lesson", "round")
        await it.shows("Lesson · A circle 2/2")


async def test_a_goal_is_met_by_the_learners_own_run(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.press("right", "h")
        await it.shows("Look left.")
        await it.press("space")
        run = it.link.commands(Start)[-1].run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await it.play(READY, started(run, it.desk.experiment), good)
        await it.shows("Goal reached", "● All around", "Four lines close.", "best: 354 parameters")
        assert progress.load()[0].of("round").goals == {"reach": 354}
        await it.press("C")
        await it.shows("The course", "goals 0/3")
        await it.press("end")
        await it.shows("goals 1/1", "best: 354 parameters")


async def test_a_bet_whose_run_failed_can_be_tried_again(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        await it.press("right")
        await chosen(it, "bet", "line", 1)
        await chosen(it, "decide", "line")
        await it.shows("it is being decided")
        first = it.link.commands(Start)[-1].run
        await it.play(READY, started(first, it.desk.experiment))
        await it.play(Failed(first, "The loss is NaN"))
        await it.press("escape")
        await it.shows("train it and see")
        await chosen(it, "decide", "line")
        second = it.link.commands(Start)[-1].run
        assert second != first
        await it.play(started(second, it.desk.experiment))
        await it.play(EpochEnded(second, 13, 1, {}, {"accuracy": 0.6}))
        await it.play(Finished(second, "done", 65, 5, 1.0, {}))
        await it.shows("You were right.")


async def test_the_run_of_a_bet_meets_no_goal_but_the_same_once_more_does(lesson: Path) -> None:
    text = TOML.replace('all = [{ of = "accuracy/validation"', 'all = [{ of = "loss/validation"')
    (lesson / "lesson.toml").write_text(text)
    async with lab(lesson="round") as it:
        await it.press("right")
        await chosen(it, "bet", "line", 0)
        await chosen(it, "decide", "line")
        for is_own in (False, True):
            run = it.link.commands(Start)[-1].run
            good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.6, "loss": 0.95})
            await it.play(READY, started(run, it.desk.experiment), good)
            await it.play(Finished(run, "done", 65, 5, 1.0, {}))
            told = "● All around" if is_own else "a run that decides a bet does not count"
            await it.shows(told)
            assert bool(progress.load()[0].of("round").goals) == is_own
            await it.press("r")


async def test_a_goal_does_not_count_where_more_was_changed(lesson: Path) -> None:
    async with lab(lesson="round") as it:
        it.app.lab.change("optimizer.lr", 0.2)
        await it.press("right", "space")
        run = it.link.commands(Start)[-1].run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await it.play(READY, started(run, it.desk.experiment), good)
        await it.shows("it does not count: optimizer.lr")
        assert progress.load()[0].of("round").goals == {}
        assert not it.link.commands(Set)


async def test_a_lesson_ends_at_the_door_of_the_next() -> None:
    async with lab(lesson="production") as it:
        await it.press(*["right"] * 9)
        await it.until(lambda: "From the lab to production" in it.text)
        assert "The next lesson" not in it.text
    async with lab(lesson="neural-networks") as it:
        await it.press(*["right"] * 9)
        await chosen(it, "lesson", "perceptron")
        await it.shows("Lesson · The perceptron 1/")


async def test_the_course_is_chosen_from_and_a_term_looked_up(lesson: Path) -> None:
    async with lab() as it:
        await it.press("7")
        await it.shows("No lesson is open")
        await it.press("C")
        await it.shows("The course", "The perceptron")
        await it.press("end", "enter")
        await it.shows("Lesson · A circle 1/2")
        await it.press("G", "b", "i", "a", "s")
        await it.shows("Glossary", "the weighted sum of a neuron")


async def test_a_lesson_asks_before_it_replaces_edits_and_lets_its_own_go(lesson: Path) -> None:
    async with lab() as it:
        it.app.lab.change("optimizer.lr", 0.2)
        edited = it.desk.experiment
        it.app.lab.teach("round")
        await it.shows("The experiment has changes that are in no file.")
        await it.press("c")
        assert it.desk.experiment == edited and it.app.lab.teaching is None
        it.app.lab.teach("round")
        await it.shows("Unsaved changes")
        await it.press("d")
        await it.shows("Lesson · A circle 1/2")
        it.app.lab.change("optimizer.lr", 0.3)
        it.app.lab.teach("perceptron")
        await it.shows("Lesson · The perceptron 1/")


async def test_a_damaged_progress_is_kept_aside_and_told(lesson: Path) -> None:
    progress.path().parent.mkdir(parents=True, exist_ok=True)
    progress.path().write_text('{"format": 1, "lessons": {"round": {"goals": {"rea')
    async with lab(lesson="round") as it:
        await it.shows("Your progress was damaged")
        assert list(progress.path().parent.glob("progress.*.broken.json"))


async def test_code_is_written_in_the_editor_and_checked(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[list[str]] = []
    reference = exercise.find("perceptron-rule").reference

    def edit(self: object, command: list[str]) -> None:
        opened.append(command)
        if len(opened) > 1:
            Path(command[-1]).write_text(reference)

    monkeypatch.setattr(ExerciseController, "_edit_in_the_terminal", edit)
    monkeypatch.setenv("EDITOR", "true")
    async with lab(lesson="round") as it:
        await it.press("right")
        for wanted in ("not written yet", "written and right"):
            await chosen(it, "exercise", "perceptron-rule")
            await it.until(lambda w=wanted: w in it.text, 60)
        assert opened[0][0] == "true"
        assert progress.load()[0].of("round").exercises == ["perceptron-rule"]


def test_time_spent_is_counted_without_what_one_was_away(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((100.0, 160.0, 160.0 + 3600, 160.0 + 3600 + 40))
    monkeypatch.setattr(lesson_session.time, "monotonic", lambda: next(clock))
    taught = lesson_session.Teaching(library.read(lesson), progress.Progress())
    for _ in range(3):
        taught.save()
    assert progress.load()[0].of("round").seconds == 60 + lesson_session.PAUSE + 40


@pytest.mark.parametrize(
    ("text", "number"),
    [("3,130", 3130), ("3 130", 3130), ("1,234,567.5", 1234567.5), ("0,5", 0.5), ("-2,5", -2.5),
     ("−7.5", -7.5), ("0,125", 0.125), ("12,34", 12.34), ("1e-3", 0.001)],
)  # fmt: skip
def test_a_number_is_taken_as_people_write_it(text: str, number: float) -> None:
    assert questions._number(text) == number


def test_what_the_checker_knows_of_the_lab_is_what_the_lab_has() -> None:
    assert lesson_validation.PANES == keymap.PANES
    assert tuple(kind.name for kind in inspect.KINDS) == lesson_validation.VIEWS
    assert [
        deed for deed in lesson_validation.DEEDS if not hasattr(LabScreen, f"action_{deed}")
    ] == []
