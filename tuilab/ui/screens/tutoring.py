"""What a lesson does in the lab: links act, answers are judged, goals that are met are told."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on, work

from tuilab.lab import files
from tuilab.lab.errors import InputError
from tuilab.lab.experiment import Experiment
from tuilab.lab.lessons.question import AnyQuestion, Choice, Order, Shapes
from tuilab.lab.messages import AnyEvent, Step
from tuilab.lab.numbers import compact
from tuilab.lab.run import Run
from tuilab.ui.panes.inside import InsidePane
from tuilab.ui.panes.knobs import KnobsPane
from tuilab.ui.panes.lesson import LessonPane
from tuilab.ui.screens.coding import Coding
from tuilab.ui.screens.dialogs import Dialog, Prompt

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.lab.lessons.lesson import Goal, Prediction
    from tuilab.ui.teaching import Teaching

SEEDS = 1 << 30
"""Questions draw their numbers by one of so many seeds, another each time a lesson is opened."""


class Tutoring(Coding):
    """A screen on which a lesson may be open."""

    lesson: LessonPane
    inside: InsidePane
    knobs: KnobsPane

    @property
    def teaching(self) -> "Teaching | None":
        """The lesson that is open."""
        return self.lesson.teaching

    def teach(self, name: str) -> None:
        """Open a lesson: its start goes on the desk, its first page beside it."""
        from tuilab.lab.lessons import library, progress
        from tuilab.ui.teaching import Teaching

        try:
            book = library.read(library.find(name))
        except InputError as error:
            self.notify(str(error), title="No lesson", severity="error", markup=False)
            return
        kept, problem = progress.load()
        if problem:
            self.notify(problem, severity="warning", markup=False)
        self.take(book.lesson.start, None)
        self.desk.locked = book.lesson.locked
        self.knobs.hide(book.lesson.hidden)
        self._open_beside(Teaching(book, kept, secrets.randbelow(SEEDS)))

    def review(self) -> None:
        """Ask again what was missed and is due; the experiment on the desk stays."""
        from tuilab.lab.lessons import progress, review
        from tuilab.ui.teaching import Reviewing

        kept, _ = progress.load()
        self.desk.locked = ()
        self.knobs.hide(())
        self._open_beside(Reviewing(review.book(kept), kept, secrets.randbelow(SEEDS)))

    def _open_beside(self, teaching: "Teaching") -> None:
        self.lesson.take(teaching)
        self.add_class("-lesson")
        self.action_pane("lesson")

    def take(self, experiment: Experiment, path: Path | None) -> None:
        """Put another experiment on the desk; nothing is hidden of it."""
        super().take(experiment, path)
        self.knobs.hide(())

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
            self.notify(said, title=f"Decided: {prediction.name}", markup=False)
            news = True
        if news:
            self._keep()

    def _praise(self, goal: "Goal") -> None:
        assert self.teaching is not None
        score = self.teaching.done.goals.get(goal.name)
        golf = f" with {compact(score)} {goal.golf}" if score is not None else ""
        rest = " That was the last goal of the lesson." if self.teaching.is_over else ""
        self.notify(f"{goal.title}{golf}.{rest}", title="Goal reached", markup=False, timeout=8)

    @on(LessonPane.Turned)
    def _keep(self) -> None:
        if self.teaching is None:
            return
        try:
            self.teaching.save()
        except OSError as error:
            self.notify(f"Your progress is not kept: {error.strerror}", severity="warning")

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
            case "exercise":
                self._code(name)
            case "goal" | "hint":
                self.teaching.hint(things["goal", name])  # type: ignore[arg-type]
            case "pick" | "check" | "number" | "shape" | "again":
                self._question(kind, things["question", name], *rest)  # type: ignore[arg-type]
            case "bet" | "decide":
                self._prediction(kind, things["prediction", name], *rest)  # type: ignore[arg-type]
        self.lesson.redraw()
        self._keep()

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
                self.open_preset(files.presets()[target].path)
            case "lesson":
                self.teach(target)

    def _set(self, target: str) -> None:
        from tuilab.lab.lessons import checking

        try:
            experiment = checking.setting(target, self.desk.experiment)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.edit(experiment)
        waits = self.desk.restart_keys
        note = f"r restarts with {', '.join(waits)}; u" if waits else "u"
        self.notify(f"{target.replace(';', ', ')}. {note} takes it back.", markup=False)

    # --- questions ----------------------------------------------------------------------------

    def _question(self, kind: str, question: AnyQuestion, place: int = -1) -> None:
        assert self.teaching is not None
        match kind:
            case "again":
                self.teaching.ask_again(question)
            case "check":
                self.teaching.answer(question, self.teaching.picks.get(question.name, []))
            case "number" | "shape":
                self._write(question, place)
            case _:
                self._pick(question, place)

    def _pick(self, question: AnyQuestion, place: int) -> None:
        teaching = self.teaching
        assert teaching is not None
        several = isinstance(question, Choice) and question.takes_several
        if not several and not isinstance(question, Order):
            teaching.picks[question.name] = []
        teaching.pick(question, place)
        picks = teaching.picks[question.name]
        if isinstance(question, Order):
            is_whole = len(picks) == len(question.steps)
            if is_whole and not teaching.answer(question, picks).is_right:
                teaching.picks[question.name] = []
        elif not several:
            teaching.answer(question, picks if isinstance(question, Choice) else place)

    @work
    async def _write(self, question: AnyQuestion, place: int) -> None:
        from tuilab.lab.lessons.judging import asked_lines

        teaching = self.teaching
        assert teaching is not None
        if isinstance(question, Shapes):
            text = f"Which shape comes out of {question.network[place]}? Such as 16, 28, 28."
            shape = await self.app.push_screen_wait(Prompt("Shape", text, "", check=_shape))
            if shape is not None:
                given = {**(teaching.picks.get(question.name) or [{}])[0], place: shape}
                teaching.picks[question.name] = [given]
                if set(given) >= set(asked_lines(question)):
                    teaching.answer(question, given)
        else:
            text = teaching.asked(question).text
            number = await self.app.push_screen_wait(Prompt("Answer", text, "", check=_number))
            if number is not None:
                teaching.picks[question.name] = [number]
                teaching.answer(question, number)
        self.lesson.redraw()
        self._keep()

    @work(exclusive=True, group="code")
    async def _code(self, name: str) -> None:
        result, teaching = await self.written(name), self.teaching
        if result is not None and teaching is not None:
            teaching.code(result)
            self.lesson.redraw()
            self._keep()

    # --- predictions --------------------------------------------------------------------------

    def _prediction(self, kind: str, prediction: "Prediction", place: int = -1) -> None:
        assert self.teaching is not None
        bet = self.teaching.bets.get(prediction.name)
        if kind == "decide" and bet is not None and not bet.run:
            self._try(prediction)
        elif kind == "bet" and (bet is None or bet.nearness is not None or not bet.run):
            if prediction.choices:
                self.teaching.bet(prediction, place)
            else:
                self._guess(prediction)

    @work
    async def _guess(self, prediction: "Prediction") -> None:
        said: Any = await self.app.push_screen_wait(self._question_about(prediction))
        if said is not None and self.teaching is not None:
            self.teaching.bet(prediction, said)
            self.lesson.redraw()

    def _question_about(self, prediction: "Prediction") -> Dialog:
        if not prediction.curve:
            return Prompt("Your prediction", prediction.text, "", check=_number)
        from tuilab.ui.screens.sketching import Sketching

        return Sketching(prediction)

    def _try(self, prediction: "Prediction") -> None:
        """Train what decides a bet, from its beginning."""
        assert self.teaching is not None
        self.send(self.desk.edit(prediction.trial(self.teaching.book.lesson.start)))
        if not self.can_start():
            return
        if prediction.steps:
            self.send([*self.desk.start(paused=True), Step(steps=prediction.steps)])
        else:
            self.send(self.desk.start())
        self.teaching.bets[prediction.name].run = self.desk.run.id


def _number(text: str) -> float:
    try:
        return float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        raise InputError("write a number, such as -0.5") from None


def _shape(text: str) -> tuple[int, ...]:
    try:
        sizes = text.strip("[]() ").replace("×", ",").split(",")
        return tuple(int(size) for size in sizes if size.strip())
    except ValueError:
        raise InputError("write sizes with commas between, such as 16, 28, 28") from None
