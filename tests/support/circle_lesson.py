"""A small lesson of a learner's own, and what is done on its pages."""

from pathlib import Path
from typing import Any

from tests.support.lab_pilot import Lab
from tuilab.core import paths
from tuilab.ui.panes.lesson.lesson_session import LessonSession

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


def write_circle_lesson() -> Path:
    """Writes the lesson `round` among those of the user; returns its folder."""
    folder = paths.data_dir() / "lessons" / "round"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text(TOML)
    (folder / "lesson.md").write_text(PROSE)
    return folder


async def choose(lab: Lab, *link: Any) -> None:
    """Follows a link on the page, as enter does."""
    text_view = lab.app.main_screen.panes.lesson.text_view
    targets = [target for target in text_view._find_targets() if isinstance(target, tuple)]
    links = [target for target in targets if target[: len(link)] == link]
    assert links, f"{link} is not on the page:\n{lab.text}"
    text_view.focus()
    text_view.move_cursor_to(links[0])
    await lab.press("enter")


def session_of(lab: Lab) -> LessonSession:
    """Returns the lesson that is open."""
    session = lab.app.main_screen.lessons.session
    assert session is not None
    return session


def shows_lesson(lab: Lab, is_beside: bool) -> bool:
    """Returns whether the lesson is on the screen, or is not, as it should be."""
    return ("The first step" in lab.text) == is_beside
