"""Which runs count for a lesson: predictions made in time, goals of its own experiment and data."""

from pathlib import Path

import pytest

from tests.support.circle_lesson import choose, session_of, shows_lesson, write_circle_lesson
from tests.support.fake_link import READY, progressed_event, started_event
from tests.support.lab_pilot import Lab, open_lab
from tuilab.core.catalogue.data.points import Circle, Rings
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.lessons import curve, goals, library, progress, progress_file
from tuilab.core.lessons.lesson import Condition, Goal, Prediction
from tuilab.core.protocol.commands import Resume, Start, Step
from tuilab.core.protocol.events import EpochEnded, Finished, KnobChanged, Paused
from tuilab.core.run.run import Run
from tuilab.ui.panes.lesson.lesson_session import LessonSession

COURSE = list(library.list_folders())


@pytest.fixture
def lesson() -> Path:
    """A lesson about a circle; its goal is an accuracy of 0.9."""
    return write_circle_lesson()


# --- predictions --------------------------------------------------------------------------------


async def test_lesson_1_page_1_decides_its_prediction_if_one_does_what_it_says() -> None:
    async with open_lab(lesson="neural-networks") as lab:
        await lab.wait_for_text("A map of wells")
        await lab.press("s")
        run = lab.link.run
        assert lab.link.commands(Step) == [Step(steps=1)]
        await lab.play(READY, started_event(run, lab.workspace.experiment),
                       progressed_event(run, 1, seconds=0.1), Paused(run, 1))  # fmt: skip
        await choose(lab, "predict", "one_neuron", 2)
        await lab.press("space")
        assert lab.link.sent[-1] == Resume()
        await lab.play(EpochEnded(run, 780, 60, {}, {"accuracy": 0.62}),
                       Finished(run, "done", 780, 60, 4.0, {}))  # fmt: skip
        await lab.wait_for_text("You were right.")
        learner, _ = progress_file.load_progress()
        assert learner.lesson("neural-networks").predictions == {"one_neuron": 1.0}


async def test_to_train_it_starts_over_where_the_run_has_shown_too_much() -> None:
    async with open_lab(lesson="neural-networks") as lab:
        await lab.wait_for_text("A map of wells")
        await lab.press("space")
        first = lab.link.run
        await lab.play(READY, started_event(first, lab.workspace.experiment),
                       EpochEnded(first, 390, 30, {}, {"accuracy": 0.6}),
                       Paused(first, 390))  # fmt: skip
        await choose(lab, "predict", "one_neuron", 2)
        assert session_of(lab).predictions["one_neuron"].run_id == ""
        await choose(lab, "do", "run")
        await lab.wait_until(lambda: len(lab.link.commands(Start)) == 2)
        second = lab.link.run
        await lab.play(started_event(second, lab.workspace.experiment),
                       EpochEnded(second, 780, 60, {}, {"accuracy": 0.62}),
                       Finished(second, "done", 780, 60, 4.0, {}))  # fmt: skip
        await lab.wait_for_text("You were right.")


def begin(experiment: Experiment, step: int, name: str = "run-1") -> Run:
    """Returns a run of an experiment that waits at a step."""
    run = Run()
    run.apply(started_event(name, experiment))
    if step:
        run.apply(progressed_event(name, step))
    run.apply(Paused(name, step))
    return run


def sessions() -> list[tuple[str, Prediction]]:
    """Returns every prediction of the course with its lesson."""
    lessons = (library.read_lesson(library.find_folder(name)) for name in COURSE)
    return [(source.name, p) for source in lessons for p in source.lesson.predictions]


@pytest.fixture(params=sessions(), ids=lambda item: f"{item[0]}/{item[1].name}")
def posed(request: pytest.FixtureRequest) -> tuple[LessonSession, Prediction]:
    """A session of a lesson, and one of its predictions."""
    name, prediction = request.param
    source = library.read_lesson(library.find_folder(name))
    return LessonSession(source, progress.Progress()), prediction


def guess(prediction: Prediction) -> object:
    return [0.5] * curve.KNOTS if prediction.curve else 0


