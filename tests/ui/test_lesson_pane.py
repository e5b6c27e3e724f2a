"""A lesson beside the lab: its page, its links, its questions, predictions and goals."""

from functools import partial
from pathlib import Path

import pytest

from tests.support.circle_lesson import (
    PROSE,
    TOML,
    choose,
    session_of,
    shows_lesson,
    write_circle_lesson,
)
from tests.support.fake_link import READY, started_event
from tests.support.lab_pilot import SIZES, open_lab
from tuilab.core.exercises import exercise
from tuilab.core.lessons import library, progress, progress_file, review
from tuilab.core.protocol.commands import SetKnob, Start
from tuilab.core.protocol.events import EpochEnded, Failed, Finished, Paused
from tuilab.ui.controllers import exercises, questions
from tuilab.ui.controllers.context import Context
from tuilab.ui.panes.lesson import lesson_session


@pytest.fixture
def lesson() -> Path:
    return write_circle_lesson()


@pytest.mark.parametrize("size", [*SIZES, pytest.param((100, 30), marks=pytest.mark.slow)])
async def test_a_lesson_opens_its_experiment_and_its_page_beside_the_lab(
    lesson: Path, size: tuple[int, int]
) -> None:
    async with open_lab(size=size, lesson="round") as lab:
        await lab.wait_for_text("Lesson · A circle 1/2", "The first step", "draws a line")
        assert lab.workspace.experiment.network == ("Linear 2",)
        assert lab.app.focused is lab.app.main_screen.panes.lesson.text_view
        await lab.press("right")
        await lab.wait_for_text("The second step", "All around")
        await lab.press("right", "left")
        await lab.wait_for_text("The first step")


async def test_a_lesson_stays_beside_results_and_is_hidden_by_panes_for_edits(lesson: Path) -> None:
    async with open_lab(size=(100, 30), lesson="round") as lab:
        for key, is_beside in (("6", True), ("1", False), ("4", True), ("2", False), ("7", True)):
            await lab.press(key)
            await lab.wait_until(partial(shows_lesson, lab, is_beside))
            assert ("Hyperparameters" in lab.text) != is_beside


