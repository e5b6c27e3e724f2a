"""A page of a lesson as lines: its prose, its goals with their present values, its questions."""

from collections.abc import Iterator
from typing import Any

from tuilab.core.exercises import exercise as exercises
from tuilab.core.format import compact
from tuilab.core.lessons import glossary
from tuilab.core.lessons.answers import asked_lines, planned
from tuilab.core.lessons.goals import Reading
from tuilab.core.lessons.lesson import Exercise, Goal, Prediction
from tuilab.core.lessons.prose import Block, Span
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.network.layer import show
from tuilab.ui.panes.lesson.lesson_session import Bet, Teaching
from tuilab.ui.widgets.rich_text import Line, Piece, wrap

BLANK: Line = ()

INDENT = "  "

CURVE_ROWS = 10
"""Of a drawn curve, with its axis."""


def lines(teaching: Teaching, width: int, term: str = "") -> list[Line]:
    """The page that is open, in lines of at most so many cells.

    Args:
        term: the glossary's term whose definition is shown under its paragraph.
    """
    page = teaching.present
    found = [(Piece(page.title, "heading"),), BLANK]
    for number, block in enumerate(page.blocks):
        found += _block(teaching, block, number, width)
        if term and any(span.scheme == "term" and span.target == term for span in block.spans):
            found += _definition(term, width)
        if not _goes_on(page.blocks, number):
            found.append(BLANK)
    return found + _door(teaching, width)


def _door(teaching: Teaching, width: int) -> list[Line]:
    """At the end of a lesson: its terms to be asked, and the next lesson."""
    page, book = teaching.present, teaching.following
    if page is not teaching.book.pages[-1] or teaching.is_review:
        return []
    spot = ("terms", teaching.book.name)
    found = wrap([Piece("Be asked the terms of this lesson", "link", spot)], width)
    if book is not None and book.name not in (link.target for link in page.links("lesson")):
        link = Piece(book.lesson.title, "link", ("lesson", book.name))
        found += wrap([Piece("The next lesson: "), link], width)
    return found


def _goes_on(blocks: tuple[Block, ...], number: int) -> bool:
    """Whether the items of a list follow each other."""
    following = blocks[number + 1].kind if number + 1 < len(blocks) else ""
    return blocks[number].kind == following == "item"


def _block(teaching: Teaching, block: Block, number: int, width: int) -> list[Line]:
    match block.kind:
        case "thing":
            return _thing(teaching, block.spans[0], width)
        case "code":
            return [line for text in block.text.splitlines() for line in _code(text, width)]
        case "heading":
            return wrap([Piece(block.text, "bold")], width)
    pieces = [_piece(span, (number, place), block) for place, span in enumerate(block.spans)]
    if block.kind == "item":
        return wrap(pieces, width, "  ", "• ")
    return wrap(pieces, width, "┃ " if block.kind == "aside" else "")


def _code(text: str, width: int) -> list[Line]:
    """A line as it is; where it is too long, what is over comes below it, further in."""
    start = INDENT + text[: len(text) - len(text.lstrip())]
    return wrap([Piece(text.lstrip(), "code")], width, start + INDENT, start)


def _piece(span: Span, place: tuple[int, int], block: Block) -> Piece:
    if span.scheme:
        style = "term" if span.scheme == "term" else "link"
        return Piece(span.text, style, (span.scheme, span.target, *place))
    if span.code:
        return Piece(span.text, "code")
    plain = "aside" if block.kind == "aside" else ""
    return Piece(span.text, "bold" if span.bold else "italic" if span.italic else plain)


def _definition(term: str, width: int) -> list[Line]:
    found = glossary.find(term)
    text = f"{found.name}: {found.definition}" + (f"  {found.formula}" if found.formula else "")
    return wrap([Piece(text, "aside")], width, "┃ ")


# --- things -------------------------------------------------------------------------------------


def _thing(teaching: Teaching, link: Span, width: int) -> list[Line]:
    thing: Any = teaching.book.things.get((link.scheme, link.target))
    match thing:
        case Goal():
            return list(_goal(teaching, thing, width))
        case Prediction():
            return list(_prediction(teaching, thing, width))
        case Exercise():
            return list(_exercise(teaching, thing, link, width))
        case None:
            return []
    return list(_question(teaching, thing, width))


