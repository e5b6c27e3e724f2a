"""The base of all views: requests responses, draws the newest one, and compares two of them."""

from typing import ClassVar, Generic, Literal, TypeVar, cast

from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import format_count
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.run.run import Run, State
from tuilab.ui.canvas.canvas import Canvas
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.styled_cells import StyledCells, draw_note
from tuilab.ui.views.history import ResponseHistory
from tuilab.ui.views.request_throttle import RequestThrottle

R = TypeVar("R", bound=InspectResponse)

Side = Literal["left", "right"]


class View(Canvas, Generic[R], can_focus=True):
    """Draws the newest response; on request, any two responses beside each other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "keep", "Keep", id="inside.keep",
                tooltip="Keep the current state to compare it with later ones, or drop it"),
        Binding("left_curly_bracket", "travel('left', -1)", "Left state", key_display="{}",
                id="inside.left_earlier",
                tooltip="Show an earlier state at the left; } shows a later one"),
        Binding("right_curly_bracket", "travel('left', 1)", "left later", show=False,
                id="inside.left_later", tooltip="Show a later state at the left"),
        Binding("left_parenthesis", "travel('right', -1)", "Right state", key_display="()",
                id="inside.right_earlier",
                tooltip="Show an earlier state at the right; ) shows later ones, up to the newest"),
        Binding("right_parenthesis", "travel('right', 1)", "right later", show=False,
                id="inside.right_later",
                tooltip="Show a later state at the right, up to the newest"),
    ]  # fmt: skip

    RESPONSE: ClassVar[type[InspectResponse]] = InspectResponse
    "The type of the responses."

    empty_text = "Press space to start training, or s for one step: it appears here."
    waiting_text = "It is being computed."
    "What is said while a run has not answered yet."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.response: R | None = None
        self.left_response: R | None = None
        "The response at the left; None: nothing is compared."
        self.right_response: R | None = None
        "The response at the right; None: the newest one."
        self.history = ResponseHistory[R]()
        self._kept_response: R | None = None
        "The response that was current when comparing began."
        self._throttle = RequestThrottle()
        self._requested_past: int | None = None
        "The step of the snapshot that was requested last; None: now."
        self._state: State = "idle"
        "That of the run."
        self.last_request: AnyInspectRequest | None = None
        "The newest request; a response to an earlier one may still come."

    # --- what a view defines ------------------------------------------------------------------

    def request(self, run: Run, experiment: Experiment) -> AnyInspectRequest | None:
        """Returns the request that fills the view; None if there is nothing to ask."""
        return None

    @property
    def is_requesting(self) -> bool:
        """Whether the view is on the screen, so that a response would be seen."""
        return self.is_on_screen

    def is_unfinished(self, response: R) -> bool:
        """Returns whether more of a response that comes bit by bit is to come."""
        return False

    def comparison_key(self, response: R) -> object:
        """Returns what responses that can be compared have in common."""
        return self.last_request

    def snapshot_key(self, run: Run, response: R) -> object:
        """Returns what distinguishes one state of the run from another."""
        return response.run, response.step, run.weight_edits, len(run.marks)

    def draw_response(self, response: R, width: int, height: int) -> CellBuffer:
        """Draws a response in a size."""
        raise NotImplementedError(type(self).__name__)

    def select_layer(self, layer: str) -> None:
        """Selects a layer by its label, such as `2 Linear`, if the view shows single layers."""

    # --- requests and responses ---------------------------------------------------------------

    def due_request(self, run: Run, experiment: Experiment) -> AnyInspectRequest | None:
        """Returns what to request now, if anything."""
        if run.started is None or run.state == "starting" or not self.is_requesting:
            return None
        if (request := self.request(run, experiment)) is None:
            return None
        response = self.get_response(run)
        is_unfinished = response is not None and self.is_unfinished(response)
        task = run.experiment.task if run.experiment is not None else None
        past = None if run.past is None else run.past.step
        is_due = self._throttle.is_due(
            request, (run.id, run.step, run.weight_edits, task), response,
            is_training=run.state == "training" and past == self._requested_past,
            is_unfinished=is_unfinished,
            cost=response.cost if response is not None else 0.0,
        )  # fmt: skip
        if not is_due:
            return None
        self.last_request, self._requested_past = request, past
        return request

    def get_response(self, run: Run) -> R | None:
        """Returns the newest response of a run to this view."""
        return cast("R | None", run.responses.get(self.RESPONSE.__name__))

    def show(self, run: Run, experiment: Experiment) -> None:
        """Shows the newest response, if it is not shown yet."""
        self.follow_state(run)
        if (response := self.get_response(run)) is not self.response:
            self.response = response
            if self.last_request is None:  # another client made the request
                self.last_request = self.request(run, experiment)
            self.record_response(run)
            self.draw_soon()

    def follow_state(self, run: Run) -> None:
        """Says what a view without a response waits for."""
        before, self._state = self._state, run.state
        if run.state != before and self.response is None:
            self.draw_soon()

    @property
    def note(self) -> str:
        """What is said while there is no response."""
        match self._state:
            case "idle":
                return self.empty_text
            case "starting":
                return "The run is being prepared."
            case "failed":
                return "The run failed before this was computed."
        return self.waiting_text

    def record_response(self, run: Run) -> None:
        """Adds the response to the history; more of an unfinished one replaces it."""
        response = self.response
        if response is None:
            return
        visible = [side for side in (self.left_response, self.right_response) if side is not None]
        complete = [side for side in visible if not self.is_unfinished(side)]
        kind = self.comparison_key(response)
        moment = self.snapshot_key(run, response)
        replaced = self.history.add(kind, moment, response, visible, complete)
        if replaced is not None and replaced is self.left_response:
            self._kept_response = (
                response if self._kept_response is replaced else self._kept_response
            )
            self.left_response = response
        if self.right_response is not None and not self._is_current_kind(self.right_response):
            self.right_response = None  # something else is shown now

    def _is_current_kind(self, response: R) -> bool:
        """Returns whether a response can be compared with the newest one."""
        return any(other is self.response for other in self.history.related_to(response))

    # --- drawing ------------------------------------------------------------------------------

    def draw(self, width: int, height: int) -> CellBuffer:
        """Draws the response, or two of them beside each other."""
        style = self.draw_style
        left, right = self.left_response, self.right_response or self.response
        if right is not None and left is None:
            return self.draw_response(right, width, height)
        if right is None or left is None:
            return draw_note(self.note, (width, height), style)
        cells, half = StyledCells((width, height), style), (width - 1) // 2
        for x, response, other in ((0, left, right), (width - half, right, left)):
            title = self._describe(response, is_left=not x, with_run=response.run != other.run)
            cells.write_truncated(x, 0, title, half)
            cells.paste(x, 1, self.draw_response(response, half, height - 1))
        return cells

    def _describe(self, response: R, *, is_left: bool, with_run: bool) -> str:
        """Returns the step of a response, and its place among the ones like it."""
        state = " (kept)" if is_left and response is self._kept_response else ""
        state = " (now)" if not is_left and self.right_response is None else state
        related = self.history.related_to(response)
        position = (
            f", {_index(response, related) + 1} of {len(related)}" if len(related) > 1 else ""
        )
        run = f"{response.run}, " if with_run else ""
        return f"{run}step {format_count(response.step)}{state}{position}"

    # --- keys ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers earlier states only while two are compared."""
        return self.left_response is not None if action == "travel" else True

    def action_keep(self) -> None:
        """Keeps the response to compare it with later ones, or drops the kept one."""
        self.left_response = self._kept_response = (
            self.response if self.left_response is None else None
        )
        self.right_response = None
        self.refresh_bindings()
        self.redraw()

    def action_travel(self, side: Side, by: int) -> None:
        """Shows an earlier or later state at one side."""
        response = self.left_response if side == "left" else self.right_response or self.response
        related = self.history.related_to(response) if response is not None else []
        index = (_index(response, related) if response is not None and related else 0) + by
        if not 0 <= index < len(related):
            text = "There is no earlier state of this." if by < 0 else "This is the newest state."
            self.notify(text, timeout=2)
            return
        if side == "left":
            self.left_response = related[index]
        else:
            is_newest = related[index] is self.response
            self.right_response = None if is_newest else related[index]
        self.redraw()


def _index(response: R, responses: list[R]) -> int:
    return next(index for index, other in enumerate(responses) if other is response)
