"""A lesson beside the lab: its page, its links, its questions, predictions and goals."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.fakes import READY, Lab, open_lab, started
from tuilab.core import paths
from tuilab.core.exercises import exercise
from tuilab.core.lessons import library, progress, review
from tuilab.core.protocol.commands import SetKnob, Start
from tuilab.core.protocol.events import EpochEnded, Failed, Finished, Paused
from tuilab.ui.controllers import questions
from tuilab.ui.controllers.exercises import ExerciseController
from tuilab.ui.panes.lesson import lesson_session

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

[Predict](prediction:line)

[Shape](question:shape)

[Reach it](goal:reach)

[Write the rule](exercise:perceptron-rule)
"""


@pytest.fixture
def lesson() -> Path:
    folder = paths.data_dir() / "lessons" / "round"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text(TOML)
    (folder / "lesson.md").write_text(PROSE)
    return folder


async def choose(lab: Lab, *link: Any) -> None:
    """Chooses a link on the page, as enter does."""
    text_view = lab.app.main_screen.panes.lesson.text_view
    links = [found for found in text_view._find_targets() if found[: len(link)] == link]
    assert links, f"{link} is not on the page:\n{lab.text}"
    text_view.focus()
    text_view.move_cursor_to(links[0])
    await lab.press("enter")


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (100, 30), (80, 24)])
async def test_a_lesson_opens_its_experiment_and_its_page_beside_the_lab(
    lesson: Path, size: tuple[int, int]
) -> None:
    async with open_lab(size=size, lesson="round") as lab:
        await lab.shows("Lesson · A circle 1/2", "The first step", "draws a line")
        assert lab.workspace.experiment.network == ("Linear 2",)
        assert lab.app.focused is lab.app.main_screen.panes.lesson.text_view
        await lab.press("right")
        await lab.shows("The second step", "All around")
        await lab.press("right", "left")
        await lab.shows("The first step")


async def test_a_lesson_stays_beside_what_it_opens_and_gives_way_to_edits(lesson: Path) -> None:
    async with open_lab(size=(100, 30), lesson="round") as lab:
        for key, is_beside in (("6", True), ("1", False), ("4", True), ("2", False), ("7", True)):
            await lab.press(key)
            await lab.until(lambda b=is_beside: ("The first step" in lab.text) == b)
            assert ("Hyperparameters" in lab.text) != is_beside


