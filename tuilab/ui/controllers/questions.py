"""The questions and predictions of a lesson: picked, typed, drawn, graded and tested."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.lessons.question import AnyQuestion, Choice, Order, Shapes
from tuilab.core.protocol.commands import Step
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.screens.dialogs import Dialog, Prompt

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.core.lessons.lesson import Prediction
    from tuilab.ui.panes.lesson.lesson_session import LessonSession


class QuestionController:
    """Answers the questions of a lesson, and trains the runs that test predictions."""

    def __init__(
        self, context: Context, training: TrainingController, on_answer: Callable[[], None]
    ) -> None:
        self._context, self._training, self._on_answer = context, training, on_answer
        self._replaced: tuple[Experiment, Experiment] | None = None
        "The learner's experiment, and that of the test which took its place."

    # --- questions ----------------------------------------------------------------------------

    def choose(
        self, session: "LessonSession", kind: str, question: AnyQuestion, index: int = -1
    ) -> None:
        """Does what was chosen at a question.

        Args:
            kind: `pick` an option, `check` the ones picked, type a `number` or a `shape`, or put
                the question `again`.
            place: of the option or of the line whose shape is typed.
        """
        match kind:
            case "again":
                session.ask_again(question)
            case "check":
                session.answer(question, session.picks.get(question.name, []))
            case "number":
                self._context.start(self._ask_number(session, question))
            case "shape":
                assert isinstance(question, Shapes)
                self._context.start(self._ask_shape(session, question, index))
            case _:
                _pick(session, question, index)

    async def _ask_number(self, session: "LessonSession", question: AnyQuestion) -> None:
        text = session.pose(question).text
        number = await self._context.ask(Prompt("Answer", text, check=parse_number))
        if number is not None:
            session.picks[question.name] = [number]
            session.answer(question, number)
        self._on_answer()

    async def _ask_shape(self, session: "LessonSession", question: Shapes, index: int) -> None:
        from tuilab.core.lessons.answers import list_asked_lines

        text = f"What is the output shape of {question.network[index]}? For example 16, 28, 28."
        shape = await self._context.ask(Prompt("Shape", text, check=parse_shape))
        if shape is not None:
            shapes = {**(session.picks.get(question.name) or [{}])[0], index: shape}
            session.picks[question.name] = [shapes]
            if set(shapes) >= set(list_asked_lines(question)):
                session.answer(question, shapes)
        self._on_answer()

    # --- predictions --------------------------------------------------------------------------

    def predict(self, session: "LessonSession", prediction: "Prediction", index: int = -1) -> None:
        """Records a choice, or asks for a number or a curve; not while a run tests the last one."""
        predicted = session.predictions.get(prediction.name)
        if predicted is not None and session.is_pending(predicted):
            self._context.notify(
                "A run is testing your prediction: it cannot be changed until the run has ended."
            )
            return
        if prediction.choices:
            session.predict(prediction, index, self._context.workspace.run)
        else:
            self._context.start(self._ask_prediction(session, prediction))

    async def _ask_prediction(self, session: "LessonSession", prediction: "Prediction") -> None:
        value: Any = await self._context.ask(_prediction_dialog(prediction))
        if value is not None:
            session.predict(prediction, value, self._context.workspace.run)
            self._on_answer()

    def test_prediction(self, session: "LessonSession", prediction: "Prediction") -> None:
        """Trains the run that tests a prediction, from its beginning."""
        predicted = session.predictions.get(prediction.name)
        if predicted is None or predicted.score is not None or session.is_pending(predicted):
            return
        workspace = self._context.workspace
        if not workspace.is_of_lesson:
            self._context.notify("The lab shows another experiment. Open the lesson's first.")
            return
        experiment = prediction.build_experiment(session.source.lesson.start)
        own = workspace.experiment
        if self._replaced is not None and self._shows_test:
            own = self._replaced[0]
        self._replaced = own, experiment
        self._context.send(workspace.edit(experiment))
        if not self._training.can_start():
            return
        if prediction.steps:
            self._context.send([*workspace.start(paused=True), Step(steps=prediction.steps)])
        else:
            self._context.send(workspace.start())
        predicted.run_id = session.active_run_id = workspace.run.id

    @property
    def _shows_test(self) -> bool:
        """Whether the experiment is that of the last test, at whatever pace."""
        if self._replaced is None or not self._context.workspace.is_of_lesson:
            return False
        experiment, test = self._context.workspace.experiment, self._replaced[1]
        return experiment == with_value(test, "training.pace", experiment.training.pace)

    def bring_back(self) -> None:
        """Brings back the experiment that a test has replaced, once the test is over.

        What the learner has made of the test's experiment stays.
        """
        workspace = self._context.workspace
        if self._replaced is None or workspace.run.is_active:
            return
        (own, test), is_unchanged = self._replaced, self._shows_test
        self._replaced = None
        if is_unchanged and own != test:
            self._context.send(workspace.edit(own))
            note = "Your experiment is back as it was before the prediction; u undoes it."
            self._context.notify(note)


def _pick(session: "LessonSession", question: AnyQuestion, index: int) -> None:
    """Picks an option, and answers as soon as no more is to be picked."""
    takes_several = isinstance(question, Choice) and question.takes_several
    if not takes_several and not isinstance(question, Order):
        session.picks[question.name] = []
    session.pick(question, index)
    picks = session.picks[question.name]
    if isinstance(question, Order):
        is_complete = len(picks) == len(question.steps)
        if is_complete and not session.answer(question, picks).is_correct:
            session.picks[question.name] = []
    elif not takes_several:
        session.answer(question, picks if isinstance(question, Choice) else index)


def _prediction_dialog(prediction: "Prediction") -> Dialog:
    if not prediction.curve:
        return Prompt("Your prediction", prediction.text, check=parse_number)
    from tuilab.ui.screens.draw_curve import DrawCurve

    return DrawCurve(prediction)


def parse_number(text: str) -> float:
    """Returns a number as people write it; InputError where the text is something else.

    >>> parse_number("3,130"), parse_number("3 130"), parse_number("0,5")
    (3130.0, 3130.0, 0.5)
    """
    plain = re.sub(r"\s", "", text).replace("−", "-")
    if re.fullmatch(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    try:
        return float(plain.replace(",", "."))
    except ValueError:
        raise InputError("enter a number, such as -0.5") from None


def parse_shape(text: str) -> tuple[int, ...]:
    """Returns the sizes of a shape; InputError where the text is something else.

    >>> parse_shape("[16, 28, 28]"), parse_shape("16×28")
    ((16, 28, 28), (16, 28))
    """
    try:
        sizes = text.strip("[]() ").replace("×", ",").split(",")
        return tuple(int(size) for size in sizes if size.strip())
    except ValueError:
        raise InputError("enter sizes separated by commas, such as 16, 28, 28") from None