def is_decided(session: LessonSession, prediction: Prediction, run: Run) -> bool:
    """Plays the end of a run; returns whether it has tested the prediction."""
    run.apply(Finished(run.id, "done", 10**6, 9, 1.0, {}))
    session.follow_run(run)
    list(session.score_predictions(run))
    predicted = session.predictions[prediction.name]
    return predicted.run_id == run.id and (predicted.score is not None or not prediction.choices)


def test_each_prediction_of_the_course_is_decided_by_a_run_that_was_only_looked_at(
    posed: tuple[LessonSession, Prediction],
) -> None:
    session, prediction = posed
    run = begin(prediction.build_experiment(session.source.lesson.start), 1)
    session.follow_run(run)
    session.predict(prediction, guess(prediction), run)
    assert session.is_pending(session.predictions[prediction.name])
    assert is_decided(session, prediction, run)


def test_each_prediction_of_the_course_is_decided_by_a_run_that_starts_after_it(
    posed: tuple[LessonSession, Prediction],
) -> None:
    session, prediction = posed
    session.predict(prediction, guess(prediction), Run())
    run = begin(prediction.build_experiment(session.source.lesson.start), 1)
    assert is_decided(session, prediction, run)


def test_no_prediction_is_decided_by_a_run_that_was_watched_or_is_of_something_else(
    posed: tuple[LessonSession, Prediction],
) -> None:
    session, prediction = posed
    experiment = prediction.build_experiment(session.source.lesson.start)
    watched = begin(experiment, 10**5)
    session.predict(prediction, guess(prediction), watched)
    assert not is_decided(session, prediction, watched)

    other = begin(with_value(experiment, "training.epochs", 999), 1, "run-2")
    session.predict(prediction, guess(prediction), other)
    assert not is_decided(session, prediction, other)


def one_neuron() -> tuple[LessonSession, Prediction, Run]:
    source = library.read_lesson(library.find_folder("neural-networks"))
    session = LessonSession(source, progress.Progress())
    prediction, run = source.lesson.predictions[0], begin(source.lesson.start, 1)
    session.predict(prediction, 2, run)
    return session, prediction, run


def test_a_run_that_is_changed_while_it_trains_decides_nothing() -> None:
    session, prediction, run = one_neuron()
    run.apply(KnobChanged(run.id, 40, "training.pace", 5.0))
    session.follow_run(run)
    assert session.predictions[prediction.name].run_id == run.id, "the pace changes no result"
    run.apply(KnobChanged(run.id, 50, "optimizer.lr", 0.5))
    assert not is_decided(session, prediction, run)
    run.apply(KnobChanged(run.id, 60, "optimizer.lr", session.source.lesson.start.optimizer.lr))
    assert not is_decided(session, prediction, run)


def test_a_prediction_for_a_step_is_decided_by_the_values_at_that_step() -> None:
    source = library.read_lesson(library.find_folder("debugging"))
    prediction = next(p for p in source.lesson.predictions if p.steps)
    session = LessonSession(source, progress.Progress())
    session.predict(prediction, guess(prediction), Run())
    run = begin(prediction.build_experiment(source.lesson.start), 1)
    names = prediction.choices[0].when[0].of.split(" / ")
    for step, ratio in ((prediction.steps - 1, 0.5), (prediction.steps + 50, 1e-9)):
        run._add(names[0], step, ratio)
        run._add(names[1], step, 1.0)
        run.apply(progressed_event(run.id, step))
        session.follow_run(run)
        list(session.score_predictions(run))
    assert session.predictions[prediction.name].actual == 0


# --- goals --------------------------------------------------------------------------------------


async def reach(lab: Lab) -> str:
    """Plays a run that meets the goal of the circle; returns its id."""
    await lab.press("right", "space")
    run = lab.link.run
    good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
    await lab.play(READY, started_event(run, lab.workspace.experiment), good)
    await lab.wait_for_text("● All around")
    return run