async def test_a_term_is_defined_and_a_link_acts(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.shows("perceptron")
        await lab.press("down", "enter")
        await lab.shows("perceptron: A single neuron")
        await lab.press("down", "enter")
        assert lab.workspace.experiment.optimizer.lr == 0.5


async def test_what_is_hidden_is_not_there_and_what_is_locked_stays(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.shows("Lesson")
        keys = [line.key for line in lab.app.main_screen.panes.knobs.line_list.lines]
        assert "data.noise" not in keys and "data.samples" in keys
        lab.app.main_screen.edits.change("data.name", "spiral")
        assert lab.workspace.experiment.data.title == "Circle"
        await lab.shows("This lesson locks data.name")


async def test_wrong_answers_are_told_why_and_right_ones_kept(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.shows("What is 3 + 1?")
        await choose(lab, "number", "sum")
        await lab.press("3", "enter")
        await lab.shows("Not yet. Nothing was added to 3.")
        await choose(lab, "number", "sum")
        await lab.press("4", "enter")
        await lab.shows("Right.")
        assert progress.load_progress()[0].lesson("round").questions == {"sum": False}

        session = lab.app.main_screen.lessons.session
        order = session.pose(session.source.lesson.questions[1]).order
        for place in (order.index(0), order.index(1), order.index(2)):
            await choose(lab, "pick", "order", place)
        assert progress.load_progress()[0].lesson("round").questions["order"] is True


async def test_shapes_are_filled_in(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "shape", "shape", 0)
        await lab.press("4", "enter")
        await lab.shows("After Linear 3 it is not [4]")
        await choose(lab, "shape", "shape", 0)
        await lab.press("3", "enter")
        await lab.shows("Right.")


async def test_a_prediction_is_scored_by_the_run(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "line", 0)
        await choose(lab, "test", "line")
        run = lab.link.commands(Start)[-1].run
        experiment = lab.workspace.experiment
        await lab.play(
            READY, started(run, experiment), EpochEnded(run, 13, 1, {}, {"accuracy": 0.6})
        )
        await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
        await lab.shows("It came out differently. It is straight.")
        assert progress.load_progress()[0].lesson("round").predictions == {"line": 0.0}


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
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "drawn")
        await lab.shows("Draw the loss.", "loss/validation 0.5 after 0% of the run")
        await lab.press(*["shift+up"] * 5, "end", *["shift+down"] * 11)
        await lab.shows("loss/validation 0 after 100% of the run")
        await lab.press("shift+left", "shift+down", "x", "enter")
        await lab.shows("what you drew", "train it and see")
        predicted = lab.app.main_screen.lessons.session.predictions["drawn"]
        assert predicted.value == pytest.approx([1 - knot / 32 for knot in range(33)])
        await choose(lab, "test", "drawn")
        run = lab.link.commands(Start)[-1].run
        await lab.play(READY, started(run, lab.workspace.experiment))
        for step in range(0, 51, 10):
            await lab.play(EpochEnded(run, step, 1, {}, {"loss": 1 - step / 100}))
        await lab.until(
            lambda: predicted.actual is not None and predicted.actual[16] == pytest.approx(0.5)
        )
        assert predicted.actual[-1] is None
        for step in range(60, 101, 10):
            await lab.play(EpochEnded(run, step, 1, {}, {"loss": 1 - step / 100}))
        await lab.play(Paused(run, 100))
        await lab.shows("You were right. It falls.")
        assert progress.load_progress()[0].lesson("round").predictions == {"drawn": 1.0}


async def test_what_was_missed_comes_back_in_the_review(lesson: Path) -> None:
    kept = progress.Progress()
    kept.record_answer("round", "sum", False, now=0)
    kept.record_answer("gone", "sum", False, now=0)
    progress.save_progress(kept)
    async with open_lab() as lab:
        before = lab.workspace.experiment
        await lab.press("C")
        await lab.shows("Review", "One question that you missed is due again.")
        await lab.press("home", "enter")
        await lab.shows("Review 1/2", "From the lesson A circle.", "What is 3 + 1?")
        assert lab.workspace.experiment == before
        await choose(lab, "number", "round/sum")
        await lab.press("4", "enter")
        await lab.shows("Right.")
        await lab.press("right")
        await lab.shows("That is all for now")
        kept, _ = progress.load_progress()
        assert [(card.lesson, card.box) for card in kept.deck] == [("round", 1), ("gone", 0)]
        assert set(kept.lessons) == {"round", "gone"}


async def test_a_term_that_was_not_known_comes_back_as_well(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "terms")
        await lab.shows("Terms of A circle 1/2", "Which term is this?")
        session = lab.app.main_screen.lessons.session
        question = session.source.lesson.questions[0]
        wrong = session.pose(question).order.index(1)
        await choose(lab, "pick", "round/term:perceptron", wrong)
        await lab.shows("Not yet.", "is something else:")
        kept, _ = progress.load_progress()
        assert [(card.lesson, card.question) for card in kept.deck] == [
            ("round", "term:perceptron")
        ]
        later = kept.deck[0].due + 1
        assert [q.name for _, q in review.find_due_questions(kept, later)] == ["term:perceptron"]
        await lab.press("right")
        await choose(lab, "lesson", "round")
        await lab.shows("Lesson · A circle 2/2")


async def test_a_goal_is_met_by_the_learners_own_run(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right", "h")
        await lab.shows("Look left.")
        await lab.press("space")
        run = lab.link.commands(Start)[-1].run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await lab.play(READY, started(run, lab.workspace.experiment), good)
        await lab.shows("Goal reached", "● All around", "Four lines close.", "best: 354 parameters")
        assert progress.load_progress()[0].lesson("round").goals == {"reach": 354}
        await lab.press("C")
        await lab.shows("The course", "goals 0/3")
        await lab.press("end")
        await lab.shows("goals 1/1", "best: 354 parameters")


async def test_a_prediction_whose_run_failed_can_be_tested_again(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "line", 1)
        await choose(lab, "test", "line")
        await lab.shows("the run is testing it")
        first = lab.link.commands(Start)[-1].run
        await lab.play(READY, started(first, lab.workspace.experiment))
        await lab.play(Failed(first, "The loss is NaN"))
        await lab.press("escape")
        await lab.shows("train it and see")
        await choose(lab, "test", "line")
        second = lab.link.commands(Start)[-1].run
        assert second != first
        await lab.play(started(second, lab.workspace.experiment))
        await lab.play(EpochEnded(second, 13, 1, {}, {"accuracy": 0.6}))
        await lab.play(Finished(second, "done", 65, 5, 1.0, {}))
        await lab.shows("You were right.")


async def test_a_run_that_tests_a_prediction_meets_no_goal_but_a_restart_does(lesson: Path) -> None:
    text = TOML.replace('all = [{ of = "accuracy/validation"', 'all = [{ of = "loss/validation"')
    (lesson / "lesson.toml").write_text(text)
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "line", 0)
        await choose(lab, "test", "line")
        for is_own in (False, True):
            run = lab.link.commands(Start)[-1].run
            good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.6, "loss": 0.95})
            await lab.play(READY, started(run, lab.workspace.experiment), good)
            await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
            text = "● All around" if is_own else "a run that tests a prediction does not count"
            await lab.shows(text)
            assert bool(progress.load_progress()[0].lesson("round").goals) == is_own
            await lab.press("r")


