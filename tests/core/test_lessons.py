"""Lessons: read with helpful errors, validated, their goals checked, their questions graded."""

import contextlib
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.lessons import (
    answers,
    goals,
    lesson_validation,
    library,
    progress,
    progress_file,
    quantities,
    term_questions,
)
from tuilab.core.lessons.attempt import Attempt
from tuilab.core.lessons.describe_quantity import describe_quantity
from tuilab.core.lessons.formulas import evaluate_formula
from tuilab.core.lessons.lesson import Condition, Goal
from tuilab.core.lessons.progress import DAY, INTERVALS, Progress
from tuilab.core.lessons.prose import parse_pages
from tuilab.core.lessons.question import (
    Answer,
    AnyQuestion,
    Choice,
    Fault,
    Mistake,
    Number,
    Order,
    Range,
    Shapes,
)
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Finished,
    LayerStatsReported,
    Progressed,
    Started,
)
from tuilab.core.protocol.records import LayerStats
from tuilab.core.run.run import Run

START = """[start]
network = ["Linear 2"]

[start.data]
name = "circle"
"""

LESSON = """format = 1
title = "A circle"
summary = "It closes."
minutes = 5

[start]
network = ["Linear 2"]

[start.data]
name = "circle"

[[goals]]
name = "reach"
title = "All around"
all = [{ of = "accuracy/validation", at_least = 0.9 }]
hints = ["one", "two", "three"]
solution = [{ set = { network = ["Linear 4", "Tanh", "Linear 2"] } }]
"""

PROSE = """# A circle

## The first step

Some words.

[Reach it](goal:reach)
"""


def write_lesson(folder: Path, toml: str = LESSON, prose: str = PROSE) -> library.LoadedLesson:
    (folder / "lesson.toml").write_text(toml)
    (folder / "lesson.md").write_text(prose)
    return library.read_lesson(folder)


def make_run(*events: AnyEvent, network: tuple[str, ...] = ("Linear 2",)) -> Run:
    experiment = experiment_from_dict({"network": list(network), "data": {"name": "circle"}})
    run = Run()
    run.apply(Started("run", experiment, "cpu", 6, 10, {"train": 320}))
    for event in events:
        run.apply(event)
    return run


def progressed(step: int, loss: float) -> Progressed:
    return Progressed("run", step, step / 10, loss, loss - 0.1, loss + 0.1, {"accuracy": 0.7},
                      0.01, 100.0, 3200.0, 1.5, None)  # fmt: skip


# --- reading ----------------------------------------------------------------------------------