def _goal(teaching: Teaching, goal: Goal, width: int) -> Iterator[Line]:
    is_met = goal.name in teaching.done.goals
    sign = "●" if is_met else "◯"
    spot = ("goal", goal.name)
    told = [Piece(goal.title, "thing", spot), Piece(" reached" if is_met else "", "good")]
    yield from _marked(f"{sign} ", "good" if is_met else "link", told, "  ", width)
    standing = teaching.attempt.standings.get(goal.name)
    for reading in standing.readings if standing is not None else ():
        mark, style = ("✓", "good") if reading.is_met else ("·", "muted")
        told = [Piece(reading.wanted, style), Piece(f"  now {reading.present}", "muted")]
        yield from _marked(f"    {mark} ", style, told, "      ", width)
    if standing is None:
        for condition in goal.all:
            yield from wrap(
                [Piece(Reading(condition, None, False).wanted, "muted")], width, "      ", "    · "
            )
    if standing is not None and standing.is_met and teaching.is_betting and not is_met:
        text = "a run that decides a bet does not count: r trains it as your own"
        yield from wrap([Piece(text, "bad")], width, "      ", "    ✗ ")
    if standing is not None and standing.forbidden:
        text = f"it does not count: {', '.join(standing.forbidden)} must stay as at the start"
        yield from wrap([Piece(text, "bad")], width, "      ", "    ✗ ")
    if (score := teaching.done.goals.get(goal.name)) is not None:
        yield (Piece(f"    best: {compact(score)} {goal.golf}", "good"),)
    if is_met and goal.why:
        yield from wrap([Piece(goal.why, "good")], width, "    ")
    yield from _hints(teaching, goal, width)


def _marked(mark: str, style: str, pieces: list[Piece], indent: str, width: int) -> Iterator[Line]:
    """Wrapped words behind a mark with a style of its own."""
    first, *rest = wrap(pieces, width, indent, mark)
    yield (Piece(first[0].text, style), *first[1:])
    yield from rest


def _hints(teaching: Teaching, goal: Goal, width: int) -> Iterator[Line]:
    taken = teaching.done.hints.get(goal.name, 0)
    for hint in goal.hints[:taken]:
        yield from wrap([Piece(hint, "italic")], width, "      ", "    → ")
    if taken < len(goal.hints) and goal.name not in teaching.done.goals:
        label = "a hint" if not taken else "another hint" if taken == 1 else "what to do"
        yield (Piece("    "), Piece(label, "link", ("hint", goal.name)))


def _question(teaching: Teaching, question: AnyQuestion, width: int) -> Iterator[Line]:
    asked = teaching.asked(question)
    verdict = teaching.verdicts.get(question.name)
    was_right = teaching.done.questions.get(question.name)
    sign = "✓" if was_right or (verdict and verdict.is_right) else "?"
    yield from wrap([Piece(asked.text, "thing")], width, "  ", f"{sign} ")
    yield from _options(teaching, question, asked.options, width)
    if verdict is not None:
        text = ("Right. " if verdict.is_right else "Not yet. ") + verdict.why
        yield from wrap([Piece(text, "good" if verdict.is_right else "bad")], width, "    ")
    if verdict is not None and verdict.is_right and isinstance(question, Number):
        yield (Piece("    "), Piece("again, with other numbers", "link", ("again", question.name)))


def _options(
    teaching: Teaching, question: AnyQuestion, options: tuple[str, ...], width: int
) -> Iterator[Line]:
    picks = teaching.picks.get(question.name, [])
    match question:
        case Number():
            unit = f" {question.unit}" if question.unit else ""
            told = compact(picks[0]) + unit if picks else "type the answer"
            yield (Piece("    "), Piece(told, "link", ("number", question.name)))
        case Shapes():
            yield from _shapes(question, picks)
        case Choice() | Order() | Fault():
            for place, option in enumerate(options):
                yield from _option(question, place, option, picks, width)
    if isinstance(question, Choice) and question.takes_several:
        yield (Piece("    "), Piece("these are it", "link", ("check", question.name)))


