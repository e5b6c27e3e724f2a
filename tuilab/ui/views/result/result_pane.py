"""What the network has learned: a decision boundary, a curve, or a confusion matrix."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget

from tuilab.core.catalogue.data_sets import Drawn as HandDrawn
from tuilab.core.catalogue.tasks import LanguageModel
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.protocol.commands import Probe
from tuilab.core.protocol.inspect.result_messages import (
    Confusion,
    Curve,
    Drawn,
    Picture,
    Reconstructed,
    Scatter,
    Surface,
    Written,
)
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import Hues, draw_plane
from tuilab.ui.canvas.palette_canvas import PaletteCanvas
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.legend import say
from tuilab.ui.plot.scene import Scene
from tuilab.ui.plot.traces import Trace
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.views.result.confusion_matrix import MORE, draw_matrix, size_of_matrix
from tuilab.ui.views.result.generated_samples import draw_gallery, draw_pairs, draw_written
from tuilab.ui.views.result.point_editor import PointEditor
from tuilab.ui.views.result.sample_images import draw_samples

EMPTY = {
    "plane": "The plane as the network sees it appears here, with the examples over it.",
    "curve": "The curve that the network fits appears here, with the examples.",
    "images": "Which class is taken for which appears here, with sample predictions.",
    "none": "Which class is taken for which appears here.",
    "surface": "The fitted surface appears here, with the examples over it.",
    "scatter": "What the network says appears here beside the right answers.",
    "language_model": "Text that the network writes appears here.",
    "autoencoder": "Examples appear here above what the network makes of them.",
    "gan": "What the generator draws appears here.",
    "": "What the network has learned appears here.",
}
"""What to say before there is a picture, by what will be drawn."""

TITLES = {
    "plane": "Decision boundary",
    "surface": "Fitted surface",
    "curve": "Fitted curve",
    "images": "Confusion matrix",
    "none": "Confusion matrix",
    "scatter": "Prediction against target",
    "language_model": "Sample",
    "autoencoder": "Reconstructions",
    "gan": "Drawn examples",
}

MADE = ("language_model", "autoencoder", "gan")
"""Tasks whose networks make something that is shown instead of their answers."""


class PictureView(PaletteCanvas, can_focus=True):
    """A surface or a confusion matrix, drawn in character cells."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "turn", "Samples", tooltip="Matrix or sample predictions", id="result.turn"),
        Binding("minus", "warm(-1)", "Colder", tooltip="Lower the temperature of written text",
                id="result.colder"),
        Binding("plus,equals_sign", "warm(1)", "Wilder", tooltip="Raise the temperature",
                id="result.wilder"),
    ]  # fmt: skip

    class Warmed(Message):
        """The text that is written is to be wilder (1) or surer (-1)."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    def __init__(self) -> None:
        super().__init__()
        self.picture: Picture | None = None
        self.names: tuple[str, ...] = ()
        self.empty = ""
        self.is_turned = False
        "Samples are shown instead of the matrix, where there is no room for both."

    def show(self, picture: Picture | None, names: tuple[str, ...], empty: str) -> None:
        """Show a picture, or a few words where there is none."""
        if (picture, names, empty) == (self.picture, self.names, self.empty):
            return
        self.picture, self.names, self.empty = picture, names, empty
        self.catch_up()

    def drawn(self, width: int, height: int) -> CellBuffer:
        """The picture in a size."""
        hues = self.hues()
        self.refresh_bindings()
        match self.picture:
            case Surface():
                return draw_plane(self.picture, self.names, (width, height), hues, signs())
            case Written():
                return draw_written(self.picture, (width, height), hues, signs())
            case Reconstructed():
                return draw_pairs(self.picture, (width, height), hues, signs())
            case Drawn():
                return draw_gallery(self.picture, (width, height), hues, signs())
            case Confusion():
                return self._confusion(self.picture, width, height, hues)
        grid = CellBuffer(width, height, hues.label)
        say(grid, self.empty, hues.label)
        return grid

    def _confusion(self, confusion: Confusion, width: int, height: int, hues: Hues) -> CellBuffer:
        """Matrix and samples beside each other, above each other, or one of them."""
        columns, rows = size_of_matrix(confusion)
        form = self._form(confusion, width, height)
        if form == "beside":
            grid = CellBuffer(width, height, hues.label)
            columns += MORE if width >= columns + MORE + 32 else 0
            grid.place(0, 0, draw_matrix(confusion, (columns, height), hues, signs()))
            rest = (width - columns - 2, height)
            grid.place(columns + 2, 0, draw_samples(confusion, rest, hues, signs()))
        elif form == "above":
            grid = CellBuffer(width, height, hues.label)
            grid.place(0, 0, draw_matrix(confusion, (width, rows), hues, signs()))
            rest = (width, height - rows - 1)
            grid.place(0, rows + 1, draw_samples(confusion, rest, hues, signs()))
        elif self.is_turned:
            return draw_samples(confusion, (width, height), hues, signs())
        else:
            return draw_matrix(confusion, (width, height), hues, signs())
        return grid

    def _form(self, confusion: Confusion, width: int, height: int) -> str:
        columns, rows = size_of_matrix(confusion)
        if not confusion.samples:
            return "matrix"
        if width >= columns + 32 and height >= rows:
            return "beside"
        return "above" if height >= rows + 10 else "one"

    def action_turn(self) -> None:
        """Turn from the matrix to the samples and back."""
        self.is_turned = not self.is_turned
        self.redraw()

    def action_warm(self, direction: int) -> None:
        """Ask for another temperature."""
        self.post_message(self.Warmed(direction))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to turn only where matrix and samples do not both fit."""
        picture = self.picture
        if action == "warm":
            return isinstance(picture, Written)
        if action != "turn":
            return True
        return isinstance(picture, Confusion) and self._form(picture, *self.size) == "one"


