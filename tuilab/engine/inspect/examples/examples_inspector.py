"""The answers to the view of examples: counted, sorted by loss, explained, or given by the user."""

from typing import Any, Literal

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import name_of
from tuilab.core.protocol.inspect.examples_messages import (
    MAX_NUMBERS,
    SPLITS,
    Example,
    ExamplesRequest,
    ExamplesResponse,
    ExampleSummary,
    Page,
    SplitName,
)
from tuilab.core.protocol.inspect.result_messages import Generated
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.engine.data.dataset import Examples
from tuilab.engine.inspect.evaluation import get_weights_version
from tuilab.engine.inspect.examples.describe_example import (
    describe_example,
    describe_node,
    describe_unit,
    summarize_example,
)
from tuilab.engine.inspect.examples.latent_walk import split_autoencoder, walk_latent_space
from tuilab.engine.inspect.examples.loss_survey import FIRST_CHUNK, LossSurvey
from tuilab.engine.inspect.examples.user_input import prepare_user_input
from tuilab.engine.inspect.inspectors import inspector
from tuilab.engine.inspect.layer.labels import get_feature_names
from tuilab.engine.inspect.result.generated_samples import (
    generate_images,
    generate_points,
    generate_text,
)
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel

MAX_ROWS = 48
"""Examples in a list."""

MAX_CLASSES = 100
"""Classes of the largest confusion matrix."""

GENERATED_IMAGES = 12

JUDGED_SIDE = 24
"""Points along each side of the plane that the discriminator judges."""

TOO_MANY_CLASSES = "{} classes are too many for a matrix: these are the examples by loss."

NO_PLANE = "The generated examples are rows of numbers that are not points of a plane."

InputKind = Literal["", "picture", "numbers", "text"]


