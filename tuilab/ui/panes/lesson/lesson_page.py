"""A page of a lesson as lines: its prose, its goals with their present values, its questions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise as exercises
from tuilab.core.format import format_value
from tuilab.core.lessons import glossary
from tuilab.core.lessons.answers import list_asked_lines, plan_network
from tuilab.core.lessons.describe_quantity import describe_quantity
from tuilab.core.lessons.goals import ConditionStatus, GoalStatus, describe_score
from tuilab.core.lessons.lesson import Exercise, Goal, Prediction
from tuilab.core.lessons.prose import Block, Span
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.network.layer import format_shape
from tuilab.ui.panes.lesson.code_block import wrap_code
from tuilab.ui.panes.lesson.lesson_session import (
    LearnerPrediction,
    LessonSession,
    describe_prediction_score,
)
from tuilab.ui.widgets.rich_text import Fragment, Line, wrap_fragments

BLANK: Line = ()

CURVE_ROWS = 10
"""Rows of a drawn curve, with its axis."""

HINT_LABELS = ("a hint", "another hint", "what to do")


def page_lines(session: LessonSession, width: int, term: str = "") -> list[Line]:
    """Returns the page that is open.

    Args:
        width: columns of a line.
        term: the term of the glossary whose definition is shown below its paragraph.
    """
    return list(_Page(session, width).lines(term))


@dataclass(frozen=True, slots=True)
class _Page:
    """Writes one page in lines of a width."""

    session: LessonSession
    width: int

    def wrap(self, *fragments: Fragment, indent: str = "", first: str = "") -> list[Line]:
        return wrap_fragments(fragments, self.width, indent, first)

    def lines(self, term: str) -> Iterator[Line]:
        page = self.session.page
        yield from ((Fragment(page.title, "heading"),), BLANK)
        if not (self.session.is_in_lab or self.session.is_review):
            back = Fragment("Take the lesson's again", "link", ("lesson", self.session.source.name))
            note = Fragment("The lab shows another experiment; its runs do not count here. ", "bad")
            yield from (*self.wrap(note, back), BLANK)
        for number, block in enumerate(page.blocks):
            yield from self.block(block, number)
            if term and any(span.scheme == "term" and span.target == term for span in block.spans):
                yield from self.definition(term)
            next_block = page.blocks[number + 1 : number + 2]
            if not (block.kind == "item" and next_block and next_block[0].kind == "item"):
                yield BLANK
        if page is self.session.source.pages[-1] and not self.session.is_review:
            yield from self.ending()

    def ending(self) -> Iterator[Line]:
        """Yields what a lesson ends with: a quiz of its terms, and the next lesson."""
        quiz = ("terms", self.session.source.name)
        yield from self.wrap(Fragment("Practice the terms of this lesson", "link", quiz))
        lesson = self.session.next_lesson
        linked = {link.target for link in self.session.page.links("lesson")}
        if lesson is not None and lesson.name not in linked:
            title = Fragment(lesson.lesson.title, "link", ("lesson", lesson.name))
            yield from self.wrap(Fragment("Next lesson: "), title)

    def block(self, block: Block, number: int) -> list[Line]:
        match block.kind:
            case "activity":
                return list(self.activity(block.spans[0]))
            case "code":
                return wrap_code(block.text.splitlines(), self.width)
            case "heading":
                return self.wrap(Fragment(block.text, "bold"))
        fragments = [_fragment(span, (number, i), block) for i, span in enumerate(block.spans)]
        if block.kind == "item":
            return self.wrap(*fragments, indent="  ", first="• ")
        return self.wrap(*fragments, indent="┃ " if block.kind == "aside" else "")

    def definition(self, name: str) -> list[Line]:
        try:
            term = glossary.find_term(name)
        except InputError as error:
            return self.wrap(Fragment(str(error), "bad"), indent="┃ ")
        text = f"{term.name}: {term.definition}" + (f"  {term.formula}" if term.formula else "")
        return self.wrap(Fragment(text, "aside"), indent="┃ ")

    def activity(self, link: Span) -> Iterator[Line]:
        """Yields a goal, a prediction, an exercise or a question."""
        activity: Any = self.session.source.activities.get((link.scheme, link.target))
        match activity:
            case None:
                return
            case Goal():
                yield from self.goal(activity)
            case Prediction():
                yield from self.prediction(activity)
            case Exercise():
                yield from self.exercise(activity, link)
            case _:
                yield from self.question(activity)

    # --- goals ----------------------------------------------------------------------------------

    def goal(self, goal: Goal) -> Iterator[Line]:
        progress = self.session.lesson_progress
        is_met = goal.name in progress.goals
        title = Fragment(goal.title, "title", ("goal", goal.name))
        reached = Fragment(" reached" if is_met else "", "good")
        mark, style = ("● ", "good") if is_met else ("◯ ", "link")
        yield from self.marked_line(mark, style, title, reached, indent="  ")
        yield from self.conditions(goal)
        status = self.session.attempt.goal_statuses.get(goal.name)
        if status is not None and not is_met:
            yield from self.objections(status)
        if (score := progress.goals.get(goal.name)) is not None:
            yield (Fragment(f"    best: {describe_score(goal, score)}", "good"),)
        if is_met and goal.why:
            yield from self.wrap(Fragment(goal.why, "good"), indent="    ")
        yield from self.hints(goal)

    def conditions(self, goal: Goal) -> Iterator[Line]:
        """Yields the conditions of a goal, with their values now, or when it was met."""
        progress = self.session.lesson_progress
        is_reached, readings = goal.name in progress.goals, progress.readings.get(goal.name, {})
        status = self.session.attempt.goal_statuses.get(goal.name)
        unknown = (ConditionStatus(condition, None, False) for condition in goal.all)
        for condition in status.conditions if status is not None else unknown:
            is_met = is_reached or condition.is_met
            mark, style = ("    ✓ ", "good") if is_met else ("    · ", "muted")
            value = "" if status is None else f"  now {condition.current_value}"
            if is_reached:
                reading = readings.get(condition.condition.of, "")
                value = f"  met at {reading}" if reading else ""
            fragments = Fragment(condition.requirement, style), Fragment(value, "muted")
            yield from self.marked_line(mark, style, *fragments, indent="      ")

    def marked_line(
        self, mark: str, style: str, *fragments: Fragment, indent: str
    ) -> Iterator[Line]:
        """Yields wrapped text behind a mark with a style of its own."""
        first, *rest = self.wrap(*fragments, indent=indent, first=mark)
        yield (Fragment(first[0].text, style), *first[1:])
        yield from rest

    def objections(self, status: GoalStatus) -> Iterator[Line]:
        """Yields why the run does not count for a goal."""
        if status.is_met and self.session.is_trial:
            yield from self.objection("a run that tests a prediction does not count: r trains "
                                      "your own")  # fmt: skip
        if status.objections:
            keys = ", ".join(map(describe_quantity, status.objections))
            yield from self.objection(f"it does not count: {keys} must stay as at the start")

    def objection(self, text: str) -> list[Line]:
        return self.wrap(Fragment(text, "bad"), indent="      ", first="    ✗ ")

    def hints(self, goal: Goal) -> Iterator[Line]:
        count = self.session.lesson_progress.hints.get(goal.name, 0)
        for hint in goal.hints[:count]:
            yield from self.wrap(Fragment(hint, "italic"), indent="      ", first="    → ")
        if count < len(goal.hints) and goal.name not in self.session.lesson_progress.goals:
            yield _link(HINT_LABELS[min(count, len(HINT_LABELS) - 1)], "hint", goal.name)

    # --- questions ------------------------------------------------------------------------------

    def question(self, question: AnyQuestion) -> Iterator[Line]:
        posed = self.session.pose(question)
        grade = self.session.grades.get(question.name)
        is_answered = self.session.lesson_progress.questions.get(question.name)
        mark = "✓ " if is_answered or (grade and grade.is_correct) else "? "
        yield from self.wrap(Fragment(posed.text, "title"), indent="  ", first=mark)
        yield from self.options(question, posed.options)
        if grade is not None:
            text = ("Right. " if grade.is_correct else "Not yet. ") + grade.explanation
            style = "good" if grade.is_correct else "bad"
            yield from self.wrap(Fragment(text, style), indent="    ")
            if grade.is_correct and isinstance(question, Number):
                yield _link("again, with other numbers", "again", question.name)

    def options(self, question: AnyQuestion, options: tuple[str, ...]) -> Iterator[Line]:
        picks = self.session.picks.get(question.name, [])
        match question:
            case Number():
                unit = f" {question.unit}" if question.unit else ""
                label = format_value(picks[0]) + unit if picks else "type the answer"
                yield _link(label, "number", question.name)
            case Shapes():
                yield from _shapes(question, picks[0] if picks else {})
            case Choice() | Order() | Fault():
                for index, option in enumerate(options):
                    style = "code" if isinstance(question, Fault) else ""
                    fragment = Fragment(option, style, ("pick", question.name, index))
                    mark = f"    {_option_mark(question, index, picks)} "
                    yield from self.wrap(fragment, indent="       ", first=mark)
        if isinstance(question, Choice) and question.takes_several:
            yield _link("check these answers", "check", question.name)

    # --- predictions ----------------------------------------------------------------------------

    def prediction(self, prediction: Prediction) -> Iterator[Line]:
        predicted = self.session.predictions.get(prediction.name)
        yield from self.wrap(
            Fragment("Predict. ", "link"), Fragment(prediction.text, "title"),
            indent="  ", first="◇ ",
        )  # fmt: skip
        for index, choice in enumerate(prediction.choices):
            mark = "◉" if predicted is not None and predicted.value == index else "○"
            style = "good" if predicted is not None and predicted.actual == index else ""
            fragment = Fragment(choice.text, style, ("predict", prediction.name, index))
            yield from self.wrap(fragment, indent="      ", first=f"    {mark} ")
        if prediction.number:
            label = "type a number"
            if predicted is not None:
                label = f"{format_value(predicted.value)} {prediction.unit}"
            yield _link(label, "predict", prediction.name)
        if prediction.curve:
            yield from self.curve(prediction, predicted)
        first_score = self.session.lesson_progress.predictions.get(prediction.name)
        if predicted is not None and predicted.score is None:
            is_pending = self.session.is_pending(predicted)
            label = "the run is testing it …" if is_pending else "train it and see"
            yield _link(label, "test", prediction.name)
        elif predicted is not None:
            yield from self.outcome(prediction, predicted)
        elif first_score is not None:
            text = f"    your first prediction was {describe_prediction_score(first_score)}"
            yield (Fragment(text, "muted"),)

    def curve(self, prediction: Prediction, predicted: LearnerPrediction | None) -> Iterator[Line]:
        if predicted is None:
            yield _link("draw it", "predict", prediction.name)
            return
        from tuilab.ui.panes.lesson.curve_plot import draw_curves

        limits = prediction.low, prediction.high
        size = (max(20, min(60, self.width - 4)), CURVE_ROWS)
        for line in draw_curves(predicted.value, predicted.actual or (), limits, size):
            yield (Fragment("    "), *line)
        link = _link("what you drew", "predict", prediction.name)
        yield (*link, Fragment("  what the run did", "good"))

    def outcome(self, prediction: Prediction, predicted: LearnerPrediction) -> list[Line]:
        is_right = predicted.score == 1
        if prediction.number:
            actual, value = format_value(predicted.actual), format_value(predicted.value)
            text = f"It was {actual} {prediction.unit}; you predicted {value}. "
        elif is_right:
            text = "You were right. "
        elif prediction.choices:
            text = f"It came out differently. {prediction.choices[predicted.value].why} "
        else:
            text = f"Your curve was {describe_prediction_score(predicted.score or 0.0)}. "
        style = "good" if is_right else "bad"
        return self.wrap(Fragment(text + prediction.why, style), indent="    ")

    # --- exercises ------------------------------------------------------------------------------

    def exercise(self, exercise: Exercise, link: Span) -> Iterator[Line]:
        is_passed = exercise.name in self.session.lesson_progress.exercises
        title = Fragment(link.text, "title", ("exercise", exercise.name))
        state = Fragment("  correct" if is_passed else "  enter opens your editor", "muted")
        yield from self.wrap(title, state, indent="  ", first="✓ " if is_passed else "» ")
        if is_passed and (use := exercises.find(exercise.name).use):
            yield from self.wrap(Fragment(use, "good"), indent="    ")
        result = self.session.exercise_results.get(exercise.name)
        for line in result.lines() if result is not None else ():
            style = "good" if result is not None and result.is_passed else ""
            yield from self.wrap(Fragment(line, style), indent="    ")


def _link(label: str, kind: str, name: str, index: int = -1) -> Line:
    """Returns a line of its own that does something when it is chosen."""
    target = (kind, name, index) if kind == "predict" else (kind, name)
    return (Fragment("    "), Fragment(label, "link", target))


def _fragment(span: Span, position: tuple[int, int], block: Block) -> Fragment:
    if span.scheme:
        style = "term" if span.scheme == "term" else "link"
        return Fragment(span.text, style, (span.scheme, span.target, *position))
    if span.code:
        return Fragment(span.text, "code")
    plain = "aside" if block.kind == "aside" else ""
    return Fragment(span.text, "bold" if span.bold else "italic" if span.italic else plain)


def _option_mark(question: AnyQuestion, index: int, picks: list[Any]) -> str:
    is_picked = index in picks
    if isinstance(question, Order):
        return f"{picks.index(index) + 1}." if is_picked else "◦ "
    if isinstance(question, Fault):
        return f"{index + 1} "
    if isinstance(question, Choice) and question.takes_several:
        return "☑ " if is_picked else "☐ "
    return "◉ " if is_picked else "○ "


def _shapes(question: Shapes, shapes: dict[int, tuple[int, ...]]) -> Iterator[Line]:
    """Yields the lines of a network, with the shapes after them that are given or asked for."""
    yield (Fragment(f"    {'input':28}{format_shape(question.shape)}", "code"),)
    asked_lines = list_asked_lines(question)
    for number, row in enumerate(plan_network(question).rows):
        shape = Fragment(format_shape(row.output), "code")
        if number in asked_lines:
            text = format_shape(shapes[number]) if number in shapes else "[ ? ]"
            shape = Fragment(text, "link", ("shape", question.name, number))
        yield (Fragment(f"    {row.text:28}", "code"), shape)
