"""A lesson or a review in progress: the open page, answers, predictions, and goals that are met.

It knows no widget, so that the rules of a lesson are tested without a screen.
"""

import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from msgspec import structs

from tuilab.core.errors import InputError
from tuilab.core.exercises.check_result import Result
from tuilab.core.format import format_percent
from tuilab.core.lessons import answers, curve, goals, quantities
from tuilab.core.lessons.answers import Grade, PosedQuestion
from tuilab.core.lessons.attempt import Attempt
from tuilab.core.lessons.goals import find_changes
from tuilab.core.lessons.lesson import Goal, Prediction
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.lessons.progress import LessonProgress, Progress
from tuilab.core.lessons.progress_file import save_progress
from tuilab.core.lessons.prose import Page
from tuilab.core.lessons.question import AnyQuestion
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Run

MAX_IDLE_SECONDS = 300.0
"""A learner who does nothing for longer counts as away."""

MAX_LOOK = 0.02
"""Share of all steps up to which a run has only been looked at: it gives nothing away yet."""


class LearnerPrediction:
    """What a learner has predicted, the run that tests it, and the outcome."""

    def __init__(self, value: Any, run: Run) -> None:
        """Initializes the prediction.

        Args:
            run: the run on the screen when it was made.
        """
        self.value = value
        self.run_id = ""
        self.known_run_id = "" if _is_only_looked_at(run) else run.id
        "A run that showed too much before the prediction was made to test it."
        self.actual: Any = None
        self.score: float | None = None
        "From 0 to 1; None until the run has decided."


