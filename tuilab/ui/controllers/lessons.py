"""What a lesson does in the lab: links act, answers are judged, goals that are met are told."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work

from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import compact
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Run
from tuilab.ui.controllers.questions import QuestionController
from tuilab.ui.panes.inspect import InspectPane
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane
from tuilab.ui.panes.lesson.lesson_pane import LessonPane

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.core.lessons.lesson import Goal
    from tuilab.core.lessons.library import Book
    from tuilab.ui.panes.lesson.lesson_session import Teaching

SEEDS = 1 << 30
"""Questions draw their numbers by one of so many seeds, another each time a lesson is opened."""


class LessonController(QuestionController):
    """A screen on which a lesson may be open."""

    inside: InspectPane
    knobs: KnobsPane

    is_playing = False
    "The experiment on the desk is a lesson's, to be played with."

    @work
    async def teach(self, name: str) -> None:
        """Open a lesson: its start goes on the desk, its first page beside it."""
        from tuilab.core.lessons import library, progress
        from tuilab.ui.panes.lesson.lesson_session import Teaching

        try:
            book = library.read(library.find(name))
        except InputError as error:
            self.notify(str(error), title="No lesson", severity="error", markup=False)
            return
        if not await self._settle_edits():
            return
        kept, problem = progress.load()
        if problem:
            self.notify(problem, severity="warning", markup=False)
        self.take(book.lesson.start, None)
        self.is_playing = True
        self.workspace.locked = book.lesson.locked
        self.knobs.hide(book.lesson.hidden)
        following = library.after(book.name)
        self._open_beside(Teaching(book, kept, secrets.randbelow(SEEDS), following))

    def review(self, source: "Book | None" = None) -> None:
        """Ask what was missed and is due, or the terms of a lesson; the experiment stays."""
        from tuilab.core.lessons import progress, review
        from tuilab.ui.panes.lesson.lesson_session import Reviewing

        kept, _ = progress.load()
        self.workspace.locked = ()
        self.knobs.hide(())
        book = review.book(kept) if source is None else review.terms(source)
        self._open_beside(Reviewing(book, kept, secrets.randbelow(SEEDS)))

    def _open_beside(self, teaching: "Teaching") -> None:
        self.lesson.take(teaching)
        self.action_pane("lesson")

    def take(self, experiment: Experiment, path: Path | None) -> None:
        """Put another experiment on the desk; nothing is hidden of it."""
        super().take(experiment, path)
        self.knobs.hide(())
        self.is_playing = False

    async def _settle_edits(self) -> bool:
        """Nobody asks for a file of what was tried out in a lesson, unless it was saved before."""
        return (self.is_playing and self.workspace.path is None) or await super()._settle_edits()

    def action_course(self) -> None:
        """Choose a lesson."""
        from tuilab.ui.screens.course import REVIEW, Course

        def open_it(name: str | None) -> None:
            if name == REVIEW:
                self.review()
            elif name:
                self.teach(name)

        self.app.push_screen(Course(), open_it)

    def action_glossary(self) -> None:
        """Look a term up."""
        from tuilab.ui.screens.course import Glossary

        self.app.push_screen(Glossary())

    def action_pane(self, name: str) -> None:
        """Show a pane and put the focus into it."""
        raise NotImplementedError

    # --- the run ------------------------------------------------------------------------------

    def attend(self, event: AnyEvent, run: Run) -> None:
        """Read the goals and bets of the lesson off the run, after each of its events."""
        if self.teaching is None:
            return
        news = False
        for goal in self.teaching.hear(event, run):
            self._praise(goal)
            news = True
        for prediction, bet in self.teaching.decide(run):
            said = "You were right." if bet.nearness == 1 else f"{bet.nearness:.0%} right."
            self.notify(
                f"{said} {prediction.why}", title="Your prediction", markup=False, timeout=10
            )
            news = True
        if news:
            self.keep()

    def _praise(self, goal: "Goal") -> None:
        assert self.teaching is not None
        score = self.teaching.done.goals.get(goal.name)
        golf = f": {compact(score)} {goal.golf}" if score is not None else ""
        rest = " That was the last goal of the lesson." if self.teaching.is_over else ""
        self.notify(f"{goal.title}{golf}.{rest}", title="Goal reached", markup=False, timeout=8)

    # --- what is chosen on the page -----------------------------------------------------------

    @on(LessonPane.Asked)
    def _asked(self, event: LessonPane.Asked) -> None:
        spot = event.spot
        if self.teaching is None or not isinstance(spot, tuple):
            return
        kind, name, *rest = spot
        things = self.teaching.book.things
        match kind:
            case "set" | "pane" | "view" | "do" | "open" | "lesson":
                self._act(kind, name)
            case "terms":
                self.review(self.teaching.book)
            case "exercise":
                self._code(name)
            case "goal" | "hint":
                self.teaching.hint(things["goal", name])  # type: ignore[arg-type]
            case "pick" | "check" | "number" | "shape" | "again":
                self.ask(kind, things["question", name], *rest)  # type: ignore[arg-type]
            case "bet" | "decide":
                self.wager(kind, things["prediction", name], *rest)  # type: ignore[arg-type]
        self.lesson.redraw()
        self.keep()

    def _act(self, kind: str, target: str) -> None:
        match kind:
            case "set":
                self._set(target)
            case "pane":
                self.action_pane(target)
            case "view":
                name, _, layer = target.partition("/")
                view = self.inside.open(name)
                if layer:
                    view.aim(layer)
                self.action_pane("inside")
            case "do":
                self.call_later(self.run_action, target)
            case "open":
                self.open_preset(toml_file.presets()[target].path)
            case "lesson":
                self.teach(target)

    def _set(self, target: str) -> None:
        from tuilab.core.lessons import lesson_validation

        try:
            experiment = lesson_validation.setting(target, self.workspace.experiment)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.edit(experiment)
        waits = self.workspace.restart_keys
        note = f"r restarts with {', '.join(waits)}; u" if waits else "u"
        self.notify(f"{target.replace(';', ', ')}. {note} takes it back.", markup=False)

    # --- exercises ----------------------------------------------------------------------------

    @work(exclusive=True, group="code")
    async def _code(self, name: str) -> None:
        result, teaching = await self.written(name), self.teaching
        if result is not None and teaching is not None:
            teaching.code(result)
            self.lesson.redraw()
            self.keep()
