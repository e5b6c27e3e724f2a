"""Examples: the confusion matrix, the worst of them with the reasons, an input of your own."""

from typing import Any, ClassVar

from textual import events

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.examples_messages import (
    PARTS,
    WAYS,
    ExamplesRequest,
    ExamplesResponse,
    Why,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.views.examples.draw_bars import Pencil
from tuilab.ui.views.examples.draw_matrix import Table
from tuilab.ui.views.examples.draw_pages import (
    History,
    draw_examples_page,
    draw_made_page,
    draw_matrix_page,
)
from tuilab.ui.views.examples.examples_keys import BINDINGS, allowed
from tuilab.ui.views.examples.matrix_history import Past
from tuilab.ui.views.examples.user_input import OwnInput

PREVIEWS = 12
"""Examples that are asked for beside the matrix."""


class ExamplesView(OwnInput):
    """Shows a page of examples; every key acts on what was answered last."""

    BINDINGS: ClassVar[list[Any]] = BINDINGS
    SEEN: ClassVar[type[InspectResponse]] = ExamplesResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.cursor = (0, 0)
        "Target and predicted class of the chosen cell of the matrix."
        self.cell: list[int] = []
        "That of the examples, where only those of one are shown."
        self.place = self.part = 0
        self.is_reversed = False
        self.why: Why = "saliency"
        self.past = Past()
        self._table: Table | None = None

    # --- asking and showing -------------------------------------------------------------------

    def wanted(self, run: Run, experiment: Experiment) -> ExamplesRequest | None:
        """What would fill the view."""
        rows = max(1, self.size.height)
        common = {"part": PARTS[self.part], "is_reversed": self.is_reversed}
        if self.page == "matrix":
            return ExamplesRequest("matrix", cell=list(self.cursor), count=PREVIEWS, **common)  # type: ignore[arg-type]
        if self.page == "examples":
            first = max(0, self.place - rows // 2)
            return ExamplesRequest(
                "examples", cell=self.cell, first=first, count=min(48, rows), place=self.place,
                why=self.why, **common,  # type: ignore[arg-type]
            )  # fmt: skip
        return ExamplesRequest(self.page, why=self.why, own=self.own)

    def is_unfinished(self, seen: InspectResponse | None) -> bool:
        """Whether there are examples left to measure, or a text is being written."""
        if not isinstance(seen, ExamplesResponse):
            return False
        return seen.measured < seen.of or (seen.made is not None and not seen.made.is_whole)

    def topic(self, wanted: AnyInspectRequest | None, seen: InspectResponse) -> object:
        """Which page of what; of the matrix all cells, of a list any stretch."""
        assert isinstance(seen, ExamplesResponse)
        if seen.page == "matrix":
            return "matrix", seen.part
        place = seen.part, seen.cell, seen.is_reversed, seen.place
        own = wanted if isinstance(wanted, ExamplesRequest) else ExamplesRequest()
        return seen.page, place, own.why, own.own

    def remember(self, run: Run) -> None:
        """Take note of the counts before they are drawn: the line over time ends with them."""
        super().remember(run)
        if isinstance(self.seen, ExamplesResponse):
            self.past.add(self.seen, run)

    def show(self, run: Run, experiment: Experiment) -> None:
        """Show the newest answer, on a page that it has."""
        before = self.seen
        super().show(run, experiment)
        if self.seen is not before and isinstance(self.seen, ExamplesResponse):
            if self.page not in self.seen.pages and self.seen.pages:
                self.page = self.seen.page
            classes = max(1, len(self.seen.classes))
            self.cursor = min(self.cursor[0], classes - 1), min(self.cursor[1], classes - 1)
            self.refresh_bindings()

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """An answer in a size."""
        assert isinstance(seen, ExamplesResponse)
        pencil, size = Pencil(self.hues(), signs()), (width, height)
        self._table = None
        # The board is there at once, before it is answered.
        if seen.page == "own" or (self.page == "own" and seen is self.seen):
            return self.own_page(seen, size, pencil)
        if seen.page == "made":
            return draw_made_page(seen, size, pencil)
        if seen.page == "matrix" and seen.counts:
            last = len(seen.counts) - 1  # another run may have had fewer classes
            cursor = min(self.cursor[0], last), min(self.cursor[1], last)
            history = History(self.past.shares(seen, cursor))
            grid, table = draw_matrix_page(seen, size, cursor, history, pencil)
            self._table = table if self.kept is None else None
            return grid
        return draw_examples_page(seen, size, pencil)

    # --- keys ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the page has is offered, so that other keys keep their meaning."""
        is_free = allowed(action, self.page, self.shown, is_drawing=self.is_drawing)
        return is_free and super().check_action(action, parameters)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Draw, or choose a cell of the matrix."""
        super().on_mouse_down(event)
        offset = event.get_content_offset(self)
        if self.page != "matrix" or offset is None or self._table is None:
            return
        # The title of the page stands above the matrix.
        if (cell := self._table.at(offset.x, offset.y - 1)) is not None:
            self.cursor = cell
            self.changed()

    def action_move(self, down: int, across: int) -> None:
        """Move over the cells, through the examples, or the pen."""
        seen = self.shown
        if self.is_drawing and self.sketch is not None:
            x, y = self.sketch.at
            self.sketch.move(x + across, y + down)
            self.drew()
        elif self.page == "matrix" and seen is not None and seen.classes:
            last = len(seen.classes) - 1
            self.cursor = (
                max(0, min(last, self.cursor[0] + down)),
                max(0, min(last, self.cursor[1] + across)),
            )
        elif self.page == "examples" and seen is not None:
            self.place = max(0, min(seen.found - 1, self.place + down + 10 * across))
        self.changed()

    def action_choose(self) -> None:
        """Open the cell's examples, or go on with the own input."""
        if self.page == "own":
            self.action_own()
            return
        self.page, self.cell, self.place = "examples", list(self.cursor), 0
        self.changed()

    def action_back(self) -> None:
        """End drawing; then back to the first page."""
        if self.is_drawing:
            self.is_drawing = False
            if self.sketch is not None:
                self.sketch.is_down = False
        elif (seen := self.shown) is not None and seen.pages:
            self.page, self.cell = seen.pages[0], []
        self.changed()

    def action_page(self) -> None:
        """Go to the next page."""
        if (seen := self.shown) is None or not seen.pages:
            return
        place = seen.pages.index(self.page) if self.page in seen.pages else -1
        self.page = seen.pages[(place + 1) % len(seen.pages)]
        self.cell, self.place = [], 0
        self.changed()

    def action_part(self) -> None:
        """Go to the validation, test or training examples."""
        self.part, self.place = (self.part + 1) % len(PARTS), 0
        self.notify(f"The {PARTS[self.part]} examples, where there are any.", timeout=2)
        self.changed()

    def action_order(self) -> None:
        """Turn the order of the examples around."""
        self.is_reversed, self.place = not self.is_reversed, 0
        self.changed()

    def action_why(self) -> None:
        """Go to the next heat map that this network has."""
        seen = self.shown
        ways = list(seen.example.ways) if seen is not None and seen.example else list(WAYS)
        if not ways:
            return
        place = ways.index(self.why) if self.why in ways else -1
        self.why = ways[(place + 1) % len(ways)]
        self.changed()

    def action_warm(self, direction: int) -> None:
        """Ask for another temperature."""
        from tuilab.ui.views.result.result_pane import PictureView

        self.post_message(PictureView.Warmed(direction))
