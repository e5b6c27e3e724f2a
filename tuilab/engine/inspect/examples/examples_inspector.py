"""Looks for the view of examples: counted, sorted by loss, explained, or given by somebody."""

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import name_of
from tuilab.core.protocol.inspect.examples_messages import (
    MOST_NUMBERS,
    PARTS,
    Example,
    ExamplesRequest,
    ExamplesResponse,
    Page,
    PartName,
    Row,
)
from tuilab.engine.data.dataset import Part
from tuilab.engine.inspect.examples.describe_example import node, row, told, unit_of
from tuilab.engine.inspect.examples.evaluation import version
from tuilab.engine.inspect.examples.loss_survey import FIRST, Survey
from tuilab.engine.inspect.examples.samples import halves, made
from tuilab.engine.inspect.examples.user_input import given
from tuilab.engine.inspect.layer.labels import features
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel

MOST_ROWS = 48
"""Examples that are told in short."""

MOST_CLASSES = 100
"""Classes of the largest confusion matrix."""

MANY_CLASSES = "{} classes are too many for a matrix here: these are the examples by their loss."

NO_OWN = {
    "gan": "A GAN takes no input of yours: it draws from noise.",
    "graph": "A graph has no place for a node of your own.",
    "steps": "Several numbers at each step are too many to type.",
}


class ExamplesInspector:
    """Looks at one session; what was measured is kept as long as the weights stay."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._survey: Survey | None = None
        self._surveyed: PartName | None = None
        "The part whose survey holds for the present weights."
        self._version: tuple[int, ...] = ()
        "Of the weights when the last look was over."

    def inspect(self, wanted: ExamplesRequest) -> ExamplesResponse:
        """What the view is to show."""
        session = self._session
        if version(session) != self._version:
            self._surveyed = None
        pages = self.pages()
        page = wanted.page if wanted.page in pages else pages[0]
        try:
            if page == "made":
                return self._made(pages)
            if page == "own":
                return self._own(wanted, pages)
            return self._examples(wanted, page, pages)
        finally:
            self._version = version(session)

    def pages(self) -> list[Page]:
        """What there is to see for this task, the first of them first."""
        session = self._session
        task = session.task
        if isinstance(task, GAN):
            return ["made"]
        if isinstance(task, LanguageModel):
            return ["made", "own", "examples"]
        pages: list[Page] = ["examples"]
        if isinstance(task, Autoencoder) and halves(session) is not None:
            pages.append("made")
        if 0 < len(session.dataset.classes) <= MOST_CLASSES and not isinstance(task, Autoencoder):
            pages.insert(0, "matrix")
        if self.accepts() and (page := "own"):
            pages.append(page)  # type: ignore[arg-type]
        return pages

    def accepts(self) -> str:
        """What an input of somebody's own is for this data."""
        session = self._session
        inputs = session.dataset.train.inputs
        if session.experiment.data.graph or isinstance(session.task, GAN):
            return ""
        if inputs.dim() == 4:
            return "picture" if session.dataset.shift is not None else ""
        if not inputs.is_floating_point():
            return "text"
        is_row = inputs.dim() == 2 or inputs.shape[2] == 1
        return "numbers" if is_row else ""

    # --- pages --------------------------------------------------------------------------------

    def _seen(self, page: Page, pages: list[Page], **more: object) -> ExamplesResponse:
        session = self._session
        inputs = session.dataset.train.inputs
        shape = list(inputs.shape[1:])
        names: list[str] = []
        unit = ""
        if session.dataset.inputs_at is not None:
            shape = [len(session.dataset.bounds) // 2]
        elif self.accepts() == "numbers" and inputs.dim() == 2:
            names, unit = features(session)[:MOST_NUMBERS], unit_of(session)
        return ExamplesResponse(
            session.run, session.step, page=page, pages=pages,
            task=name_of(session.experiment.task), accepts=self.accepts(),  # type: ignore[arg-type]
            own_shape=shape, own_names=names, own_unit=unit,
            classes=list(session.dataset.classes), **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def _made(self, pages: list[Page]) -> ExamplesResponse:
        found, note = made(self._session)
        return self._seen("made", pages, made=found, note=note)

    def _own(self, wanted: ExamplesRequest, pages: list[Page]) -> ExamplesResponse:
        if wanted.own is None:
            return self._seen("own", pages)
        try:
            own = given(self._session, wanted.own)
            example = told(self._session, own.inputs, None, wanted.why, at=own.at)
        except InputError as error:
            return self._seen("own", pages, note=str(error))
        except RuntimeError as error:  # a text shorter than the network can take
            words = str(error).splitlines()[0][:120]
            return self._seen("own", pages, note=f"The network cannot take this input: {words}")
        return self._seen("own", pages, example=example, note=own.note)

    def _examples(self, wanted: ExamplesRequest, page: Page, pages: list[Page]) -> ExamplesResponse:
        part, examples = self._part(wanted.part)
        survey = self._measured(part, examples)
        classes = self._session.dataset.classes if "matrix" in pages else ()
        order = survey.order(wanted.cell, is_reversed=wanted.is_reversed)
        place = max(0, min(wanted.place, len(order) - 1))
        first = max(0, min(wanted.first, len(order) - 1))
        shown = order[first : first + min(MOST_ROWS, max(0, wanted.count))].tolist()
        example = None
        if page == "examples" and len(order):
            example = self._told(survey, int(order[place]), wanted)
        return self._seen(
            page, pages, part=part, measured=survey.measured, of=survey.of,
            counts=survey.counts(len(classes)), cell=list(wanted.cell), found=len(order),
            is_reversed=wanted.is_reversed, first=first, place=place,
            rows=[self._row(survey, number) for number in shown], example=example,
            note=self._note(pages),
        )  # fmt: skip

    def _note(self, pages: list[Page]) -> str:
        classes = len(self._session.dataset.classes)
        return MANY_CLASSES.format(classes) if classes > MOST_CLASSES else ""

    # --- measuring ----------------------------------------------------------------------------

    def _part(self, name: PartName) -> tuple[PartName, Part]:
        """The part that was asked for, or another one if it has no examples."""
        data = self._session.dataset
        parts = {each: getattr(data, each) for each in PARTS}
        found = next(each for each in (name, *PARTS) if len(parts[each]))
        return found, parts[found]

    def _measured(self, part: PartName, examples: Part) -> Survey:
        survey = self._survey
        if survey is None or self._surveyed != part:
            size = FIRST if survey is None else max(FIRST, survey.size // 2)
            survey = Survey(self._session, examples, size)
            self._survey, self._surveyed = survey, part
        if survey.measured < survey.of:
            survey.go_on()
        return survey

    def _row(self, survey: Survey, place: int) -> Row:
        number, guess = place, {}
        raw = None
        if survey.nodes is not None:
            number = int(survey.nodes[place])
        else:
            raw = survey.inputs[place]
        if len(survey.guesses) and survey.guesses.dim() == 1:
            guess = {
                "target": int(survey.targets[place]), "predicted": int(survey.guesses[place]),
                "probability": float(survey.chances[place]),
            }  # fmt: skip
        return row(self._session, raw, number, loss=float(survey.loss[place]), **guess)

    def _told(self, survey: Survey, place: int, wanted: ExamplesRequest) -> Example:
        if survey.nodes is not None:
            number, target = int(survey.nodes[place]), int(survey.targets[place])
            return node(self._session, survey.inputs, number, target)
        some = slice(place, place + 1)
        at = None if survey.coordinates is None else survey.coordinates[some]
        return told(self._session, survey.inputs[some], survey.targets[some], wanted.why, place, at)