async def test_the_learners_experiment_comes_back_after_a_test_when_the_page_is_turned(
    lesson: Path,
) -> None:
    async with open_lab(lesson="round") as lab:
        start, edits = lab.workspace.experiment, lab.app.main_screen.edits
        edits.change("network", ("Linear 4", "Tanh", "Linear 2"))
        own = lab.workspace.experiment
        await lab.press("right")
        await choose(lab, "predict", "line", 1)
        await choose(lab, "test", "line")
        run = lab.link.run
        assert lab.workspace.experiment == start
        await lab.play(READY, started_event(run, start), EpochEnded(run, 13, 1, {}, {}))
        await lab.press("left")
        assert lab.workspace.experiment == start, "the run that tests it goes on undisturbed"
        await lab.press("right")
        await lab.play(EpochEnded(run, 65, 5, {}, {"accuracy": 0.6}),
                       Finished(run, "done", 65, 5, 1.0, {}))  # fmt: skip
        await lab.wait_for_text("You were right.")
        assert lab.workspace.experiment == start, "it can be looked at"
        await lab.press("left")
        await lab.wait_for_text("Your experiment is back")
        assert lab.workspace.experiment == own
        await lab.press("u")
        assert lab.workspace.experiment == start
        await lab.press("right", "left")
        assert lab.workspace.experiment == start, "once"