def _option(
    question: AnyQuestion, place: int, option: str, picks: list[Any], width: int
) -> Iterator[Line]:
    is_picked = place in picks
    if isinstance(question, Order):
        mark = f"{picks.index(place) + 1}." if is_picked else "◦ "
    elif isinstance(question, Fault):
        mark = f"{place + 1} "
    elif isinstance(question, Choice) and question.takes_several:
        mark = "☑ " if is_picked else "☐ "
    else:
        mark = "◉ " if is_picked else "○ "
    style = "code" if isinstance(question, Fault) else ""
    piece = Piece(option, style, ("pick", question.name, place))
    yield from wrap([piece], width, "       ", f"    {mark} ")


def _shapes(question: Shapes, picks: list[Any]) -> Iterator[Line]:
    given = picks[0] if picks else {}
    yield (Piece(f"    {'input':28}{show(question.shape)}", "code"),)
    asked = asked_lines(question)
    for place, row in enumerate(planned(question).rows):
        yield (
            Piece(f"    {row.text:28}", "code"),
            Piece(show(given[place]) if place in given else "[ ? ]", "link",
                  ("shape", question.name, place))
            if place in asked else Piece(show(row.output), "code"),
        )  # fmt: skip


def _prediction(teaching: Teaching, prediction: Prediction, width: int) -> Iterator[Line]:
    bet = teaching.bets.get(prediction.name)
    near = teaching.done.predictions.get(prediction.name)
    yield from wrap(
        [Piece("Predict. ", "link"), Piece(prediction.text, "thing")], width, "  ", "◇ "
    )
    for place, choice in enumerate(prediction.choices):
        mark = "◉" if bet is not None and bet.said == place else "○"
        style = "good" if bet is not None and bet.true == place else ""
        piece = Piece(choice.text, style, ("bet", prediction.name, place))
        yield from wrap([piece], width, "      ", f"    {mark} ")
    if prediction.number:
        said = f"{compact(bet.said)} {prediction.unit}" if bet is not None else "type a number"
        yield (Piece("    "), Piece(said, "link", ("bet", prediction.name, -1)))
    if prediction.curve:
        yield from _curve(prediction, bet, width)
    if bet is not None and bet.nearness is None:
        label = "it is being decided …" if teaching.is_pending(bet) else "train it and see"
        yield (Piece("    "), Piece(label, "link", ("decide", prediction.name)))
    if bet is not None and bet.nearness is not None:
        yield from _outcome(prediction, bet, width)
    elif near is not None and bet is None:
        yield (Piece(f"    your first bet was {near:.0%} right", "muted"),)


def _curve(prediction: Prediction, bet: Bet | None, width: int) -> Iterator[Line]:
    spot = ("bet", prediction.name, -1)
    if bet is None:
        yield (Piece("    "), Piece("draw it", "link", spot))
        return
    from tuilab.ui.panes.lesson.curve_plot import picture

    room = max(20, min(60, width - 4))
    limits = prediction.low, prediction.high
    for line in picture(bet.said, bet.true or (), limits, (room, CURVE_ROWS)):
        yield (Piece("    "), *line)
    yield (Piece("    "), Piece("what you drew", "link", spot), Piece("  what it did", "good"))


def _outcome(prediction: Prediction, bet: Bet, width: int) -> Iterator[Line]:
    is_right = bet.nearness == 1
    if prediction.choices:
        said = prediction.choices[bet.said]
        text = "You were right. " if is_right else f"It was not so. {said.why} "
    elif prediction.curve:
        text = "You were right. " if is_right else f"Your curve is {bet.nearness:.0%} right. "
    else:
        text = f"It was {compact(bet.true)} {prediction.unit}; you said {compact(bet.said)}. "
    yield from wrap([Piece(text + prediction.why, "good" if is_right else "bad")], width, "    ")


def _exercise(teaching: Teaching, exercise: Exercise, link: Span, width: int) -> Iterator[Line]:
    is_done = exercise.name in teaching.done.exercises
    sign = "✓" if is_done else "»"
    yield from wrap(
        [Piece(link.text, "thing", ("exercise", exercise.name)),
         Piece("  written and right" if is_done else "  enter opens your editor", "muted")],
        width, "  ", f"{sign} ",
    )  # fmt: skip
    result = teaching.results.get(exercise.name)
    if is_done and (use := exercises.find(exercise.name).use):
        yield from wrap([Piece(use, "good")], width, "    ")
    for line in result.lines() if result is not None else ():
        style = "good" if result is not None and result.is_passed else ""
        yield from wrap([Piece(line, style)], width, "    ")