def test_a_valid_lesson_is_read_without_problems(tmp_path: Path) -> None:
    loaded = write_lesson(tmp_path)
    assert loaded.lesson.goals[0].name == "reach"
    assert [page.title for page in loaded.pages] == ["The first step"]
    assert lesson_validation.validate_lesson(loaded) == []
    assert "the course needs at least 3" in lesson_validation.list_missing(loaded)[0]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('title = "A circle"\n', "", ["lesson.toml", "title"]),
        ("format = 1", "format = 2", ["lesson.toml:1", "newer tuilab"]),
        ("minutes = 5", 'minutes = "5"', ["lesson.toml:4: minutes", "expected a whole number"]),
        ("minutes = 5", "minutes = 5\nminuts = 6", ["minuts", 'nearest to "minuts"']),
        ('name = "circle"', 'name = "circel"', ["start.data", "circle"]),
        ("at_least = 0.9", "atleast = 0.9", ["goals[0].all[0]", "at_least"]),
        (START, "start = 3", ["start", "table"]),
        ("minutes = 5", "minutes = [", ["not TOML"]),
    ],
)
def test_an_error_names_file_and_key(
    tmp_path: Path, before: str, after: str, expected: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        write_lesson(tmp_path, LESSON.replace(before, after, 1))
    for words in expected:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("toml", "prose", "expected"),
    [
        (LESSON.replace('of = "accuracy/validation"', 'of = "r2/validation"'), PROSE,
         "a run of this task has no r2"),
        (LESSON.replace('of = "accuracy/validation"', 'of = "acuracy"'), PROSE,
         "no quantity of a run"),
        (LESSON.replace(", at_least = 0.9", ""), PROSE, "it has no bound"),
        (LESSON.replace('"Linear 4", "Tanh", "Linear 2"', '"Linear 4"'), PROSE,
         "solution: network"),
        (LESSON.replace('"one", ', ""), PROSE, "hints: there must be 3"),
        (LESSON.replace("minutes = 5", 'minutes = 5\nneeds = ["perceptrons"]'), PROSE,
         'nearest to "perceptrons" is "perceptron"'),
        (LESSON.replace("minutes = 5", 'minutes = 5\nlocked = ["data.nois"]'), PROSE,
         'there is no "data.nois"'),
        (LESSON, PROSE.replace("[Reach it](goal:reach)", ""), "goal:reach is placed nowhere"),
        (LESSON, PROSE.replace("goal:reach", "goal:raech"), 'nearest to "raech"'),
        (LESSON, PROSE.replace("Some", "[persceptron](term:)"), "no such term"),
        (LESSON, PROSE.replace("Some", "[x](set:optimizer.lrr=1)"), 'nearest to "lrr"'),
        (LESSON, PROSE.replace("Some", "[x](pane:chart)"), 'nearest to "chart" is "charts"'),
        (LESSON, PROSE.replace("Some", "[x](do:explode)"), 'there is no "explode"'),
        (LESSON, PROSE.replace("Some", "[x](view:units/2 Linear)"), "can be opened at a layer"),
        (LESSON, PROSE.replace("Some", "[x](view:layer/two)"), 'such as "layer/2 Linear"'),
        (LESSON, PROSE.replace("Some", "[x](open:spirall)"), 'nearest to "spirall"'),
    ],
)  # fmt: skip
def test_validation_finds_what_is_wrong(
    tmp_path: Path, toml: str, prose: str, expected: str
) -> None:
    problems = lesson_validation.validate_lesson(write_lesson(tmp_path, toml, prose))
    assert any(expected in problem for problem in problems), problems
    assert all(str(tmp_path) in problem for problem in problems)


@pytest.mark.parametrize(
    ("prose", "expected"),
    [
        ("Words without a step.", "prose comes before the first step"),
        ("", "there is no step"),
        ("## A step\n\n[x](https://example.org)", "a link begins with one of"),
    ],
)
def test_prose_without_steps_is_refused(prose: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        parse_pages(prose)


def test_an_address_may_have_spaces_and_go_on_in_the_next_line() -> None:
    page = parse_pages('## A\n\n[x](term:chain rule), [y](set:data.name="my set";task="a b")\n'
                 "and [z](term:linear\nseparability) (see [w](term:))\n")[0]  # fmt: skip
    assert [link.target for link in page.links("term", "set")] == [
        "chain rule", 'data.name="my set";task="a b"', "linear separability", "w",
    ]  # fmt: skip


def test_the_users_lessons_replace_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path))
    folder = tmp_path / "data" / "lessons" / "perceptron"
    folder.mkdir(parents=True)
    write_lesson(folder)
    assert library.find_folder("perceptron") == folder
    assert library.find_folder("02-perceptron") == library.find_folder("2") == folder
    assert list(library.list_folders())[1] == "perceptron"
    with pytest.raises(InputError, match='nearest to "perzeptron" is "perceptron"'):
        library.find_folder("perzeptron")


def test_prose_is_read_with_its_styles_and_links() -> None:
    text = "A **bold** [word](term:) and [act](set:optimizer.lr=1).\n\n- one\n- two\n"
    page = parse_pages(f"## A\n\n{text}\n> aside\n\n    code\n\n[q](question:it)\n")[0]  # fmt: skip
    assert [block.kind for block in page.blocks] == [
        "text",
        "item",
        "item",
        "aside",
        "code",
        "activity",
    ]
    assert [(link.scheme, link.target) for link in page.links("term", "set")] == [
        ("term", "word"), ("set", "optimizer.lr=1"),
    ]  # fmt: skip
    assert page.blocks[0].spans[1].bold


# --- quantities and goals ---------------------------------------------------------------------