class LessonSession:
    """One lesson in the lab, and what its learner has done."""

    def __init__(
        self,
        source: LoadedLesson,
        progress: Progress,
        seed: int = 0,
        next_lesson: LoadedLesson | None = None,
        *,
        is_review: bool = False,
    ) -> None:
        """Initializes the session.

        Args:
            seed: draws the numbers of questions and the order of their answers.
            is_review: whether it is made of questions of several lessons. Answers count for the
                lessons that they come from, and nothing is kept of the review itself.
        """
        self.source, self.progress, self.next_lesson = source, progress, next_lesson
        self.is_review = is_review
        self._base = deepcopy(progress)
        "The progress as it was read or saved last."
        self._review_progress = LessonProgress()
        self.attempt = Attempt(source)
        self.page_index = min(self.lesson_progress.page, len(source.pages) - 1)
        self.seeds: dict[str, int] = {}
        self.picks: dict[str, list[Any]] = {}
        self.grades: dict[str, Grade] = {}
        self.predictions: dict[str, LearnerPrediction] = {}
        self.is_in_lab = True
        "Whether the lab shows the lesson's experiment, so that its runs count."
        self.is_trial = False
        "Whether the run that is shown tests a prediction."
        self.active_run_id = ""
        self.exercise_results: dict[str, Result] = {}
        self._seed, self._last_saved = seed, time.monotonic()
        self._tests = {
            prediction.name: prediction.build_experiment(source.lesson.start)
            for prediction in source.lesson.predictions
        }
        "The experiment that decides each prediction."

    @property
    def lesson_progress(self) -> LessonProgress:
        """What has been done of this lesson."""
        return self._review_progress if self.is_review else self.progress.lesson(self.source.name)

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.source.pages[self.page_index]

    @property
    def is_complete(self) -> bool:
        """Whether all goals are met."""
        return self.lesson_progress.is_complete(self.source.lesson)

    def save(self) -> None:
        """Saves the progress, with the time spent since it was saved last.

        Raises:
            OSError: if it cannot be written, or if the stored file cannot be read.
            InputError: if the stored file is of a newer version.
        """
        now = time.monotonic()
        self.lesson_progress.seconds += min(now - self._last_saved, MAX_IDLE_SECONDS)
        self._last_saved = now
        self._base = save_progress(self.progress, base=self._base)

    def turn_page(self, by: int) -> bool:
        """Opens another page; returns whether there is one."""
        page = self.page_index + by
        if not 0 <= page < len(self.source.pages):
            return False
        self.page_index = self.lesson_progress.page = page
        return True

    # --- goals --------------------------------------------------------------------------------

    def handle_event(self, event: AnyEvent, run: Run) -> Iterator[Goal]:
        """Yields the goals that this event has met for the first time, or with a better score.

        A run that tests a prediction meets none: the lesson has set it up, not the learner.
        """
        if self.is_trial_run(run):
            return
        for goal in self.attempt.handle_event(event, run):
            score = goals.compute_score(goal, run)
            if self.progress.record_goal(self.source.name, goal.name, score):
                readings = self.attempt.goal_statuses[goal.name].readings
                self.lesson_progress.readings[goal.name] = readings
                yield goal

    def reveal_hint(self, goal: Goal) -> None:
        """Reveals the next hint of a goal."""
        hints = self.lesson_progress.hints
        hints[goal.name] = min(hints.get(goal.name, 0) + 1, len(goal.hints))

    def next_goal(self) -> Goal | None:
        """Returns the first goal of the page that is not met, else of the lesson."""
        on_page = {link.target for link in self.page.links("goal")}
        met = self.lesson_progress.goals
        unmet = [goal for goal in self.source.lesson.goals if goal.name not in met]
        return min(unmet, key=lambda goal: goal.name not in on_page, default=None)

    # --- questions ----------------------------------------------------------------------------

    def pose(self, question: AnyQuestion) -> PosedQuestion:
        """Returns a question with the numbers and the order of this time.

        Of a question that has an error, the text says which.
        """
        try:
            return answers.pose_question(question, self.seeds.setdefault(question.name, self._seed))
        except InputError as error:
            return PosedQuestion(question, f"{question.text} (This question has an error: {error})")

    def pick(self, question: AnyQuestion, value: Any) -> None:
        """Picks an option, or takes it back."""
        picks = self.picks.setdefault(question.name, [])
        picks.remove(value) if value in picks else picks.append(value)
        self.grades.pop(question.name, None)

    def answer(self, question: AnyQuestion, answer: Any) -> Grade:
        """Grades an answer, and records it."""
        grade = answers.grade_answer(self.pose(question), answer)
        self.grades[question.name] = grade
        lesson, name = self.source.name, question.name
        if self.is_review:
            self._review_progress.questions.setdefault(name, grade.is_correct)
            lesson, _, name = name.partition("/")
        self.progress.record_answer(lesson, name, grade.is_correct)
        return grade

    def ask_again(self, question: AnyQuestion) -> None:
        """Poses a question again, with other numbers."""
        self.seeds[question.name] = self.seeds.get(question.name, self._seed) + 1
        self.picks.pop(question.name, None)
        self.grades.pop(question.name, None)

    # --- exercises ----------------------------------------------------------------------------

    def record_check(self, result: Result) -> None:
        """Records how the check of an exercise came out."""
        self.exercise_results[result.exercise] = result
        passed = self.lesson_progress.exercises
        if result.is_passed and result.exercise not in passed:
            passed.append(result.exercise)

    # --- predictions --------------------------------------------------------------------------

    def predict(self, prediction: Prediction, value: Any, run: Run) -> None:
        """Records what the learner predicts, before the run is trained.

        A run that has only been looked at tests it, if its experiment is the one to predict.
        """
        self.predictions[prediction.name] = LearnerPrediction(value, run)
        self.follow_run(run)

    def is_pending(self, prediction: LearnerPrediction) -> bool:
        """Returns whether the run that tests it is in progress; it may also have failed."""
        is_active = bool(prediction.run_id) and prediction.run_id == self.active_run_id
        return prediction.score is None and is_active

    def find_untested(self, run: Run) -> Prediction | None:
        """Returns the first prediction of the page that is made and that no run is testing."""
        for link in self.page.links("prediction"):
            predicted = self.predictions.get(link.target)
            if predicted is not None and predicted.score is None and predicted.run_id != run.id:
                return self.source.activities["prediction", link.target]  # type: ignore[return-value]
        return None

    def is_trial_run(self, run: Run) -> bool:
        """Returns whether this run tests a prediction."""
        return bool(run.id) and any(p.run_id == run.id for p in self.predictions.values())

    def follow_run(self, run: Run) -> None:
        """Follows the run that is shown, and the curve that was predicted of it."""
        self._choose_tests(run)
        self.is_trial = self.is_trial_run(run)
        self.active_run_id = run.id if run.is_active else ""
        for prediction, predicted in self._open_predictions(run):
            if prediction.curve:
                predicted.actual = _curve_so_far(prediction, run)

    def _choose_tests(self, run: Run) -> None:
        """Lets a run test the predictions that are made of its experiment, while it has that."""
        if run.started is None or run.experiment is None:
            return
        for name, predicted in self.predictions.items():
            if predicted.score is not None:
                continue
            is_test = not any(find_changes(self._tests[name], run.experiment))
            if is_test and run.id != predicted.known_run_id:
                predicted.run_id = run.id
            elif not is_test and run.id == predicted.run_id:
                predicted.run_id, predicted.known_run_id = "", run.id

    def score_predictions(self, run: Run) -> Iterator[tuple[Prediction, LearnerPrediction]]:
        """Scores the predictions that the run has decided by now, and yields them."""
        for prediction, predicted in self._open_predictions(run):
            is_past = 0 < prediction.steps < run.step
            is_there = run.step == prediction.steps > 0 and run.state == "paused"
            is_over = run.finished is not None or is_past or is_there
            decisive = _at_step(run, prediction.steps) if is_past else run
            if is_over and _score(prediction, predicted, decisive):
                score = predicted.score or 0.0
                self.progress.record_prediction(self.source.name, prediction.name, score)
                yield prediction, predicted

    def _open_predictions(self, run: Run) -> Iterator[tuple[Prediction, LearnerPrediction]]:
        """Yields the predictions that this run tests and that have no score yet."""
        for prediction in self.source.lesson.predictions:
            predicted = self.predictions.get(prediction.name)
            if predicted and predicted.score is None and run.id and predicted.run_id == run.id:
                yield prediction, predicted