async def test_a_link_defines_a_term_or_changes_the_experiment(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.wait_for_text("perceptron")
        await lab.press("t", "enter")
        await lab.wait_for_text("perceptron: A single neuron")
        await lab.press("down", "enter")
        assert lab.workspace.experiment.optimizer.lr == 0.5


async def test_hidden_knobs_are_not_listed_and_locked_ones_cannot_be_changed(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.wait_for_text("Lesson")
        keys = [line.key for line in lab.app.main_screen.panes.knobs.line_list.lines]
        assert "data.noise" not in keys and "data.samples" in keys
        lab.app.main_screen.edits.change("data.name", "spiral")
        assert lab.workspace.experiment.data.title == "Circle"
        await lab.wait_for_text("This lesson locks data.name")


async def test_wrong_answers_are_explained_and_right_ones_recorded(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.wait_for_text("What is 3 + 1?")
        await choose(lab, "number", "sum")
        await lab.press("3", "enter")
        await lab.wait_for_text("Not yet. Nothing was added to 3.")
        await choose(lab, "number", "sum")
        await lab.press("4", "enter")
        await lab.wait_for_text("Right.")
        assert progress_file.load_progress()[0].lesson("round").questions == {"sum": False}

        session = session_of(lab)
        order = session.pose(session.source.lesson.questions[1]).order
        for index in (order.index(0), order.index(1), order.index(2)):
            await choose(lab, "pick", "order", index)
        assert progress_file.load_progress()[0].lesson("round").questions["order"] is True


async def test_shapes_are_filled_in(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "shape", "shape", 0)
        await lab.press("4", "enter")
        await lab.wait_for_text("After Linear 3 it is not [4]")
        await choose(lab, "shape", "shape", 0)
        await lab.press("3", "enter")
        await lab.wait_for_text("Right.")


async def test_a_prediction_is_scored_by_the_run(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "line", 0)
        await choose(lab, "test", "line")
        run = lab.link.commands(Start)[-1].run
        experiment = lab.workspace.experiment
        await lab.play(
            READY, started_event(run, experiment), EpochEnded(run, 13, 1, {}, {"accuracy": 0.6})
        )
        await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
        await lab.wait_for_text("It came out differently. It is straight.")
        assert progress_file.load_progress()[0].lesson("round").predictions == {"line": 0.0}


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


async def test_a_predicted_curve_is_drawn_and_compared_with_the_run(lesson: Path) -> None:
    (lesson / "lesson.toml").write_text(TOML.replace("[[exercises]]", CURVE + "[[exercises]]"))
    (lesson / "lesson.md").write_text(PROSE + "\n[Draw](prediction:drawn)\n")
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "drawn")
        await lab.wait_for_text("Draw the loss.", "loss/validation 0.5 after 0% of the run")
        await lab.press(*["shift+up"] * 5, "end", *["shift+down"] * 11)
        await lab.wait_for_text("loss/validation 0 after 100% of the run")
        await lab.press("shift+left", "shift+down", "x", "enter")
        await lab.wait_for_text("what you drew", "train it and see")
        predicted = session_of(lab).predictions["drawn"]
        assert predicted.value == pytest.approx([1 - knot / 32 for knot in range(33)])
        await choose(lab, "test", "drawn")
        run = lab.link.commands(Start)[-1].run
        await lab.play(READY, started_event(run, lab.workspace.experiment))
        for step in range(0, 51, 10):
            await lab.play(EpochEnded(run, step, 1, {}, {"loss": 1 - step / 100}))
        await lab.wait_until(
            lambda: predicted.actual is not None and predicted.actual[16] == pytest.approx(0.5)
        )
        assert predicted.actual[-1] is None
        for step in range(60, 101, 10):
            await lab.play(EpochEnded(run, step, 1, {}, {"loss": 1 - step / 100}))
        await lab.play(Paused(run, 100))
        await lab.wait_for_text("You were right. It falls.")
        assert progress_file.load_progress()[0].lesson("round").predictions == {"drawn": 1.0}


async def test_missed_questions_come_back_in_the_review(lesson: Path) -> None:
    learner = progress.Progress()
    learner.record_answer("round", "sum", False, now=0)
    learner.record_answer("gone", "sum", False, now=0)
    progress_file.save_progress(learner)
    async with open_lab() as lab:
        before = lab.workspace.experiment
        await lab.press("C")
        await lab.wait_for_text("Review", "One question that you missed is due again.")
        await lab.press("home", "enter")
        await lab.wait_for_text("Review 1/2", "From the lesson A circle.", "What is 3 + 1?")
        assert lab.workspace.experiment == before
        await choose(lab, "number", "round/sum")
        await lab.press("4", "enter")
        await lab.wait_for_text("Right.")
        await lab.press("right")
        await lab.wait_for_text("That is all for now")
        learner, _ = progress_file.load_progress()
        assert [(card.lesson, card.box) for card in learner.deck] == [("round", 1), ("gone", 0)]
        assert set(learner.lessons) == {"round", "gone"}


async def test_missed_terms_come_back_too(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "terms")
        await lab.wait_for_text("Terms of A circle 1/2", "Which term is this?")
        session = session_of(lab)
        question = session.source.lesson.questions[0]
        wrong = session.pose(question).order.index(1)
        await choose(lab, "pick", "round/term:perceptron", wrong)
        await lab.wait_for_text("Not yet.", "is something else:")
        learner, _ = progress_file.load_progress()
        assert [(card.lesson, card.question) for card in learner.deck] == [
            ("round", "term:perceptron")
        ]
        later = learner.deck[0].due + 1
        assert [q.name for _, q in review.find_due_questions(learner, later)] == ["term:perceptron"]
        await lab.press("right")
        await choose(lab, "lesson", "round")
        await lab.wait_for_text("Lesson · A circle 2/2")


async def test_a_goal_is_met_by_the_learners_own_run(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right", "h")
        await lab.wait_for_text("Look left.")
        await lab.press("space")
        run = lab.link.commands(Start)[-1].run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await lab.play(READY, started_event(run, lab.workspace.experiment), good)
        await lab.wait_for_text(
            "Goal reached", "● All around", "Four lines close.", "best: 354 parameters"
        )
        assert progress_file.load_progress()[0].lesson("round").goals == {"reach": 354}
        await lab.press("C")
        await lab.wait_for_text("The course", "goals 0/3")
        await lab.press("end")
        await lab.wait_for_text("goals 1/1", "best: 354 parameters")


async def test_a_prediction_whose_run_failed_can_be_tested_again(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "line", 1)
        await choose(lab, "test", "line")
        await lab.wait_for_text("the run is testing it")
        first = lab.link.commands(Start)[-1].run
        await lab.play(READY, started_event(first, lab.workspace.experiment))
        await lab.play(Failed(first, "The loss is NaN"))
        await lab.press("escape")
        await lab.wait_for_text("train it and see")
        await choose(lab, "test", "line")
        second = lab.link.commands(Start)[-1].run
        assert second != first
        await lab.play(started_event(second, lab.workspace.experiment))
        await lab.play(EpochEnded(second, 13, 1, {}, {"accuracy": 0.6}))
        await lab.play(Finished(second, "done", 65, 5, 1.0, {}))
        await lab.wait_for_text("You were right.")


async def test_a_prediction_that_is_tested_cannot_be_changed_and_its_verdict_is_in_words(
    lesson: Path,
) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "predict", "line", 0)
        await choose(lab, "test", "line")
        run = lab.link.run
        await lab.play(READY, started_event(run, lab.workspace.experiment))
        await choose(lab, "predict", "line", 1)
        await lab.wait_for_text("A run is testing your prediction")
        await lab.play(EpochEnded(run, 13, 1, {}, {"accuracy": 0.6}))
        await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
        await lab.wait_for_text("Your prediction was not right.")


@pytest.mark.parametrize("score, text", [(0, "not right"), (0.62, "62% right"), (1, "right")])
def test_the_score_of_a_prediction_is_in_words(score: float, text: str) -> None:
    assert lesson_session.describe_prediction_score(score) == text


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
            await lab.play(READY, started_event(run, lab.workspace.experiment), good)
            await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
            text = "● All around" if is_own else "a run that tests a prediction does not count"
            await lab.wait_for_text(text)
            assert bool(progress_file.load_progress()[0].lesson("round").goals) == is_own
            await lab.press("r")


async def test_a_goal_does_not_count_with_other_changes(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        lab.app.main_screen.edits.change("optimizer.lr", 0.2)
        await lab.press("right", "space")
        run = lab.link.commands(Start)[-1].run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await lab.play(READY, started_event(run, lab.workspace.experiment), good)
        await lab.wait_for_text("it does not count: learning rate")
        assert progress_file.load_progress()[0].lesson("round").goals == {}
        assert not lab.link.commands(SetKnob)


async def test_the_last_page_of_a_lesson_links_to_the_next() -> None:
    async with open_lab(lesson="production") as lab:
        await lab.press(*["right"] * 9)
        await lab.wait_until(lambda: "From the lab to production" in lab.text)
        assert "Next lesson" not in lab.text
    async with open_lab(lesson="neural-networks") as lab:
        await lab.press(*["right"] * 9)
        await choose(lab, "lesson", "perceptron")
        await lab.wait_for_text("Lesson · The perceptron 1/")


async def test_a_lesson_is_opened_from_the_course_and_a_term_is_looked_up(lesson: Path) -> None:
    async with open_lab() as lab:
        await lab.press("7")
        await lab.wait_for_text("No lesson is open")
        await lab.press("C")
        await lab.wait_for_text("The course", "The perceptron")
        await lab.press("end", "enter")
        await lab.wait_for_text("Lesson · A circle 1/2")
        await lab.press("G", "b", "i", "a", "s")
        await lab.wait_for_text("Glossary", "the weighted sum of a neuron")


async def test_a_lesson_asks_before_it_replaces_edits_but_not_those_of_a_lesson(
    lesson: Path,
) -> None:
    async with open_lab() as lab:
        lab.app.main_screen.edits.change("optimizer.lr", 0.2)
        edited = lab.workspace.experiment
        lab.app.main_screen.action_dispatch("lessons.open", "round")
        await lab.wait_for_text("The experiment has unsaved changes.")
        await lab.press("c")
        assert lab.workspace.experiment == edited and lab.app.main_screen.lessons.session is None
        lab.app.main_screen.action_dispatch("lessons.open", "round")
        await lab.wait_for_text("Unsaved changes")
        await lab.press("d")
        await lab.wait_for_text("Lesson · A circle 1/2")
        lab.app.main_screen.edits.change("optimizer.lr", 0.3)
        lab.app.main_screen.action_dispatch("lessons.open", "perceptron")
        await lab.wait_for_text("Lesson · The perceptron 1/")


async def test_a_damaged_progress_file_is_renamed_and_reported(lesson: Path) -> None:
    progress_file.progress_file().parent.mkdir(parents=True, exist_ok=True)
    progress_file.progress_file().write_text('{"format": 1, "lessons": {"round": {"goals": {"rea')
    async with open_lab(lesson="round") as lab:
        await lab.wait_for_text("Your progress was damaged")
        assert list(progress_file.progress_file().parent.glob("progress.*.broken.json"))


async def test_code_is_written_in_the_editor_and_checked(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[list[str]] = []
    reference = exercise.find("perceptron-rule").reference

    def edit(context: Context, command: list[str]) -> None:
        opened.append(command)
        if len(opened) > 1:
            Path(command[-1]).write_text(reference)

    monkeypatch.setattr(exercises, "_edit", edit)
    monkeypatch.setenv("EDITOR", "true")
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        await choose(lab, "exercise", "perceptron-rule")
        await lab.wait_until(lambda: "not written yet" in lab.text, 60)
        await choose(lab, "exercise", "perceptron-rule")
        await lab.wait_until(lambda: "✓ Write the rule" in lab.text, 60)
        assert opened[0][0] == "true"
        assert progress_file.load_progress()[0].lesson("round").exercises == ["perceptron-rule"]


def test_time_spent_is_counted_without_idle_time(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((100.0, 160.0, 160.0 + 3600, 160.0 + 3600 + 40))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    session = lesson_session.LessonSession(library.read_lesson(lesson), progress.Progress())
    for _ in range(3):
        session.save()
    assert (
        progress_file.load_progress()[0].lesson("round").seconds
        == 60 + lesson_session.MAX_IDLE_SECONDS + 40
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("3,130", 3130), ("3 130", 3130), ("1,234,567.5", 1234567.5), ("0,5", 0.5), ("-2,5", -2.5),
     ("−7.5", -7.5), ("0,125", 0.125), ("12,34", 12.34), ("1e-3", 0.001)],
)  # fmt: skip
def test_numbers_can_be_written_in_several_notations(text: str, number: float) -> None:
    assert questions.parse_number(text) == number