def test_quantities_are_read_from_the_run() -> None:
    layers = [
        LayerStats("1 Linear", 0.5, 0.01, 3.0),
        LayerStats("2 Linear", 2.0, 0.01, 3.0),
    ]
    run = make_run(
        progressed(10, 0.9), progressed(20, 0.5), progressed(30, 0.6),
        LayerStatsReported("run", 30, layers),
        EpochEnded("run", 30, 3, {"loss": 0.7}, {"accuracy": 0.8, "loss": 0.4}),
    )  # fmt: skip
    values = {
        "loss/train": 0.6, "lowest loss/train": 0.4, "highest loss/train": 1.0,
        "first loss/train": 0.9, "accuracy/validation": 0.8, "parameters": 6, "steps": 30,
        "epochs": 3.0, "epoch loss": 0.7,
        "seconds": 1.5, "layers": 1, "count Linear": 1, "count ReLU": 0,
        "gradient/1 Linear / gradient/2 Linear": 0.25, "optimizer.lr": 1e-3,
        "accuracy/validation - accuracy/train": 0.1, "data.name": "circle", "accuracy/test": None,
        "loss/validation / r2/train": None, "finding dead_relus": 0.0, "nonsense": None,
    }  # fmt: skip
    for name, expected in values.items():
        assert quantities.read_quantity(name, run) == pytest.approx(expected), name
    assert quantities.read_quantity("final accuracy/validation", run) is None
    results = {"validation": {"accuracy": 0.85}, "test": {"accuracy": 0.75}}
    run.apply(Finished("run", "done", 30, 3, 1.5, results))
    assert quantities.read_quantity("accuracy/test", run) == 0.75
    assert quantities.read_quantity("final accuracy/validation", run) == 0.85
    assert quantities.read_quantity("accuracy/validation", run) == 0.8, "of the last epoch"


def test_layers_are_counted_with_their_repeats() -> None:
    network = [
        ["Repeat 19", "Linear 16", "Sigmoid"],
        ["Residual", ["Repeat 2", "Linear 16"]],
        "Linear 2",
    ]
    run = Run(experiment=experiment_from_dict({"network": network, "data": {"name": "circle"}}))
    assert quantities.read_quantity("layers", run) == 22
    assert quantities.read_quantity("count Sigmoid", run) == 19
    assert quantities.read_quantity("count Residual", run) == 1


def test_a_layer_that_the_learner_wrote_counts_as_what_it_does() -> None:
    network = ["OwnLinear 16", "OwnActivation leaky_relu", "OwnDropout", "Linear 2"]
    run = Run(experiment=experiment_from_dict({"network": network, "data": {"name": "circle"}}))
    assert quantities.read_quantity("count Linear", run) == 2
    assert quantities.read_quantity("count LeakyReLU", run) == 1
    assert quantities.read_quantity("count ReLU", run) == 0
    assert quantities.read_quantity("count Dropout", run) == 1


def test_a_goal_is_met_at_one_step_and_with_allowed_changes() -> None:
    goal = Goal(
        name="g", title="t", may_change=("network", "optimizer.lr"), golf="parameters",
        all=(Condition(of="accuracy/validation", at_least=0.9), Condition(of="steps", at_most=50)),
    )  # fmt: skip
    start = experiment_from_dict({"network": ["Linear 2"], "data": {"name": "circle"}})
    late = EpochEnded("run", 60, 6, {}, {"accuracy": 0.95})
    early = EpochEnded("run", 40, 4, {}, {"accuracy": 0.95})
    assert not goals.check_goal(goal, make_run(), start).is_met
    assert not goals.check_goal(goal, make_run(late), start).is_met
    run = make_run(early, network=("Linear 3", "Tanh", "Linear 2"))
    assert goals.check_goal(goal, run, start).is_met
    assert goals.compute_score(goal, run) == 6
    other = experiment_from_dict(
        {"network": ["Linear 2"], "data": {"name": "circle", "noise": 0.1}}
    )
    assert goals.check_goal(goal, run, other).forbidden_changes == ("data.noise",)


