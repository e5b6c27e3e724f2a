"""Merges the progress of two labs that were open at the same time."""

from copy import deepcopy

from tuilab.core.lessons.progress import Card, LessonProgress, Progress


def merge_progress(ours: Progress, base: Progress, theirs: Progress) -> Progress:
    """Returns the progress of both: what either has reached since they were one is kept.

    Args:
        base: what ours was when it was read.
        theirs: what is stored by now.
    """
    empty = LessonProgress()
    lessons = {
        name: _merge_lesson(
            ours.lessons.get(name, empty),
            base.lessons.get(name, empty),
            theirs.lessons.get(name, empty),
        )
        for name in theirs.lessons | ours.lessons
    }
    return Progress(theirs.format, lessons, _merge_decks(ours.deck, base.deck, theirs.deck))


def has_all_of(progress: Progress, other: Progress) -> bool:
    """Returns whether all that was reached in another progress was reached in this one."""
    empty = LessonProgress()
    return all(
        set(theirs.goals) <= set(ours.goals)
        and set(theirs.questions) <= set(ours.questions)
        and set(theirs.predictions) <= set(ours.predictions)
        and set(theirs.exercises) <= set(ours.exercises)
        for name, theirs in other.lessons.items()
        for ours in [progress.lessons.get(name, empty)]
    )


def _merge_lesson(
    ours: LessonProgress, base: LessonProgress, theirs: LessonProgress
) -> LessonProgress:
    merged = deepcopy(theirs)
    if ours.page != base.page:
        merged.page = ours.page
    for goal, score in ours.goals.items():
        if _is_better(goal, score, theirs):
            merged.goals[goal] = score
            if goal in ours.readings:
                merged.readings[goal] = ours.readings[goal]
    # Only the first prediction and the first answer count: those that are stored came first.
    merged.predictions = {**ours.predictions, **theirs.predictions}
    merged.questions = {**ours.questions, **theirs.questions}
    merged.exercises += [name for name in ours.exercises if name not in theirs.exercises]
    for goal, count in ours.hints.items():
        merged.hints[goal] = max(count, theirs.hints.get(goal, 0))
    merged.seconds += max(0.0, ours.seconds - base.seconds)
    return merged


def _is_better(goal: str, score: float | None, theirs: LessonProgress) -> bool:
    """Returns whether a goal was met for the first time, or with a lower score."""
    best = theirs.goals.get(goal)
    return goal not in theirs.goals or (score is not None and (best is None or score < best))


def _merge_decks(ours: list[Card], base: list[Card], theirs: list[Card]) -> list[Card]:
    our, old, their = ({(card.lesson, card.question): card for card in deck}
                       for deck in (ours, base, theirs))  # fmt: skip
    cards = (_merge_card(our.get(key), old.get(key), their.get(key)) for key in their | our)
    return [deepcopy(card) for card in cards if card is not None]


def _merge_card(ours: Card | None, base: Card | None, theirs: Card | None) -> Card | None:
    """Returns the card that changed; of two that did, the one that comes back sooner."""
    if ours == base:
        return theirs
    if theirs == base:
        return ours
    return min(filter(None, (ours, theirs)), key=lambda card: (card.box, card.due), default=None)