async def test_a_goal_does_not_count_where_more_was_changed(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        lab.app.main_screen.edits.change("optimizer.lr", 0.2)
        await lab.press("right", "space")
        run = lab.link.commands(Start)[-1].run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await lab.play(READY, started(run, lab.workspace.experiment), good)
        await lab.shows("it does not count: optimizer.lr")
        assert progress.load_progress()[0].lesson("round").goals == {}
        assert not lab.link.commands(SetKnob)


async def test_a_lesson_ends_at_the_door_of_the_next() -> None:
    async with open_lab(lesson="production") as lab:
        await lab.press(*["right"] * 9)
        await lab.until(lambda: "From the lab to production" in lab.text)
        assert "Next lesson" not in lab.text
    async with open_lab(lesson="neural-networks") as lab:
        await lab.press(*["right"] * 9)
        await choose(lab, "lesson", "perceptron")
        await lab.shows("Lesson · The perceptron 1/")


async def test_the_course_is_chosen_from_and_a_term_looked_up(lesson: Path) -> None:
    async with open_lab() as lab:
        await lab.press("7")
        await lab.shows("No lesson is open")
        await lab.press("C")
        await lab.shows("The course", "The perceptron")
        await lab.press("end", "enter")
        await lab.shows("Lesson · A circle 1/2")
        await lab.press("G", "b", "i", "a", "s")
        await lab.shows("Glossary", "the weighted sum of a neuron")


async def test_a_lesson_asks_before_it_replaces_edits_and_lets_its_own_go(lesson: Path) -> None:
    async with open_lab() as lab:
        lab.app.main_screen.edits.change("optimizer.lr", 0.2)
        edited = lab.workspace.experiment
        lab.app.main_screen.action_dispatch("lessons.open", "round")
        await lab.shows("The experiment has unsaved changes.")
        await lab.press("c")
        assert lab.workspace.experiment == edited and lab.app.main_screen.lessons.session is None
        lab.app.main_screen.action_dispatch("lessons.open", "round")
        await lab.shows("Unsaved changes")
        await lab.press("d")
        await lab.shows("Lesson · A circle 1/2")
        lab.app.main_screen.edits.change("optimizer.lr", 0.3)
        lab.app.main_screen.action_dispatch("lessons.open", "perceptron")
        await lab.shows("Lesson · The perceptron 1/")


async def test_a_damaged_progress_is_kept_aside_and_told(lesson: Path) -> None:
    progress.progress_file().parent.mkdir(parents=True, exist_ok=True)
    progress.progress_file().write_text('{"format": 1, "lessons": {"round": {"goals": {"rea')
    async with open_lab(lesson="round") as lab:
        await lab.shows("Your progress was damaged")
        assert list(progress.progress_file().parent.glob("progress.*.broken.json"))


async def test_code_is_written_in_the_editor_and_checked(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[list[str]] = []
    reference = exercise.find("perceptron-rule").reference

    def edit(self: object, command: list[str]) -> None:
        opened.append(command)
        if len(opened) > 1:
            Path(command[-1]).write_text(reference)

    monkeypatch.setattr(ExerciseController, "_edit", edit)
    monkeypatch.setenv("EDITOR", "true")
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        for text in ("not written yet", "✓ Write the rule"):
            await choose(lab, "exercise", "perceptron-rule")
            await lab.until(lambda t=text: t in lab.text, 60)
        assert opened[0][0] == "true"
        assert progress.load_progress()[0].lesson("round").exercises == ["perceptron-rule"]


def test_time_spent_is_counted_without_what_one_was_away(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((100.0, 160.0, 160.0 + 3600, 160.0 + 3600 + 40))
    monkeypatch.setattr(lesson_session.time, "monotonic", lambda: next(clock))
    session = lesson_session.LessonSession(library.read_lesson(lesson), progress.Progress())
    for _ in range(3):
        session.save()
    assert (
        progress.load_progress()[0].lesson("round").seconds
        == 60 + lesson_session.MAX_IDLE_SECONDS + 40
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("3,130", 3130), ("3 130", 3130), ("1,234,567.5", 1234567.5), ("0,5", 0.5), ("-2,5", -2.5),
     ("−7.5", -7.5), ("0,125", 0.125), ("12,34", 12.34), ("1e-3", 0.001)],
)  # fmt: skip
def test_a_number_is_taken_as_people_write_it(text: str, number: float) -> None:
    assert questions.parse_number(text) == number