@pytest.mark.parametrize(
    ("condition", "value", "requirement", "current"),
    [
        (Condition(of="data.name", equals="circle"), "spiral", "data set: circle", "spiral"),
        (Condition(of="accuracy/validation", at_least=0.95), 0.9312,
         "validation accuracy ≥ 0.95", "0.931"),
        (Condition(of="final worst_class/validation", at_least=0.5), None,
         "validation recall of the worst class at the end ≥ 0.5", "–"),
        (Condition(of="optimizer.lr", at_least=0.1, at_most=0.2), 0.1,
         "learning rate ≥ 0.1 and ≤ 0.2", "0.1"),
        (Condition(of="data.validation_shift", at_most=1), 0, "data validation shift ≤ 1", "0"),
        (Condition(of="data.normalize", equals=False), True, "data normalize: off", "on"),
        (Condition(of="count ReLU", at_least=2), 1, "number of ReLU layers ≥ 2", "1"),
        (Condition(of="finding dead_relus", at_least=1), 1.0,
         'diagnosis "dead relus": found', "found"),
        (Condition(of="finding dead_relus", at_most=0), 0.0,
         'diagnosis "dead relus": not found', "not found"),
        (Condition(of="gradient/1 Linear / gradient/20 Linear", at_least=0.1), 0.5,
         "gradient of 1 Linear ∕ gradient of 20 Linear ≥ 0.1", "0.5"),
        (Condition(of="loss/validation / epoch loss", at_most=2), 1.0,
         "validation loss ∕ mean training loss of the epoch ≤ 2", "1"),
    ],
)  # fmt: skip
def test_goals_are_in_words(
    condition: Condition, value: Any, requirement: str, current: str
) -> None:
    status = goals.ConditionStatus(condition, value, False)

    assert (status.requirement, status.current_value) == (requirement, current)


def test_no_goal_of_the_course_shows_a_key() -> None:
    quantities_shown = {
        condition.of
        for folder in library.list_folders().values()
        for goal in library.read_lesson(folder).lesson.goals
        for condition in goal.all
    }
    assert len(quantities_shown) > 40
    for name in quantities_shown:
        assert not re.search(r"[a-z]/[a-z]|[._]", describe_quantity(name)), name


def test_an_attempt_reports_a_goal_at_the_event_that_meets_it(tmp_path: Path) -> None:
    attempt = Attempt(write_lesson(tmp_path))
    run = make_run()
    below, above = (EpochEnded("run", 10, 1, {}, {"accuracy": a}) for a in (0.5, 0.95))
    run.apply(below)
    assert list(attempt.handle_event(below, run)) == []
    run.apply(above)
    assert [goal.name for goal in attempt.handle_event(above, run)] == ["reach"]
    assert attempt.goal_statuses["reach"].conditions[0].current_value == "0.95"


# --- questions --------------------------------------------------------------------------------

SUM = Number(
    name="sum", text="{a} + {b}?", answer="a + b",
    numbers={"a": Range(-5, 5), "b": Range(1, 9)},
    mistakes=(Mistake("a - b", "You took {b} away."),),
)  # fmt: skip


def test_numbers_are_drawn_again_and_the_same_seed_draws_the_same() -> None:
    texts = {answers.pose_question(SUM, seed).text for seed in range(40)}
    assert len(texts) > 20
    assert answers.pose_question(SUM, 7) == answers.pose_question(SUM, 7)


@given(st.integers(0, 10_000))
def test_the_right_number_is_right_and_a_known_mistake_is_named(seed: int) -> None:
    posed = answers.pose_question(SUM, seed)
    a, b = posed.numbers["a"], posed.numbers["b"]
    assert answers.grade_answer(posed, a + b).is_correct
    grade = answers.grade_answer(posed, a - b)
    assert not grade.is_correct and "away" in grade.explanation
    assert not answers.grade_answer(posed, a + b + 1).is_correct


def test_of_several_answers_all_have_to_be_chosen_and_wrong_ones_say_why() -> None:
    question = Choice(
        name="c", text="?", why="Both.",
        choices=(Answer("a", True), Answer("b", True), Answer("c", why="C is none.")),
    )  # fmt: skip
    posed = answers.pose_question(question, 3)
    indices = {text: index for index, text in enumerate(posed.options)}
    assert answers.grade_answer(posed, [indices["a"], indices["b"]]) == answers.Grade(True, "Both.")
    assert "2 of the answers" in answers.grade_answer(posed, [indices["a"]]).explanation
    assert answers.grade_answer(posed, [indices["a"], indices["c"]]).explanation == "C is none."