class ResultPane(Widget):
    """The newest picture of what the network does."""

    view = query_one(PictureView)
    board = query_one(PointEditor)
    chart = query_one(Chart)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield PictureView()
        yield PointEditor()
        yield Chart()

    def on_mount(self) -> None:
        self._title(None)

    def show(self, run: Run, desk: Experiment | None = None) -> None:
        """Show a run's newest picture, or what will appear; points of the desk can be drawn."""
        picture, experiment = run.picture, run.experiment
        if isinstance(data := (desk or experiment or Experiment()).data, HandDrawn):
            is_same = experiment is not None and isinstance(experiment.data, HandDrawn)
            under = picture if is_same and isinstance(picture, Surface) else None
            self._shown = ()
            self.set_class(True, "-board")
            self.set_class(False, "-curve")
            self._title(desk)
            self.board.show(data.points, data.classes, under)
            return
        self.set_class(False, "-board")
        if self._shown and self._shown[0] is picture and self._shown[1] is experiment:
            return
        self._shown = (picture, experiment)
        kind = _kind(experiment)
        scene = _scene(picture)
        self.set_class(scene is not None, "-curve")
        self._title(experiment)
        if scene is not None:
            self.chart.show(scene)
        else:
            classes = experiment.data.classes if experiment else ()
            is_regression = experiment is not None and name_of(experiment.task) == "regression"
            self.view.show(picture, () if is_regression else classes, EMPTY.get(kind, EMPTY[""]))

    def _title(self, experiment: Experiment | None) -> None:
        title = TITLES.get(_kind(experiment), "Result")
        if self.border_title != title:
            self.border_title = title

    @staticmethod
    def is_unfinished(run: Run) -> bool:
        """Whether there is more to come of a text that is being written."""
        task = run.experiment.task if run.experiment else None
        if not isinstance(run.picture, Written) or not isinstance(task, LanguageModel):
            return False
        return len(run.picture.text) < task.sample_length

    def wanted(self) -> Probe:
        """The picture that would fill the pane."""
        if self.has_class("-board"):
            return self.board.probe()
        if self.has_class("-curve"):
            return Probe(max(2, self.size.width * 2), self.size.height)
        return self.view.probe()


def _kind(experiment: Experiment | None) -> str:
    """What is drawn of an experiment's result."""
    if experiment is None:
        return ""
    task, picture = name_of(experiment.task), experiment.data.picture
    if task in MADE:
        return task
    if task == "regression" and picture != "curve":
        return "surface" if picture == "plane" else "scatter"
    return picture


def _scene(picture: Picture | None) -> Scene | None:
    """What of a picture is drawn as a chart."""
    match picture:
        case Curve():
            line = [(x, y, y, y) for x, y in zip(picture.x, picture.y, strict=False)]
            return _cloud("examples", picture.points, Trace("network", line, 1), x_name="x")
        case Scatter():
            targets = [target for target, _ in picture.points] or [0.0]
            ends = [(end, end, end, end) for end in (min(targets), max(targets))]
            return _cloud("prediction", picture.points, Trace("right", ends, 1), x_name="target")
        case Drawn(pictures=[]):
            name = (
                f"drawn, {picture.covered} of {picture.modes} modes" if picture.modes else "drawn"
            )
            drawn = Trace(name, _dots(picture.drawn), 1, signs().bullet, is_line=False)
            return _cloud("data", picture.real, drawn, x_name="x1", sign=signs().dot)
    return None


def _cloud(
    name: str, points: list[tuple[float, float]], other: Trace, x_name: str, sign: str = ""
) -> Scene:
    """Points with a line or with other points."""
    dots = Trace(name, _dots(points), 2, sign or signs().bullet, is_line=False)
    return Scene([dots, other], x_name=x_name, is_counted=False)


def _dots(points: list[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    return [(x, y, y, y) for x, y in sorted(points)]