@inspector(ExamplesRequest)
class ExamplesInspector:
    """Inspects the examples of one session; keeps losses while the weights are unchanged."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._survey: LossSurvey | None = None
        self._surveyed_split: SplitName | None = None
        "The split of the survey, if it is valid for the current weights."
        self._version: tuple[int, ...] = ()
        "Version of the weights at the end of the last inspection."

    def inspect(self, request: ExamplesRequest) -> ExamplesResponse:
        """Returns one page of examples."""
        session = self._session
        if get_weights_version(session) != self._version:
            self._surveyed_split = None
        pages = self.get_pages()
        page = request.page if request.page in pages else pages[0]
        try:
            if page == "generated":
                generated, note = self._generate()
                return self._respond(page, pages, generated=generated, note=note)
            if page == "user_input":
                return self._respond(page, pages, **self._describe_user_input(request))
            return self._list_examples(request, page, pages)
        finally:
            self._version = get_weights_version(session)

    def get_pages(self) -> list[Page]:
        """Returns the pages of this task, the default first."""
        session, task = self._session, self._session.task
        if isinstance(task, GAN):
            return ["generated"]
        if isinstance(task, LanguageModel):
            return ["generated", "user_input", "examples"]
        pages: list[Page] = ["examples"]
        if isinstance(task, Autoencoder) and split_autoencoder(session) is not None:
            pages.append("generated")
        has_matrix = 0 < len(session.dataset.classes) <= MAX_CLASSES
        if has_matrix and not isinstance(task, Autoencoder):
            pages.insert(0, "matrix")
        if self.get_input_kind():
            pages.append("user_input")
        return pages

    def get_input_kind(self) -> InputKind:
        """Returns what kind of input the user can give for this data."""
        session = self._session
        inputs = session.dataset.train.inputs
        if session.experiment.data.is_graph or isinstance(session.task, GAN):
            return ""
        if inputs.dim() == 4:
            return "picture" if session.dataset.shift is not None else ""
        if not inputs.is_floating_point():
            return "text"
        is_typeable = inputs.dim() == 2 or inputs.shape[2] == 1
        return "numbers" if is_typeable else ""

    # --- pages --------------------------------------------------------------------------------

    def _respond(self, page: Page, pages: list[Page], **fields: Any) -> ExamplesResponse:
        session = self._session
        inputs = session.dataset.train.inputs
        shape = list(inputs.shape[1:])
        names: list[str] = []
        unit = ""
        if session.dataset.inputs_at is not None:
            shape = [len(session.dataset.bounds) // 2]
        elif self.get_input_kind() == "numbers" and inputs.dim() == 2:
            names, unit = get_feature_names(session)[:MAX_NUMBERS], describe_unit(session)
        fields.setdefault("matrix", ConfusionMatrix([], list(session.dataset.classes)))
        return ExamplesResponse(
            session.run, session.step, page=page, pages=pages,
            task=name_of(session.experiment.task), input_kind=self.get_input_kind(),
            input_shape=shape, input_names=names, input_unit=unit, **fields,
        )  # fmt: skip

    def _generate(self) -> tuple[Generated | None, str]:
        """Returns what the network generates, or why there is nothing."""
        session = self._session
        match session.task:
            case LanguageModel() as task:
                return generate_text(task), ""
            case GAN() as task if session.dataset.train.inputs.dim() == 4:
                return generate_images(session, task, GENERATED_IMAGES), ""
            case GAN() as task:
                points = generate_points(session, task, JUDGED_SIDE)
                return points, "" if points is not None else NO_PLANE
        return walk_latent_space(session)

    def _describe_user_input(self, request: ExamplesRequest) -> dict[str, Any]:
        if request.user_input is None:
            return {}
        try:
            prepared = prepare_user_input(self._session, request.user_input)
            example = describe_example(
                self._session, prepared.inputs, None, request.attribution,
                coordinates=prepared.coordinates,
            )  # fmt: skip
        except InputError as error:
            return {"note": str(error)}
        except RuntimeError as error:  # a text shorter than the network can take
            reason = str(error).splitlines()[0][:120]
            return {"note": f"The network cannot take this input: {reason}"}
        return {"example": example, "note": prepared.note}

    def _list_examples(
        self, request: ExamplesRequest, page: Page, pages: list[Page]
    ) -> ExamplesResponse:
        name, split = self._choose_split(request.split)
        survey = self._evaluate(name, split)
        classes = list(self._session.dataset.classes)
        counts = survey.count_confusions(len(classes) if "matrix" in pages else 0)
        order = survey.sort_by_loss(request.cell, is_reversed=request.is_reversed)
        position = max(0, min(request.position, len(order) - 1))
        first = max(0, min(request.first, len(order) - 1))
        indices = order[first : first + min(MAX_ROWS, max(0, request.count))].tolist()
        example = None
        if page == "examples" and len(order):
            example = self._describe(survey, int(order[position]), request)
        return self._respond(
            page, pages, split=name, evaluated=survey.evaluated, total=survey.total,
            matrix=ConfusionMatrix(counts, classes), cell=list(request.cell), matches=len(order),
            is_reversed=request.is_reversed, first=first, position=position,
            rows=[self._summarize(survey, number) for number in indices], example=example,
            note=TOO_MANY_CLASSES.format(len(classes)) if len(classes) > MAX_CLASSES else "",
        )  # fmt: skip

    # --- evaluation ---------------------------------------------------------------------------

    def _choose_split(self, name: SplitName) -> tuple[SplitName, Examples]:
        """Returns the requested split, or another one if it has no examples."""
        splits = self._session.dataset.splits
        split_name = next(split for split in (name, *SPLITS) if len(splits[split]))
        return split_name, splits[split_name]

    def _evaluate(self, name: SplitName, split: Examples) -> LossSurvey:
        survey = self._survey
        if survey is None or self._surveyed_split != name:
            size = FIRST_CHUNK if survey is None else max(FIRST_CHUNK, survey.chunk_size // 2)
            survey = LossSurvey(self._session, split, size)
            self._survey, self._surveyed_split = survey, name
        if survey.evaluated < survey.total:
            survey.evaluate_more()
        return survey

    def _summarize(self, survey: LossSurvey, index: int) -> ExampleSummary:
        number, raw = index, None
        if survey.nodes is not None:
            number = int(survey.nodes[index])
        else:
            raw = survey.inputs[index]
        prediction: dict[str, Any] = {}
        if len(survey.predictions) and survey.predictions.dim() == 1:
            prediction = {
                "target": int(survey.targets[index]),
                "predicted": int(survey.predictions[index]),
                "probability": float(survey.probabilities[index]),
            }
        loss = float(survey.loss[index])
        return summarize_example(self._session, raw, number, loss=loss, **prediction)

    def _describe(self, survey: LossSurvey, index: int, request: ExamplesRequest) -> Example:
        if survey.nodes is not None:
            number, target = int(survey.nodes[index]), int(survey.targets[index])
            return describe_node(self._session, survey.inputs, number, target)
        one = slice(index, index + 1)
        coordinates = None if survey.coordinates is None else survey.coordinates[one]
        return describe_example(
            self._session, survey.inputs[one], survey.targets[one], request.attribution, index,
            coordinates,
        )  # fmt: skip