def test_a_wrong_order_is_explained_at_its_first_mistake() -> None:
    question = Order(
        name="o", text="?", steps=("a", "b", "c"), reasons=("b needs a.", "c needs b.")
    )
    posed = answers.pose_question(question, 0)
    assert list(posed.order) != [0, 1, 2]
    positions = {step: posed.order.index(step) for step in range(3)}
    assert answers.grade_answer(posed, [positions[0], positions[1], positions[2]]).is_correct
    assert (
        "b needs a"
        in answers.grade_answer(posed, [positions[0], positions[2], positions[1]]).explanation
    )


def test_the_faulty_line_is_found_by_its_shapes() -> None:
    question = Fault(
        name="f", text="?", shape=(1, 8, 8), network=("Conv2d 4", "Flatten", "Conv2d 2", "Linear 2")
    )
    posed = answers.pose_question(question, 0)
    assert answers.find_faulty_line(question) == 2
    assert answers.grade_answer(posed, 2).is_correct
    assert "it fits" in answers.grade_answer(posed, 0).explanation
    assert "further up" in answers.grade_answer(posed, 3).explanation


def test_shapes_are_those_of_the_layers() -> None:
    question = Shapes(
        name="s",
        text="?",
        shape=(1, 8, 8),
        network=("Conv2d 4 kernel_size=3", "Flatten"),
        asked=(1, 2),
    )
    posed = answers.pose_question(question, 0)
    assert answers.grade_answer(posed, {0: (4, 6, 6), 1: (144,)}).is_correct
    wrong = answers.grade_answer(posed, {0: (4, 8, 8), 1: (144,)})
    assert not wrong.is_correct and "Conv2d" in wrong.explanation


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Choice(name="q", text="?", choices=(Answer("a"), Answer("b"))), "none of them is right"),
        (Choice(name="q", text="?", choices=(Answer("a", True), Answer("b"))), "does not say why"),
        (Number(name="q", text="?", answer="a", numbers={"a": Range(0, 1)}), "not contain {a}"),
        (Number(name="q", text="?", answer="1 / 0"), "it has no value"),
        (Number(name="q", text="{a}?", answer="a", numbers={"a": Range(1, 3)},
                mistakes=(Mistake("a * 1", "why"),)), "it gives the right answer"),
        (Order(name="q", text="?", steps=("a", "b", "c")), "reasons"),
        (Fault(name="q", text="?", shape=(4,), network=("Linear 2",)), "nothing to find"),
        (Shapes(name="q", text="?", shape=(4,), network=("Conv2d 2",)), "line 1"),
    ],
)  # fmt: skip
def test_validation_finds_what_is_wrong_with_a_question(
    question: AnyQuestion, expected: str
) -> None:
    try:
        problems = list(lesson_validation._check_question(question, 20))
    except InputError as error:
        problems = [str(error)]
    assert any(expected in problem for problem in problems), problems


# --- formulas ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "expected"),
    [("2 * x + 1", 7), ("-x ** 2", -9), ("max(0, -x)", 0), ("sigmoid(0)", 0.5),
     ("relu(-1) + step(2)", 1), ("exp(log(x))", 3), ("sqrt(16) // 3", 1)],
)  # fmt: skip
def test_formulas(formula: str, expected: float) -> None:
    assert evaluate_formula(formula, {"x": 3}) == pytest.approx(expected)


@pytest.mark.parametrize(
    "formula",
    ["__import__('os')", "x.real", "(lambda: 1)()", "[1][0]", "'a' * 9", "y",
     "9 ** 9 ** 9", "open('f')", "1 if x else 2", "x := 2", "max", "exp(10000)", "1 / 0", "",
     "(" * 200, "x" * 600],
)  # fmt: skip
def test_other_expressions_are_refused(formula: str) -> None:
    with pytest.raises(InputError):
        evaluate_formula(formula, {"x": 3})


@given(st.text(max_size=60))
def test_whatever_is_written_gives_a_number_or_an_error(formula: str) -> None:
    with contextlib.suppress(InputError):
        assert math.isfinite(evaluate_formula(formula, {"x": 2.0}))


