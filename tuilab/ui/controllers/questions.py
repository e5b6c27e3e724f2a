"""The questions and bets of a lesson in the lab: chosen, written, drawn, judged."""

import re
from typing import TYPE_CHECKING, Any

from textual import on, work

from tuilab.core.errors import InputError
from tuilab.core.lessons.question import AnyQuestion, Choice, Order, Shapes
from tuilab.core.protocol.commands import Step
from tuilab.ui.controllers.exercises import ExerciseController
from tuilab.ui.panes.lesson.lesson_pane import LessonPane
from tuilab.ui.screens.dialogs import Dialog, Prompt

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.core.lessons.lesson import Prediction
    from tuilab.ui.panes.lesson.lesson_session import Teaching


class QuestionController(ExerciseController):
    """A screen with a lesson whose questions are answered and whose runs are bet on."""

    lesson: LessonPane

    @property
    def teaching(self) -> "Teaching | None":
        """The lesson that is open."""
        return self.lesson.teaching

    @on(LessonPane.Turned)
    def keep(self) -> None:
        """Write the progress down."""
        if self.teaching is None:
            return
        try:
            self.teaching.save()
        except OSError as error:
            self.notify(f"Your progress is not kept: {error.strerror}", severity="warning")

    # --- questions ----------------------------------------------------------------------------

    def ask(self, kind: str, question: AnyQuestion, place: int = -1) -> None:
        """Do what was chosen at a question: pick, write, check, or ask it again."""
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
        from tuilab.core.lessons.answers import asked_lines

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
        self.keep()

    # --- predictions --------------------------------------------------------------------------

    def wager(self, kind: str, prediction: "Prediction", place: int = -1) -> None:
        """Take a bet, or train what decides it; neither while it is being decided."""
        assert self.teaching is not None
        bet = self.teaching.bets.get(prediction.name)
        if bet is not None and self.teaching.is_pending(bet):
            return
        if kind == "decide" and bet is not None and bet.nearness is None:
            self._try(prediction)
        elif kind == "bet":
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
        from tuilab.ui.screens.draw_curve import Sketching

        return Sketching(prediction)

    def _try(self, prediction: "Prediction") -> None:
        """Train what decides a bet, from its beginning."""
        assert self.teaching is not None
        self.send(self.workspace.edit(prediction.trial(self.teaching.book.lesson.start)))
        if not self.can_start():
            return
        if prediction.steps:
            self.send([*self.workspace.start(paused=True), Step(steps=prediction.steps)])
        else:
            self.send(self.workspace.start())
        self.teaching.bets[prediction.name].run = self.teaching.live = self.workspace.run.id


def _number(text: str) -> float:
    """A number as people write it: 3,130 and 3 130 are thousands, 0,5 is a half."""
    plain = re.sub(r"\s", "", text).replace("−", "-")
    if re.fullmatch(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    try:
        return float(plain.replace(",", "."))
    except ValueError:
        raise InputError("write a number, such as -0.5") from None


def _shape(text: str) -> tuple[int, ...]:
    try:
        sizes = text.strip("[]() ").replace("×", ",").split(",")
        return tuple(int(size) for size in sizes if size.strip())
    except ValueError:
        raise InputError("write sizes with commas between, such as 16, 28, 28") from None
