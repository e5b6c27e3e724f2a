"""What is wrong with a lesson, found without training: links, terms, quantities, questions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import SECTIONS, Experiment, knobs, split_changes, with_value
from tuilab.core.experiment.validation import problems
from tuilab.core.lessons import answers, glossary, library, quantities
from tuilab.core.lessons.formulas import compute
from tuilab.core.lessons.lesson import Condition, Goal, Prediction, applied
from tuilab.core.lessons.library import Book
from tuilab.core.lessons.prose import PLACED, Span
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.network.registry import LAYERS

PANES = ("network", "knobs", "charts", "result", "log", "inside", "lesson")
VIEWS = ("units", "layer", "examples", "backprop", "landscape", "diagnosis")
AIMED = ("layer", "backprop")
"""Views that can be opened at a layer."""

DEEDS = ("run", "step", "epoch", "restart", "restart_reseeded", "stop", "undo", "draw", "diagnosis")
"""What a link of a lesson can go to and do."""

HINTS = 3
DRAWN = 1000
"""Draws in which the answer to a question about numbers must have a value."""

LEAST = {"goals": 3, "predictions": 1, "questions": 6}
"""What a lesson of the course has at least."""


def check(book: Book, draws: int = DRAWN) -> list[str]:
    """Everything that is wrong, each with its file and key; empty if nothing is."""
    found: list[str] = []
    for look in (_start, _prose, _goals, _predictions):
        found.extend(look(book))
    for question in book.lesson.questions:
        found.extend(_told(book, f"questions.{question.name}", _asked(question, draws)))
    return found


def is_whole(book: Book) -> list[str]:
    """What a lesson lacks to be one of the course."""
    return [
        f"{book.folder / library.FILE}: {kind}: the course wants at least {least}, there are {n}"
        for kind, least in LEAST.items()
        if (n := len(getattr(book.lesson, kind))) < least
    ]


def _told(book: Book, key: str, complaints: Iterable[str]) -> Iterator[str]:
    """Complaints with file and key in front; an InputError is one as well."""
    where = book.folder / library.FILE
    try:
        yield from (f"{where}: {key}: {problem}" for problem in complaints)
    except InputError as error:
        yield f"{where}: {key}: {error}"


# --- the start --------------------------------------------------------------------------------


def _start(book: Book) -> Iterator[str]:
    lesson = book.lesson
    yield from _told(book, "start", problems(lesson.start))
    keys = {knob.key for knob in knobs(lesson.start)} | {"network", *SECTIONS}
    for name in ("hidden", "locked"):
        yield from _told(book, name, _unknown(getattr(lesson, name), keys))
    yield from _told(book, "needs", _unknown(lesson.needs, library.folders()))
    for kind in PLACED:
        names = Counter(thing.name for of, thing in book.listed if of == kind)
        twice = [f'"{name}" is there twice' for name, count in names.items() if count > 1]
        yield from _told(book, f"{kind}s", twice)


def _unknown(names: Any, known: Any) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f'there is no "{name}"; {nearest(name, known)}'.rstrip("; ")


# --- the prose --------------------------------------------------------------------------------


def _prose(book: Book) -> Iterator[str]:
    prose = book.folder / library.PROSE
    placed: Counter[tuple[str, str]] = Counter()
    for page in book.pages:
        for link in page.links("term", *PLACED, "set", "pane", "view", "do", "open", "lesson"):
            placed[link.scheme, link.target] += 1
            try:
                _follow(book, link)
            except InputError as error:
                yield f"{prose}: {page.title}: {link.scheme}:{error}"
    for kind, name in book.things:
        times = placed[kind, name]
        if times != 1:
            how = "nowhere" if not times else f"{times} times"
            yield (
                f"{prose}: {kind}:{name} stands {how}; a line with only the link "
                f"[...]({kind}:{name}) says where it belongs"
            )


def _follow(book: Book, link: Span) -> None:
    known: Any
    match link.scheme:
        case "term":
            glossary.find(link.target)
            return
        case "set":
            setting(link.target, book.lesson.start)
            return
        case "pane":
            known = PANES
        case "view":
            known = VIEWS
            _aimed(link.target)
        case "do":
            known = DEEDS
        case "open":
            known = toml_file.presets()
        case "lesson":
            known = library.folders()
        case kind:
            known = [name for of, name in book.things if of == kind]
    name = link.target.partition("/")[0] if link.scheme == "view" else link.target
    for problem in _unknown([name], known):
        raise InputError(problem, link.target)


def _aimed(target: str) -> None:
    """InputError where a link such as `view:backprop/2 Linear` names what no layer is called."""
    view, _, layer = target.partition("/")
    number, _, kind = layer.partition(" ")
    if layer and (view not in AIMED or not number.isdigit() or kind not in LAYERS):
        raise InputError(
            f'{" and ".join(AIMED)} can be opened at a layer, such as "{AIMED[0]}/2 Linear"', target
        )


def setting(target: str, experiment: Experiment) -> Experiment:
    """The experiment after a link such as `set:optimizer.lr=1`; several are parted by `;`."""
    for part in target.split(";"):
        key, sign, text = part.partition("=")
        if not sign:
            raise InputError("it must be KEY=VALUE", target)
        experiment = with_value(experiment, key.strip(), toml_file.value(text.strip()))
    return experiment


# --- goals and predictions --------------------------------------------------------------------


def _goals(book: Book) -> Iterator[str]:
    for goal in book.lesson.goals:
        yield from _told(book, f"goals.{goal.name}", _goal(goal, book.lesson.start))


def _goal(goal: Goal, start: Experiment) -> Iterator[str]:
    if len(goal.hints) != HINTS:
        yield f"hints: there must be {HINTS}, each telling more; there are {len(goal.hints)}"
    if not goal.solution:
        yield "solution: there is none; it must be known that the goal can be met"
    solved = applied(start, goal.solution)
    yield from _conditions(goal.all, solved)
    if goal.golf:
        quantities.check(goal.golf, solved)
    yield from (f"solution: {problem}" for problem in problems(solved))
    before = start
    for change in goal.solution:
        after = applied(before, (change,))
        _, restart = split_changes(before, after)
        if change.at and restart:
            yield f"solution: {restart[0]} cannot change while training goes on"
        before = after
    known = {knob.key for knob in knobs(solved)} | {"network", *SECTIONS}
    yield from (f"may_change: {problem}" for problem in _unknown(goal.may_change, known))


def _conditions(conditions: tuple[Condition, ...], experiment: Experiment) -> Iterator[str]:
    if not conditions:
        yield "all: there is no condition"
    for condition in conditions:
        if condition.at_least is None and condition.at_most is None and condition.equals is None:
            yield f"{condition.of}: it has no bound; give at_least, at_most or equals"
        quantities.check(condition.of, experiment)


def _predictions(book: Book) -> Iterator[str]:
    for bet in book.lesson.predictions:
        key = f"predictions.{bet.name}"
        yield from _told(book, key, _prediction(bet, book.lesson.start))


def _prediction(bet: Prediction, start: Experiment) -> Iterator[str]:
    run = bet.trial(start)
    yield from (f"set: {problem}" for problem in problems(run))
    if sum(map(bool, (bet.choices, bet.number, bet.curve))) != 1:
        yield "it must have one of choices, number and curve"
    if bet.number:
        quantities.check(bet.number, run)
    if bet.curve:
        quantities.check_series(bet.curve, run)
        if not bet.low < bet.high:
            yield "low, high: the curve is drawn between them; high must be above low"
    for place, outcome in enumerate(bet.choices):
        if not outcome.when and place < len(bet.choices) - 1:
            yield f"choices[{place}]: only the last may be without a condition"
        if outcome.when:
            yield from _conditions(outcome.when, run)


# --- questions --------------------------------------------------------------------------------


def _asked(question: AnyQuestion, draws: int) -> Iterator[str]:
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
            yield from _numbers(question, draws)
        case Order(steps=steps, reasons=reasons):
            if len(set(steps)) < max(3, len(steps)):
                yield "steps: there must be three different ones at least"
            if len(reasons) != len(steps) - 1:
                yield "reasons: there must be one for each step but the first"
        case Fault():
            if answers.faulty(question) < 0:
                yield "network: its shapes meet in every line; there is nothing to find"
        case Shapes():
            yield from _shapes(question)


def _shapes(question: Shapes) -> Iterator[str]:
    for number, row in enumerate(answers.planned(question).rows, 1):
        if row.problem:
            yield f"network: line {number}: {row.problem}"
    if any(not 1 <= line <= len(question.network) for line in question.asked):
        yield f"asked: lines are counted from 1 to {len(question.network)}"


def _numbers(question: Number, draws: int) -> Iterator[str]:
    same = Counter[int]()
    for name, drawn in question.numbers.items():
        if drawn.step <= 0 or drawn.high < drawn.low:
            raise InputError("it must go from low to high in steps above 0", f"numbers.{name}")
        if "{" + name + "}" not in question.text:
            yield f"text: it does not tell {{{name}}}"
    for seed in range(draws if question.numbers else 1):
        asked = answers.put(question, seed)
        right = answers.right_number(asked)
        if not answers.is_right_number(asked, right):
            yield f"its own answer {right} is taken for wrong with {asked.numbers}"
            return
        for place, mistake in enumerate(question.mistakes):
            wrong = compute(mistake.answer, asked.numbers)
            same[place] += answers.is_right_number(asked, wrong)
    for place, count in same.items():
        if count > draws / 2:
            yield f"mistakes[{place}]: it gives the right answer in {count} of {draws} draws"