# --- progress ---------------------------------------------------------------------------------


def test_progress_is_saved_and_a_damaged_file_moved_aside(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    learner = Progress()
    assert learner.record_goal("a", "goal", 12.0) and not learner.record_goal("a", "goal", 13.0)
    assert learner.record_goal("a", "goal", 9.0)
    learner.record_prediction("a", "p", 0.5)
    learner.record_prediction("a", "p", 1.0)
    progress_file.save_progress(learner, file)
    loaded, problem = progress_file.load_progress(file)
    assert loaded == learner and not problem
    assert loaded.lesson("a").goals == {"goal": 9.0} and loaded.calibration == 0.5

    file.write_bytes(file.read_bytes()[:40])
    fresh, problem = progress_file.load_progress(file)
    assert fresh == Progress() and "damaged" in problem
    assert not file.exists() and len(list(tmp_path.glob("*.broken.json"))) == 1


def test_answers_to_a_renamed_question_are_found_by_its_new_name(tmp_path: Path) -> None:
    lesson, question = "activation-functions", "centered"
    shipped = library.read_lesson(library.find_folder(lesson))
    assert ("question", question) in shipped.activities
    file = tmp_path / "progress.json"
    old = "centred"  # codespell:ignore
    file.write_text(
        f'{{"lessons": {{"{lesson}": {{"questions": {{"{old}": true}}}}}}, "deck": ['
        f'{{"lesson": "{lesson}", "question": "{old}", "due": 5.0, "box": 2}}]}}'
    )

    loaded, problem = progress_file.load_progress(file)

    assert problem == ""
    assert loaded.lessons[lesson].questions == {question: True}
    assert loaded.deck == [progress.Card(lesson, question, 5.0, 2)]


def test_what_was_missed_comes_back_at_growing_intervals() -> None:
    learner, now = Progress(), 1e9
    learner.record_answer("a", "q", True, now)
    assert learner.deck == []
    learner.record_answer("a", "r", False, now)
    for days in INTERVALS:
        assert not learner.list_due(now + (days - 0.1) * DAY)
        now += days * DAY
        assert [card.question for card in learner.list_due(now)] == ["r"]
        learner.record_answer("a", "r", True, now)
    assert learner.deck == []
    assert learner.lesson("a").questions == {"q": True, "r": False}


def test_a_card_that_is_missed_again_starts_over() -> None:
    learner, now = Progress(), 1e9
    learner.record_answer("a", "r", False, now)
    learner.record_answer("a", "r", True, now + DAY)
    learner.record_answer("a", "r", False, now + 5 * DAY)
    assert learner.deck[0].box == 0 and learner.deck[0].due == now + 6 * DAY


# --- what is shipped --------------------------------------------------------------------------


@pytest.mark.parametrize("name", library.list_folders())
def test_a_shipped_lesson_is_complete_and_valid(name: str) -> None:
    loaded = library.read_lesson(library.list_folders()[name])
    assert isinstance(loaded.lesson.start, Experiment)
    assert lesson_validation.validate_lesson(loaded) + lesson_validation.list_missing(loaded) == []


@pytest.mark.parametrize("name", library.list_folders())
def test_no_goal_of_a_lesson_is_judged_by_the_test_set(name: str) -> None:
    for goal in library.read_lesson(library.find_folder(name)).lesson.goals:
        quantities_of_goal = [goal.golf, *(condition.of for condition in goal.all)]
        assert not [each for each in quantities_of_goal if "/test" in each], goal.name


@pytest.mark.parametrize("name", library.list_folders())
def test_every_term_of_a_lesson_can_be_asked_without_being_given_away(name: str) -> None:
    loaded = library.read_lesson(library.find_folder(name))
    questions = term_questions.build_term_questions(loaded)

    assert [q.name for q in questions] == [
        f"term:{term.name}" for term in term_questions.find_lesson_terms(loaded)
    ]
    for question in questions:
        right, *wrong = question.choices
        assert right.right and len(wrong) == 3 and all(w.why and not w.right for w in wrong)
        assert len({choice.text for choice in question.choices}) == 4
        assert right.text.lower() not in question.text.lower(), question.name
        posed = answers.pose_question(question, 7)
        assert answers.grade_answer(posed, [posed.order.index(0)]).is_correct


NUMBER_QUESTIONS = [
    pytest.param(question, id=f"{name} {question.name}")
    for name in library.list_folders()
    for question in library.read_lesson(library.find_folder(name)).lesson.questions
    if isinstance(question, Number)
]


@pytest.mark.parametrize("question", NUMBER_QUESTIONS)
def test_every_text_of_a_question_about_numbers_has_its_numbers(question: Number) -> None:
    posed = answers.pose_question(question, seed=1)
    values = [answers.compute_answer(posed)]
    values += [evaluate_formula(mistake.answer, posed.numbers) for mistake in question.mistakes]

    texts = [posed.text, *(answers.grade_answer(posed, value).explanation for value in values)]

    assert not any(f"{{{name}}}" in text for text in texts for name in posed.numbers)
    assert answers.grade_answer(posed, values[0]).is_correct


def test_two_labs_keep_what_either_has_reached(tmp_path: Path) -> None:
    file, now = tmp_path / "progress.json", 1e9
    start = Progress()
    start.record_answer("a", "old", is_correct=False, now=now)
    start.lesson("a").seconds = 100.0
    base = progress_file.save_progress(start, file)
    first, second = (progress_file.load_progress(file)[0] for _ in range(2))

    first.record_goal("a", "golf", 9.0)
    first.record_goal("a", "shared", 5.0)
    first.lesson("a").seconds += 10
    first.lesson("a").page = 3
    first.record_answer("a", "old", is_correct=True, now=now + 2 * DAY)
    first.record_answer("a", "twice", is_correct=False, now=now)
    progress_file.save_progress(first, file, base)
    second.record_goal("a", "shared", 4.0)
    second.record_goal("b", "other", None)
    second.lesson("a").seconds += 5
    second.lesson("a").exercises.append("backward")
    second.record_answer("a", "twice", is_correct=True, now=now)
    second_base = progress_file.save_progress(second, file, base)
    second.lesson("a").seconds += 1
    progress_file.save_progress(second, file, second_base)

    merged, problem = progress_file.load_progress(file)
    assert (problem, merged) == ("", second)
    lesson = merged.lesson("a")
    assert lesson.goals == {"golf": 9.0, "shared": 4.0}
    assert (lesson.page, lesson.seconds, lesson.exercises) == (3, 116.0, ["backward"])
    assert lesson.questions == {"old": False, "twice": False}
    assert merged.lesson("b").goals == {"other": None}
    assert [(card.question, card.box) for card in merged.deck] == [("old", 1), ("twice", 0)]


@pytest.mark.parametrize(
    ("content", "is_moved"),
    [(b'{"format": 2}', False), (b'{"lessons": 5}', True), (b"[" * 100_000, True), (b"\xff", True),
     (b"", True), (b'{"lessons": {"a": {"page": 1e999}}}', True),
     (b'{"lessons": {"reac\xe8": {}}}', True)],
    ids=["newer", "type", "deep", "no text", "empty", "huge", "a name that is no text"],
)  # fmt: skip
def test_a_progress_that_cannot_be_read_is_never_overwritten(
    tmp_path: Path, content: bytes, is_moved: bool
) -> None:
    file = tmp_path / "progress.json"
    learner = Progress()
    learner.record_goal("a", "goal", 1.0)

    for _ in range(2):  # also while a lab is open
        file.write_bytes(content)
        _, problem = progress_file.load_progress(file)
        assert "Your progress" in problem
        file.write_bytes(content)
        if is_moved:
            progress_file.save_progress(learner, file)
        else:
            with pytest.raises(InputError, match="of a newer version"):
                progress_file.save_progress(learner, file)

    others = [other for other in tmp_path.iterdir() if not other.name.startswith(".")]
    copies = [other for other in others if other.read_bytes() == content]
    assert len(copies) == (4 if is_moved else 1)


def test_a_file_of_progress_that_is_not_a_file_is_reported(tmp_path: Path) -> None:
    assert "Is a directory" in progress_file.load_progress(tmp_path)[1]
    with pytest.raises(OSError, match="Is a directory"):
        progress_file.save_progress(Progress(), tmp_path)