def _is_only_looked_at(run: Run) -> bool:
    """Returns whether a run has made so few steps that it does not show where it goes."""
    if run.started is None or run.experiment is None:
        return run.step == 0
    planned = run.started.batches * run.experiment.training.epochs
    is_early = run.epoch is None and run.step <= max(1, MAX_LOOK * planned)
    return is_early and run.finished is None


def _at_step(run: Run, step: int) -> Run:
    """Returns a run as it was at a step, as far as its series show."""
    series = deepcopy(run.series)
    for one in series.values():
        one.truncate(step)
    return structs.replace(run, step=step, series=series)


def _score(prediction: Prediction, predicted: LearnerPrediction, run: Run) -> bool:
    """Scores a prediction; returns whether the run says how it came out."""
    if prediction.choices:
        predicted.actual = goals.find_correct_choice(prediction, run)
        predicted.score = float(predicted.value == predicted.actual)
    elif prediction.number:
        predicted.actual = quantities.read_quantity(prediction.number, run)
        if predicted.actual is not None:
            error = abs(predicted.value - predicted.actual) / max(abs(predicted.actual), 1e-12)
            predicted.score = 1.0 if error <= prediction.tolerance else max(0.0, 1 - error)
    elif prediction.curve in run.series:
        predicted.actual = _curve_so_far(prediction, run)
        predicted.score = curve.score_curve(
            predicted.value, predicted.actual, prediction.low, prediction.high, prediction.tolerance
        )
    return predicted.score is not None


def describe_prediction_score(score: float) -> str:
    """Returns how right a prediction was: `right`, `not right`, or `62% right`."""
    return {0.0: "not right", 1.0: "right"}.get(score, f"{format_percent(score)} right")


def _curve_so_far(prediction: Prediction, run: Run) -> list[float | None]:
    """Returns the curve that was predicted, as far as the run has come of all its steps."""
    series = run.series.get(prediction.curve)
    if series is None or run.started is None:
        return [None] * curve.KNOTS
    planned = run.started.batches * run.started.experiment.training.epochs
    steps = prediction.steps or (planned if run.finished is None else run.step)
    return curve.resample_series(series, steps, prediction.low, prediction.high)
