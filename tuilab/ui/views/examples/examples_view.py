"""The view of examples: the confusion matrix, the highest losses and why, an input of the user."""

from typing import Any, ClassVar

from textual import events

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.examples_messages import (
    ATTRIBUTIONS,
    SPLITS,
    Attribution,
    ExamplesRequest,
    ExamplesResponse,
    Page,
    UserInput,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.result_messages import GeneratedText
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.confusion_matrix import MatrixLayout
from tuilab.ui.canvas.styled_cells import draw_note
from tuilab.ui.messages import TemperatureStepped
from tuilab.ui.views.examples.draw_pages import (
    draw_examples_page,
    draw_matrix_page,
)
from tuilab.ui.views.examples.examples_keys import BINDINGS, is_available
from tuilab.ui.views.examples.matrix_history import MatrixHistory
from tuilab.ui.views.examples.prompts import PROMPTS, build_input_check
from tuilab.ui.views.examples.user_input import UserInputPage
from tuilab.ui.views.result.draw_samples import draw_generated
from tuilab.ui.views.view import View

PREVIEWS = 12
"""Examples that are requested beside the matrix."""

MAX_ROWS = 48
"""Examples that are requested for the list."""


class ExamplesView(View[ExamplesResponse]):
    """A page of examples; every key acts on the newest response."""

    BINDINGS: ClassVar[list[Any]] = BINDINGS
    RESPONSE: ClassVar[type[InspectResponse]] = ExamplesResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.page: Page = "matrix"
        self.cursor = (0, 0)
        "Target and predicted class of the selected cell of the matrix."
        self.cell: list[int] = []
        "The cell that the examples are of; empty: all examples."
        self.position = self.split = 0
        self.is_reversed = False
        self.attribution: Attribution = "saliency"
        self.user_input = UserInputPage()
        self.matrix_history = MatrixHistory()
        self._matrix_layout: MatrixLayout | None = None

    def _refresh(self) -> None:
        """Offers the keys of the page, and draws it."""
        self.refresh_bindings()
        self.redraw()

    # --- requests and responses ---------------------------------------------------------------

    def request(self, run: Run, experiment: Experiment) -> ExamplesRequest | None:
        """Returns the request that fills the view."""
        split, rows = SPLITS[self.split], max(1, self.size.height)
        if self.page == "matrix":
            return ExamplesRequest(
                "matrix", split, list(self.cursor), self.is_reversed, count=PREVIEWS
            )
        if self.page == "examples":
            return ExamplesRequest(
                "examples", split, self.cell, self.is_reversed,
                first=max(0, self.position - rows // 2), count=min(MAX_ROWS, rows),
                position=self.position, attribution=self.attribution,
            )  # fmt: skip
        return ExamplesRequest(
            self.page, attribution=self.attribution, user_input=self.user_input.value
        )

    def is_unfinished(self, response: ExamplesResponse) -> bool:
        """Returns whether there are examples left to evaluate, or a text is being generated."""
        text = response.generated
        is_writing = isinstance(text, GeneratedText) and not text.is_complete
        return response.evaluated < response.total or is_writing

    def comparison_key(self, response: ExamplesResponse) -> object:
        """Returns the page and its subject: of the matrix all cells, of a list any rows."""
        if response.page == "matrix":
            return "matrix", response.split
        position = response.split, response.cell, response.is_reversed, response.position
        request = self.last_request
        if not isinstance(request, ExamplesRequest):
            request = ExamplesRequest()
        return response.page, position, request.attribution, request.user_input

    def record_response(self, run: Run) -> None:
        """Adds the counts to the history before they are drawn: it ends with them."""
        super().record_response(run)
        if (previous := self.response) is not None:
            self.matrix_history.add(previous, run)

    def show(self, run: Run, experiment: Experiment) -> None:
        """Shows the newest response, on a page that it has."""
        before = self.response
        super().show(run, experiment)
        response = self.response
        if response is not None and response is not before:
            if self.page not in response.pages and response.pages:
                self.page = response.page
            if "matrix" not in response.pages:
                self.cell = []
            self.cursor = _clamp(self.cursor, len(response.matrix.classes))
            self.refresh_bindings()

    def draw_response(self, response: ExamplesResponse, width: int, height: int) -> CellBuffer:
        """Draws a response in a size."""
        size, style, is_compared = (width, height), self.draw_style, self.left_response is not None
        self._matrix_layout = None
        # The page of the user's input is there at once, before its response.
        is_next = self.page == "user_input" and response is self.response
        if response.page == "user_input" or is_next:
            return self.user_input.draw(response, size, style, is_compared=is_compared)
        if response.generated is not None:
            return draw_generated(response.generated, size, style)
        if response.page == "generated":
            return draw_note(response.note, size, style)
        if response.page == "matrix" and response.matrix.counts:
            cursor = _clamp(self.cursor, len(response.matrix.counts))
            fractions = self.matrix_history.row_fractions(response, cursor)
            cells, layout = draw_matrix_page(response, size, cursor, fractions, style)
            self._matrix_layout = None if is_compared else layout
            return cells
        return draw_examples_page(response, size, style)

    # --- keys and mouse -----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers only what the page has, so that other keys keep their meaning."""
        is_drawing = self.user_input.is_drawing
        is_offered = is_available(action, self.page, self.response, is_drawing=is_drawing)
        return is_offered and super().check_action(action, parameters)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begins to draw, or selects a cell of the matrix."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if self.page == "user_input" and self.user_input.accepts_mouse:
            self.user_input.is_drawing = True
            self.user_input.draw_at(offset, is_line=False)
            self.redraw()
        elif self.page == "matrix" and (layout := self._matrix_layout) is not None:
            # The title of the page is above the matrix.
            self.cursor = layout.cell_at(offset.x, offset.y - 1) or self.cursor
            self._refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draws a line while a button is down."""
        offset = event.get_content_offset(self)
        is_drawing = self.page == "user_input" and self.user_input.is_drawing
        if offset is not None and is_drawing and event.button:
            self.user_input.draw_at(offset, is_line=True)
            self.redraw()

    def action_move(self, down: int, across: int) -> None:
        """Moves over the cells, through the examples, or the pen."""
        response = self.response
        if self.user_input.is_drawing:
            self.user_input.move(across, down)
        elif self.page == "matrix" and response is not None and response.matrix.classes:
            target, predicted = self.cursor
            self.cursor = _clamp((target + down, predicted + across), len(response.matrix.classes))
        elif self.page == "examples" and response is not None:
            self.position = max(0, min(response.matches - 1, self.position + down + 10 * across))
        self._refresh()

    def action_open(self) -> None:
        """Opens the cell's examples, or continues with the user's input."""
        if self.page == "user_input":
            self.action_open_input()
            return
        self.page, self.cell, self.position = "examples", list(self.cursor), 0
        self._refresh()

    def action_back(self) -> None:
        """Ends drawing; then goes back to the first page."""
        if self.user_input.is_drawing:
            self.user_input.end_drawing()
        elif (response := self.response) is not None and response.pages:
            self.page, self.cell = response.pages[0], []
        self._refresh()

    def action_next_page(self) -> None:
        """Goes to the next page."""
        if (response := self.response) is None or not response.pages:
            return
        index = response.pages.index(self.page) if self.page in response.pages else -1
        self.page = response.pages[(index + 1) % len(response.pages)]
        self.cell, self.position = [], 0
        self._refresh()

    def action_next_split(self) -> None:
        """Goes to the validation, test or training examples."""
        self.split, self.position = (self.split + 1) % len(SPLITS), 0
        self.notify(f"The {SPLITS[self.split]} examples, if there are any.", timeout=2)
        self._refresh()

    def action_reverse(self) -> None:
        """Reverses the order of the examples."""
        self.is_reversed, self.position = not self.is_reversed, 0
        self._refresh()

    def action_next_attribution(self) -> None:
        """Goes to the next attribution method that this network has."""
        response = self.response
        example = response.example if response is not None else None
        methods = example.attributions if example is not None else ATTRIBUTIONS
        if not methods:
            return
        index = methods.index(self.attribution) if self.attribution in methods else -1
        self.attribution = methods[(index + 1) % len(methods)]
        self._refresh()

    def action_change_temperature(self, direction: int) -> None:
        """Requests another temperature."""
        self.post_message(TemperatureStepped(direction))

    # --- an input of the user -----------------------------------------------------------------

    def action_open_input(self) -> None:
        """Goes to the user's input: to draw it, or to type it."""
        if (response := self.response) is None:
            return
        if not response.input_kind:
            self.notify("This task has no input to draw or to type.")
            return
        self.page = "user_input"
        if response.input_kind == "picture":
            _, height, width = response.input_shape
            self.user_input.begin_drawing(width, height)
        else:
            self._ask_for_text(response)
        self._refresh()

    def _ask_for_text(self, response: ExamplesResponse) -> None:
        from tuilab.ui.screens.dialogs import Prompt

        def take(text: Any) -> None:
            if text is not None:
                self.user_input.value = UserInput(text=text)
                self._refresh()

        prompt, before = PROMPTS[response.input_kind], self.user_input.value
        text, description = before.text if before else "", prompt.describe(response)
        dialog = Prompt(prompt.title, description, text, check=build_input_check(response))
        self.app.push_screen(dialog, take)

    def action_open_file(self) -> None:
        """Asks for an image file."""
        from tuilab.ui.screens.dialogs import Prompt

        def take(path: Any) -> None:
            if path:
                self.page, self.user_input.is_drawing = "user_input", False
                self.user_input.value = UserInput(path=path.strip())
                self._refresh()

        text = "PNG, JPEG, GIF, BMP, WebP or TIFF; its center is cropped and resized to fit."
        self.app.push_screen(Prompt("Open an image", text, "~/"), take)

    def action_pen(self) -> None:
        """Puts the pen down or lifts it."""
        self.user_input.switch_pen()
        self.redraw()

    def action_clear(self) -> None:
        """Clears the drawing."""
        self.user_input.clear()
        self.redraw()


def _clamp(cell: tuple[int, int], classes: int) -> tuple[int, int]:
    """Returns the cell of a matrix that is nearest to a cell."""
    last = max(1, classes) - 1
    return max(0, min(last, cell[0])), max(0, min(last, cell[1]))
