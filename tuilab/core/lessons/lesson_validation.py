"""What is wrong with a lesson, found without training: links, terms, quantities, questions."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import (
    SECTIONS,
    Experiment,
    iter_knobs,
    split_changes,
    with_value,
)
from tuilab.core.experiment.validation import find_errors
from tuilab.core.lessons import answers, glossary, library, quantities
from tuilab.core.lessons.formulas import evaluate_formula
from tuilab.core.lessons.lesson import Condition, Goal, Prediction, apply_changes
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.lessons.link_targets import ACTIONS, LAYER_VIEWS, PANES, VIEWS
from tuilab.core.lessons.prose import ACTIVITY_KINDS, LINK_ACTIONS, Span
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.network.registry import LAYERS

HINT_COUNT = 3
CHECKED_DRAWS = 1000
"""Draws in which the answer to a question about numbers must have a value."""

MIN_COUNTS = {"goals": 3, "predictions": 1, "questions": 6}
"""What a lesson of the course has at least."""


def validate_lesson(loaded: LoadedLesson, draws: int = CHECKED_DRAWS) -> list[str]:
    """Returns everything that is wrong, each with its file and key."""
    problems = [*_check_start(loaded), *_check_prose(loaded)]
    checks: dict[str, Callable[[Any], Iterator[str]]] = {
        "goals": partial(_check_goal, start=loaded.lesson.start),
        "predictions": partial(_check_prediction, start=loaded.lesson.start),
        "questions": partial(_check_question, draws=draws),
    }
    for kind, check in checks.items():
        for activity in getattr(loaded.lesson, kind):
            problems.extend(_locate(loaded, f"{kind}.{activity.name}", check(activity)))
    return problems


def list_missing(loaded: LoadedLesson) -> list[str]:
    """Returns what a lesson lacks to be one of the course."""
    return [
        f"{loaded.folder / library.FILE}: {kind}: the course needs at least {count}, there are {n}"
        for kind, count in MIN_COUNTS.items()
        if (n := len(getattr(loaded.lesson, kind))) < count
    ]


def _locate(loaded: LoadedLesson, key: str, problems: Iterable[str]) -> Iterator[str]:
    """Yields problems with file and key in front; an InputError is one as well."""
    file = loaded.folder / library.FILE
    try:
        yield from (f"{file}: {key}: {problem}" for problem in problems)
    except InputError as error:
        yield f"{file}: {key}: {error}"


# --- the start --------------------------------------------------------------------------------


def _check_start(loaded: LoadedLesson) -> Iterator[str]:
    lesson = loaded.lesson
    yield from _locate(loaded, "start", find_errors(lesson.start))
    keys = _list_keys(lesson.start)
    for name in ("hidden", "locked"):
        yield from _locate(loaded, name, _find_unknown(getattr(lesson, name), keys))
    yield from _locate(loaded, "needs", _find_unknown(lesson.needs, library.list_folders()))
    for kind in ACTIVITY_KINDS:
        names = Counter(activity.name for activity in getattr(lesson, f"{kind}s"))
        repeated = [f'"{name}" is there twice' for name, count in names.items() if count > 1]
        yield from _locate(loaded, f"{kind}s", repeated)


def _list_keys(experiment: Experiment) -> set[str]:
    """Returns the knobs and sections of an experiment."""
    return {knob.key for knob in iter_knobs(experiment)} | {"network", *SECTIONS}


def _find_unknown(names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield with_suggestion(f'there is no "{name}"', name, known)


# --- the prose --------------------------------------------------------------------------------


def _check_prose(loaded: LoadedLesson) -> Iterator[str]:
    file = loaded.folder / library.PROSE
    counts: Counter[tuple[str, str]] = Counter()
    for page in loaded.pages:
        for link in page.links("term", *ACTIVITY_KINDS, *LINK_ACTIONS):
            counts[link.scheme, link.target] += 1
            try:
                check_link(loaded, link)
            except InputError as error:
                yield f"{file}: {page.title}: {link.scheme}:{error}"
    for kind, name in loaded.activities:
        count = counts[kind, name]
        if count != 1:
            where = "nowhere" if not count else f"{count} times"
            yield (
                f"{file}: {kind}:{name} is placed {where}; place it once, by a line with only "
                f"the link [...]({kind}:{name})"
            )


def check_link(loaded: LoadedLesson, link: Span) -> None:
    """Raises an InputError if a link has no target."""
    known: Collection[str]
    match link.scheme:
        case "term":
            glossary.find_term(link.target)
            return
        case "set":
            apply_link_changes(link.target, loaded.lesson.start)
            return
        case "pane":
            known = PANES
        case "view":
            known = VIEWS
            _check_layer_target(link.target)
        case "do":
            known = ACTIONS
        case "open":
            known = toml_file.find_presets()
        case "lesson":
            known = library.list_folders()
        case scheme:
            known = [name for kind, name in loaded.activities if kind == scheme]
    name = link.target.partition("/")[0] if link.scheme == "view" else link.target
    for problem in _find_unknown([name], known):
        raise InputError(problem, link.target)


def _check_layer_target(target: str) -> None:
    """Raises an InputError if a link such as `view:backprop/2 Linear` names no layer."""
    view, _, layer = target.partition("/")
    number, _, kind = layer.partition(" ")
    if layer and (view not in LAYER_VIEWS or not number.isdigit() or kind not in LAYERS):
        views, example = " and ".join(LAYER_VIEWS), f"{LAYER_VIEWS[0]}/2 Linear"
        raise InputError(f'{views} can be opened at a layer, such as "{example}"', target)


def apply_link_changes(target: str, experiment: Experiment) -> Experiment:
    """Returns the experiment after a link such as `set:optimizer.lr=1`; `;` separates several."""
    for part in target.split(";"):
        key, separator, text = part.partition("=")
        if not separator:
            raise InputError("it must be KEY=VALUE", target)
        experiment = with_value(experiment, key.strip(), toml_file.parse_value(text.strip()))
    return experiment


# --- goals and predictions --------------------------------------------------------------------


def _check_goal(goal: Goal, start: Experiment) -> Iterator[str]:
    if len(goal.hints) != HINT_COUNT:
        yield (
            f"hints: there must be {HINT_COUNT}, each more specific than the one before; "
            f"there are {len(goal.hints)}"
        )
    if not goal.solution:
        yield "solution: there is none; it shows that the goal can be met"
    solved = apply_changes(start, goal.solution)
    yield from _check_conditions(goal.all, solved)
    if goal.golf:
        quantities.check_quantity(goal.golf, solved)
    yield from (f"solution: {problem}" for problem in find_errors(solved))
    before = start
    for change in goal.solution:
        after = apply_changes(before, (change,))
        _, restart = split_changes(before, after)
        if change.at and restart:
            yield f"solution: {restart[0]} cannot change during training"
        before = after
    unknown = _find_unknown(goal.may_change, _list_keys(solved))
    yield from (f"may_change: {problem}" for problem in unknown)


def _check_conditions(conditions: tuple[Condition, ...], experiment: Experiment) -> Iterator[str]:
    if not conditions:
        yield "all: there is no condition"
    for condition in conditions:
        if condition.at_least is None and condition.at_most is None and condition.equals is None:
            yield f"{condition.of}: it has no bound; give at_least, at_most or equals"
        quantities.check_quantity(condition.of, experiment)


def _check_prediction(prediction: Prediction, start: Experiment) -> Iterator[str]:
    experiment = prediction.build_experiment(start)
    yield from (f"set: {problem}" for problem in find_errors(experiment))
    if sum(map(bool, (prediction.choices, prediction.number, prediction.curve))) != 1:
        yield "it must have one of choices, number and curve"
    if prediction.number:
        quantities.check_quantity(prediction.number, experiment)
    if prediction.curve:
        quantities.check_series(prediction.curve, experiment)
        if not prediction.low < prediction.high:
            yield "low, high: the curve is drawn between them; high must be above low"
    for index, choice in enumerate(prediction.choices):
        if not choice.when and index < len(prediction.choices) - 1:
            yield f"choices[{index}]: only the last may be without a condition"
        if choice.when:
            yield from _check_conditions(choice.when, experiment)


# --- questions --------------------------------------------------------------------------------


def _check_question(question: AnyQuestion, draws: int) -> Iterator[str]:
    match question:
        case Choice(choices=choices):
            if not any(choice.right for choice in choices):
                yield "choices: none of them is right"
            if all(choice.right for choice in choices):
                yield "choices: all of them are right"
            for choice in choices:
                if not choice.right and not choice.why:
                    yield f'choices: "{choice.text}" does not say why it is wrong'
        case Number():
            yield from _check_numbers(question, draws)
        case Order(steps=steps, reasons=reasons):
            if len(set(steps)) < max(3, len(steps)):
                yield "steps: there must be at least three different ones"
            if len(reasons) != len(steps) - 1:
                yield "reasons: there must be one for each step but the first"
        case Fault():
            if answers.find_faulty_line(question) < 0:
                yield "network: its shapes match in every line; there is nothing to find"
        case Shapes():
            yield from _check_shapes(question)


def _check_shapes(question: Shapes) -> Iterator[str]:
    for number, row in enumerate(answers.plan_network(question).rows, 1):
        if row.problem:
            yield f"network: line {number}: {row.problem}"
    if any(not 1 <= line <= len(question.network) for line in question.asked):
        yield f"asked: lines are counted from 1 to {len(question.network)}"


def _check_numbers(question: Number, draws: int) -> Iterator[str]:
    for name, allowed in question.numbers.items():
        if allowed.step <= 0 or allowed.high < allowed.low:
            raise InputError("it must go from low to high in steps above 0", f"numbers.{name}")
        if "{" + name + "}" not in question.text:
            yield f"text: it does not contain {{{name}}}"
    matches = Counter[int]()
    for seed in range(draws if question.numbers else 1):
        posed = answers.pose_question(question, seed)
        answer = answers.compute_answer(posed)
        if not answers.is_correct_number(posed, answer):
            yield f"its own answer {answer} is graded as wrong with {posed.numbers}"
            return
        for index, mistake in enumerate(question.mistakes):
            wrong = evaluate_formula(mistake.answer, posed.numbers)
            matches[index] += answers.is_correct_number(posed, wrong)
    for index, count in matches.items():
        if count > draws / 2:
            yield f"mistakes[{index}]: it gives the right answer in {count} of {draws} draws"