async def test_what_a_learner_makes_of_a_tests_experiment_stays(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        edits = lab.app.main_screen.edits
        edits.change("network", ("Linear 4", "Tanh", "Linear 2"))
        await lab.press("right")
        await choose(lab, "predict", "line", 1)
        await choose(lab, "test", "line")
        run = lab.link.run
        await lab.play(READY, started_event(run, lab.workspace.experiment),
                       EpochEnded(run, 65, 5, {}, {"accuracy": 0.6}),
                       Finished(run, "done", 65, 5, 1.0, {}))  # fmt: skip
        edits.change("optimizer.lr", 0.25)
        made = lab.workspace.experiment
        await lab.press("left")
        assert lab.workspace.experiment == made


async def test_a_reached_goal_shows_the_reading_at_which_it_was_met(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        run = await reach(lab)
        await lab.play(EpochEnded(run, 26, 2, {}, {"accuracy": 0.5, "loss": 0.9}))
        await lab.wait_for_text("✓ validation accuracy ≥ 0.9", "met at 0.95")
        assert "now 0.5" not in lab.text
    async with open_lab(lesson="round") as lab:
        await lab.wait_for_text("● All around", "met at 0.95")


async def test_values_of_other_data_are_not_shown_at_a_goal(lesson: Path) -> None:
    text = (lesson / "lesson.toml").read_text().replace('locked = ["data.name"]', "")
    (lesson / "lesson.toml").write_text(text)
    async with open_lab(lesson="round") as lab:
        await lab.press("right", "space")
        run = lab.link.run
        await lab.play(READY, started_event(run, lab.workspace.experiment),
                       EpochEnded(run, 13, 1, {}, {"accuracy": 0.75, "loss": 0.1}))  # fmt: skip
        await lab.wait_for_text("now 0.75")
        for key, value in (("data.name", "rings"), ("data.noise", 0.3)):
            lab.app.main_screen.edits.change(key, value)
            await lab.wait_until(lambda: "now 0.75" not in lab.text)
            await lab.press("u")
            await lab.wait_for_text("now 0.75")
        lab.app.main_screen.edits.change("data.batch_size", 64)
        await lab.pilot.pause()
        assert "now 0.75" in lab.text, "it is measured on the same examples"


async def test_runs_of_another_experiment_are_not_judged(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.press("right")
        path = toml_file.find_presets()["moons"].path
        lab.app.main_screen.action_dispatch("files.open_preset", path)
        await lab.wait_for_text("The lab shows another experiment")
        await lab.press("space")
        run = lab.link.run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await lab.play(READY, started_event(run, lab.workspace.experiment), good)
        await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
        assert progress_file.load_progress()[0].lesson("round").goals == {}
        assert "it does not count" not in lab.text and "now 0.95" not in lab.text
        await choose(lab, "lesson", "round")
        await lab.wait_until(lambda: "The lab shows another experiment" not in lab.text)
        assert lab.workspace.experiment.data.title == "Circle" and not lab.workspace.run.id


async def test_an_earlier_run_of_the_same_experiment_is_not_judged(lesson: Path) -> None:
    start = library.read_lesson(lesson).lesson.start
    async with open_lab(start) as lab:
        await lab.press("space")
        run = lab.link.run
        good = EpochEnded(run, 13, 1, {}, {"accuracy": 0.95, "loss": 0.1})
        await lab.play(READY, started_event(run, start), good)
        await lab.play(Finished(run, "done", 65, 5, 1.0, {}))
        lab.app.main_screen.action_dispatch("lessons.open", "round")
        await lab.wait_for_text("Lesson · A circle")
        await lab.press("right")
        await lab.wait_for_text("◯ All around")
        assert "now" not in lab.text.partition("All around")[2].partition("\n\n")[0]


def test_a_metric_of_other_data_than_the_goal_names_is_no_value_for_it() -> None:
    goal = Goal(
        name="g", title="t", may_change=("network",),
        all=(Condition(of="data.name", equals="rings"),
             Condition(of="accuracy/validation", at_least=0.9)),
    )  # fmt: skip
    circle, rings = (Experiment(data=kind()) for kind in (Circle, Rings))
    for experiment, reading in ((circle, "–"), (rings, "0.97")):
        run = begin(experiment, 1)
        run.apply(EpochEnded(run.id, 10, 1, {}, {"accuracy": 0.97}))
        status = goals.check_goal(goal, run, rings)
        assert status.readings["accuracy/validation"] == reading
        assert status.is_met is (experiment is rings)


def test_changes_are_named_where_the_values_hold_or_the_data_is_the_goals() -> None:
    goal = Goal(
        name="g", title="t", may_change=("network",),
        all=(Condition(of="accuracy/validation", at_least=0.9),),
    )  # fmt: skip
    start, other = (Experiment(data=kind()) for kind in (Circle, Rings))
    hot = with_value(start, "optimizer.lr", 0.5)
    for experiment, accuracy, keys in ((other, 0.5, ()), (other, 0.95, ("data.name",)),
                                        (hot, 0.5, ("optimizer.lr",))):  # fmt: skip
        run = begin(experiment, 1)
        run.apply(EpochEnded(run.id, 10, 1, {}, {"accuracy": accuracy}))
        status = goals.check_goal(goal, run, start)
        assert set(keys) <= set(status.objections) and bool(status.objections) is bool(keys)


@pytest.mark.parametrize(
    ("golf", "score", "text"),
    [("steps", 1.0, "1 step"), ("steps", 300.0, "300 steps"), ("parameters", 1.0, "1 parameter"),
     ("data.samples", 40.0, "40 data.samples")],
)  # fmt: skip
def test_a_score_has_its_unit_in_the_right_number(golf: str, score: float, text: str) -> None:
    goal = Goal(name="g", title="t", all=(Condition(of="steps", at_most=9),), golf=golf)
    assert goals.describe_score(goal, score) == text


# --- the pane -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(160, 45), (100, 30), (80, 24)])
async def test_a_lesson_is_closed_and_opened_again_where_it_was(
    lesson: Path, size: tuple[int, int]
) -> None:
    async with open_lab(size=size, lesson="round") as lab:
        await lab.press("right")
        await lab.wait_for_text("The second step")
        await lab.press("escape")
        await lab.wait_until(lambda: "The second step" not in lab.text)
        assert lab.app.main_screen.pane_layout.current == "network"
        await lab.press("7")
        await lab.wait_for_text("The second step")


async def test_a_lesson_is_closed_by_the_palette_from_any_pane(lesson: Path) -> None:
    async with open_lab(lesson="round") as lab:
        await lab.wait_until(lambda: shows_lesson(lab, True))
        await lab.press("3", "/", *"lesson close", "enter")
        await lab.wait_until(lambda: shows_lesson(lab, False))
        assert lab.app.main_screen.pane_layout.current == "charts"
