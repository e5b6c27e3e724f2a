"""Looks at the loss around the weights: bit by bit, in bounded time, and changes nothing."""

import time
from typing import Any

from torch import Tensor

from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, LandscapeResponse
from tuilab.engine import snapshots
from tuilab.engine.device import memory
from tuilab.engine.inspect.landscape.line_scan import Line
from tuilab.engine.inspect.landscape.loss_surface import LossSurface, Snapshot, undisturbed
from tuilab.engine.inspect.landscape.plane import Field, path_directions, random_directions
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.perceptron import Perceptron

SECONDS = 0.035
"""How long one look measures."""

FULL = (
    "There is no memory for the copies of the weights that this needs (five of them). "
    "A smaller network can be looked at."
)


NO_PATH = "There is no path yet to lay a plane along: train for some seconds, then take it anew."

TOO_LARGE = "The network is too large to keep its weights on the way: there is no path to show."

NO_FILTERS = "No layer with weights learns, so there is nothing to move: the slice would be flat."

NOTES = {
    GAN: "This is the generator's loss; the discriminator stands still.",
    Perceptron: "The loss is the share of mistakes: it has steps and no slope.",
}

CHOOSES = "L-BFGS chooses the length of its steps itself: this is straight down the gradient."


class LandscapeInspector:
    """Measures the loss around the weights of one moment, until another moment is asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ground: LossSurface | None = None
        self._clear()

    def _clear(self) -> None:
        self._slice_moment: tuple[int, Snapshot] | None = None
        "Which time a slice was asked for anew, and where the network stood."
        self._field: tuple[tuple[str, int], Field] | None = None
        self._line: tuple[int, Line] | None = None

    def inspect(self, wanted: LandscapeRequest) -> LandscapeResponse:
        """As much as can be measured in a blink, with what was known before."""
        try:
            with undisturbed(self._session):
                return self._look(wanted)
        except (MemoryError, RuntimeError) as error:
            if not memory.is_exhausted(error):
                raise
            self._clear()
        memory.release()
        return LandscapeResponse(self._session.run, self._session.step, note=FULL)

    def _look(self, wanted: LandscapeRequest) -> LandscapeResponse:
        if self._ground is None:
            ground = LossSurface(self._session)
            ground.choose()
            self._ground = ground
        end = time.perf_counter() + SECONDS
        if wanted.kind == "scan":
            return self._scan(self._ground, wanted, end)
        return self._slice(self._ground, wanted, end)

    # --- the slice ----------------------------------------------------------------------------

    def _slice(
        self, ground: LossSurface, wanted: LandscapeRequest, end: float
    ) -> LandscapeResponse:
        session = self._session
        if self._slice_moment is None or self._slice_moment[0] != wanted.anew:
            self._slice_moment, self._field = (wanted.anew, ground.moment()), None
        moment = self._slice_moment[1]
        on_the_way = _moments(session)
        name = (wanted.plane, wanted.seed)
        if self._field is None or self._field[0] != name:
            directions = self._directions(ground, moment, wanted, on_the_way)
            if isinstance(directions, str):
                self._field = None
                return self._seen(moment.step, directions)
            self._field = (name, Field(ground, moment, directions))
        field = self._field[1]
        path = field.path(on_the_way)
        field.explore(wanted.size, wanted.span, end)
        note = TOO_LARGE if session.trail.is_too_large else NOTES.get(type(session.task), "")
        return self._seen(
            moment.step, note, evaluations=field.known(wanted.size, wanted.span),
            of=wanted.size**2, slice=field.found(wanted, path),
        )  # fmt: skip

    def _directions(
        self,
        ground: LossSurface,
        moment: Snapshot,
        wanted: LandscapeRequest,
        path: list[snapshots.Moment],
    ) -> tuple[Tensor, Tensor] | str:
        """The two directions of a plane, or why there are none."""
        if wanted.plane == "path":
            rows = [ground.row_of(tensors) for _, tensors in path]
            too_large = self._session.trail.is_too_large
            found = path_directions([*rows, ground.row()], moment.row)
            return found or (TOO_LARGE if too_large else NO_PATH)
        first, second = random_directions(ground.part, wanted.seed)
        return (first, second) if first.any() else NO_FILTERS

    # --- the scan -----------------------------------------------------------------------------

    def _scan(self, ground: LossSurface, wanted: LandscapeRequest, end: float) -> LandscapeResponse:
        if self._line is None or self._line[0] != wanted.anew:
            self._line = (wanted.anew, Line(ground, ground.moment()))
        line = self._line[1]
        along = wanted.along if wanted.along in line.directions else "gradient"
        line.explore(along, end)
        note = CHOOSES if along != wanted.along else NOTES.get(type(self._session.task), "")
        evaluations, of = line.evaluations(along)
        return self._seen(
            line.moment.step, note, evaluations=evaluations, of=of, scan=line.found(along)
        )

    def _seen(self, step: int, note: str, **found: Any) -> LandscapeResponse:
        session = self._session
        examples = self._ground.examples if self._ground is not None else 0
        return LandscapeResponse(
            session.run, step, present=session.step, examples=examples, note=note, **found
        )


def _moments(session: Session) -> list[snapshots.Moment]:
    """The weights on the way that are kept, with the newest copy that was made anyway."""
    found = [moment for moment in session.trail.moments if moment[0] < session.step]
    if session.good is not None and not session.trail.is_too_large:
        step = session.good["position"][0]
        if step < session.step and (not found or step > found[-1][0]):
            found.append((step, session.good["network"]))
    return found
