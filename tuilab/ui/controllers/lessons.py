"""The lesson beside the lab: links act, answers are graded, goals that are met are announced."""

import secrets
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.lessons.link_targets import LinkedAction
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Run
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.controllers.exercises import write_and_check
from tuilab.ui.controllers.files import FileController
from tuilab.ui.controllers.questions import QuestionController
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.keymap import bind
from tuilab.ui.panes.inspect import InspectPane
from tuilab.ui.panes.lesson.lesson_pane import LessonPane

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.core.lessons.lesson import Goal
    from tuilab.core.lessons.library import LoadedLesson
    from tuilab.ui.panes.lesson.lesson_session import LessonSession

SEED_COUNT = 1 << 30
"""A lesson draws the numbers of its questions with another seed each time it is opened."""

LINKED_ACTIONS: dict[LinkedAction, str] = {
    "run": "training.run",
    "step": "training.step",
    "epoch": "training.epoch",
    "restart": "training.restart",
    "restart_reseeded": "training.restart_reseeded",
    "stop": "training.stop",
    "undo": "edits.undo",
    "draw": "edits.draw_points",
    "diagnosis": "diagnosis.show",
}
"""What a link such as `do:run` does."""

_key = partial(bind, "View")


class LessonController:
    """Opens lessons and reviews, and does what is chosen on their pages."""

    BINDINGS: ClassVar[list[Binding]] = [
        _key("C", "lessons.choose_lesson", "course", "Choose a lesson of the course"),
        _key("G", "lessons.look_up_term", "glossary", "Look up a term"),
    ]

    def __init__(
        self,
        context: Context,
        training: TrainingController,
        edits: EditController,
        files: FileController,
        lesson_pane: LessonPane,
        inspect_pane: InspectPane,
        hide_knobs: Callable[[tuple[str, ...]], None],
    ) -> None:
        """Initializes the controller.

        Args:
            hide_knobs: hides the knobs and sections that a lesson has no use for.
        """
        self._context, self._edits, self._files = context, edits, files
        self._pane, self._inspect_pane = lesson_pane, inspect_pane
        self._workspace = context.workspace
        self._questions = QuestionController(context, training, self._refresh)
        self._hide_knobs = hide_knobs
        self.session: LessonSession | None = None

    async def open(self, name: str, note: str = "") -> None:
        """Opens a lesson: its experiment in the workspace, its page beside it.

        Args:
            note: a line about it, shown until a run starts.
        """
        from tuilab.core.lessons import library, progress_file
        from tuilab.ui.panes.lesson.lesson_session import LessonSession

        learner, problem = progress_file.load_progress()
        try:
            source = library.read_lesson(library.find_folder(name))
            seed = secrets.randbelow(SEED_COUNT)
            session = LessonSession(source, learner, seed, library.load_next(source.name))
        except InputError as error:
            self._context.notify(str(error), title="No lesson", severity="error")
            return
        if not await self._files.may_replace(None):
            return
        if problem:
            self._context.notify(problem, severity="warning")
        self._files.replace(source.lesson.start, None, is_of_lesson=True)
        self._workspace.locked_keys, self._workspace.note = source.lesson.locked, note
        self._hide_knobs(source.lesson.hidden)
        self._show(session)

    def review(self, source: "LoadedLesson | None" = None) -> None:
        """Opens a review of missed questions, or of a lesson's terms; the experiment stays."""
        from tuilab.core.lessons import progress_file, review
        from tuilab.ui.panes.lesson.lesson_session import LessonSession

        learner, _ = progress_file.load_progress()
        self._workspace.locked_keys = ()
        self._hide_knobs(())
        quiz = review.build_review(learner) if source is None else review.build_term_quiz(source)
        self._show(LessonSession(quiz, learner, secrets.randbelow(SEED_COUNT), is_review=True))

    def _show(self, session: "LessonSession") -> None:
        self.session = session
        self._pane.open(session)
        self._context.show_pane("lesson")

    async def choose_lesson(self) -> None:
        """Asks for a lesson of the course, or for the review."""
        from tuilab.ui.screens.course import REVIEW, Course

        name: str | None = await self._context.ask(Course())
        if name == REVIEW:
            self.review()
        elif name:
            await self.open(name)

    async def look_up_term(self) -> None:
        """Opens the glossary."""
        from tuilab.ui.screens.course import Glossary

        await self._context.ask(Glossary())

    @property
    def lesson_in_lab(self) -> str:
        """The lesson whose experiment is open: its name, or its folder; empty without one."""
        session = self.session
        if session is None or session.is_review or not self._workspace.is_of_lesson:
            return ""
        from tuilab.core.lessons import library

        source = session.source
        is_listed = library.list_folders().get(source.name) == source.folder
        return source.name if is_listed else str(source.folder)

    def save(self) -> None:
        """Saves the learner's progress."""
        if self.session is None:
            return
        try:
            self.session.save()
        except (OSError, InputError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._context.notify(f"Your progress is not saved: {reason}", severity="warning")

    def _refresh(self) -> None:
        self._pane.redraw()
        self.save()

    # --- the run ------------------------------------------------------------------------------

    def handle_event(self, event: AnyEvent, run: Run) -> None:
        """Announces the goals that an event has met and the predictions that it has decided.

        Runs of an experiment that the lesson has not opened are none of its business.
        """
        from tuilab.ui.panes.lesson.lesson_session import describe_prediction_score

        if self.session is None or not self._workspace.is_of_lesson:
            return
        self.session.follow_run(run)
        goals = list(self.session.handle_event(event, run))
        for goal in goals:
            self._announce(goal, self.session)
        decided = list(self.session.score_predictions(run))
        for prediction, predicted in decided:
            score = predicted.score or 0.0
            verdict = "You were right."
            if score < 1:
                verdict = f"Your prediction was {describe_prediction_score(score)}."
            is_on_page = any(
                link.target == prediction.name for link in self.session.page.links("prediction")
            )
            # On its page, the reason stands below the prediction: a message would cover it.
            is_seen = is_on_page and self._pane.is_on_screen
            text = verdict if is_seen else f"{verdict} {prediction.why}"
            self._context.notify(text, title="Your prediction", timeout=4 if is_seen else 10)
            if not is_on_page:
                self._questions.bring_back()
        if goals or decided:
            self.save()

    def handle_turned_page(self) -> None:
        """Saves which page is open; the page may go on with the learner's own experiment."""
        self._questions.bring_back()
        self.save()

    def _announce(self, goal: "Goal", session: "LessonSession") -> None:
        from tuilab.core.lessons.goals import describe_score

        score = session.lesson_progress.goals.get(goal.name)
        golf = f": {describe_score(goal, score)}" if score is not None else ""
        rest = " That was the last goal of the lesson." if session.is_complete else ""
        self._context.notify(f"{goal.title}{golf}.{rest}", title="Goal reached", timeout=8)

    # --- what is chosen on the page -----------------------------------------------------------

    def follow_link(self, link: Hashable) -> None:
        """Does what was chosen on the page.

        Args:
            link: its kind, its target, and what else it needs, such as the place of an option.
        """
        session = self.session
        if session is None or not isinstance(link, tuple):
            return
        kind, target, *rest = link
        activities = session.source.activities
        match kind:
            case "terms":
                self.review(session.source)
            case "exercise":
                self._context.start(self._write_exercise(session, target))
            case "goal" | "hint":
                session.reveal_hint(activities["goal", target])  # type: ignore[arg-type]
            case "pick" | "check" | "number" | "shape" | "again":
                question = activities["question", target]
                self._questions.choose(session, kind, question, *rest)  # type: ignore[arg-type]
            case "predict":
                prediction = activities["prediction", target]
                self._questions.predict(session, prediction, *rest)  # type: ignore[arg-type]
            case "test":
                prediction = activities["prediction", target]
                self._questions.test_prediction(session, prediction)  # type: ignore[arg-type]
            case _ if self._has_target(session, kind, target):
                self._act(kind, target)
        self._refresh()

    def _has_target(self, session: "LessonSession", kind: str, target: str) -> bool:
        """Returns whether what a link names is there; reports it if not."""
        from tuilab.core.lessons.lesson_validation import check_link
        from tuilab.core.lessons.prose import Span

        if kind in ("lesson", "set", "term"):  # what they do reports it
            return True
        try:
            check_link(session.source, Span("", scheme=kind, target=target))
        except InputError as error:
            self._context.notify(str(error), severity="error")
            return False
        return True

    def _act(self, kind: str, target: str) -> None:
        match kind:
            case "set":
                self._set_knobs(target)
            case "pane":
                self._context.show_pane(target)  # type: ignore[arg-type]
            case "view":
                name, _, layer = target.partition("/")
                view = self._inspect_pane.open(name)  # type: ignore[arg-type]
                if layer:
                    view.select_layer(layer)
                self._context.show_pane("inside")
            case "do":
                self._do(target)  # type: ignore[arg-type]
            case "open":
                path = toml_file.find_presets()[target].path
                self._context.start(self._files.open_preset(path, is_of_lesson=True))
            case "lesson":
                self._context.start(self.open(target))

    def _do(self, action: LinkedAction) -> None:
        """Does what a link names; to train tests the prediction of the page, if there is one."""
        session, run = self.session, self._workspace.run
        prediction = session.find_untested(run) if session is not None else None
        if action == "run" and session is not None and prediction is not None:
            self._questions.test_prediction(session, prediction)
        else:
            self._context.dispatch(LINKED_ACTIONS[action])

    def _set_knobs(self, target: str) -> None:
        from tuilab.core.lessons import lesson_validation

        try:
            experiment = lesson_validation.apply_link_changes(target, self._workspace.experiment)
        except InputError as error:
            self._context.notify(str(error), severity="error")
            return
        self._edits.edit(experiment)
        waiting = self._workspace.restart_keys
        keys = f"r restarts with {', '.join(waiting)}; u" if waiting else "u"
        self._context.notify(f"{target.replace(';', ', ')}. {keys} undoes it.")

    async def _write_exercise(self, session: "LessonSession", name: str) -> None:
        result = await write_and_check(self._context, name)
        if result is not None:
            session.record_check(result)
            self._refresh()
