"""Inspector of the loss around the weights: measured bit by bit, in bounded time."""

import time
from typing import Any

from torch import Tensor

from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, LandscapeResponse
from tuilab.engine.device import memory
from tuilab.engine.inspect.inspectors import inspector
from tuilab.engine.inspect.landscape.line_scan import LineScan
from tuilab.engine.inspect.landscape.loss_surface import LossSurface, Snapshot
from tuilab.engine.inspect.landscape.plane import (
    PlaneSlice,
    WeightSnapshot,
    path_directions,
    random_directions,
)
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.snapshots import Snapshots
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.perceptron import Perceptron

MAX_SECONDS = 0.035
"""How long one request measures."""

OUT_OF_MEMORY = (
    "Not enough memory: this view needs five copies of the weights. Try it with a smaller network."
)

NO_PATH = "There is no path yet: train for some seconds, then take the slice anew."

TOO_LARGE = "The network is too large to keep copies of its weights: there is no path to show."

NO_SNAPSHOTS = "There is no path: training.snapshots is off."

NO_FILTERS = "No weight matrix is trained, so there is no direction to move in."

NOTES = {
    GAN: "This is the generator's loss; the discriminator stays as it is.",
    Perceptron: "The loss is the fraction of mistakes: it has steps and no slope.",
}

NO_LENGTH = (
    "L-BFGS chooses the length of its steps itself: this scan follows the negative gradient."
)


@inspector(LandscapeRequest)
class LandscapeInspector:
    """Measures the loss around the weights of one step, until a request asks for later ones."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._surface: LossSurface | None = None
        self._clear()

    def _clear(self) -> None:
        self._snapshot: tuple[int, Snapshot] | None = None
        "The weights that the slice goes through, with the number of their request."
        self._slice: tuple[tuple[str, int], PlaneSlice] | None = None
        "With the kind and the seed of its plane."
        self._scan: tuple[int, LineScan] | None = None
        "With the number of its request."

    def inspect(self, request: LandscapeRequest) -> LandscapeResponse:
        """Measures for a moment; the response holds all that has been measured so far."""
        try:
            with preserving(self._session, optimizer=False):
                return self._measure(request)
        except (MemoryError, RuntimeError) as error:
            if not memory.is_out_of_memory(error):
                raise
            self._clear()
        memory.free_memory()
        return LandscapeResponse(self._session.run, self._session.step, note=OUT_OF_MEMORY)

    def _measure(self, request: LandscapeRequest) -> LandscapeResponse:
        if self._surface is None:
            surface = LossSurface(self._session)
            surface.choose_examples()
            self._surface = surface
        end = time.perf_counter() + MAX_SECONDS
        if request.kind == "scan":
            return self._measure_scan(self._surface, request, end)
        return self._measure_slice(self._surface, request, end)

    def _measure_slice(
        self, surface: LossSurface, request: LandscapeRequest, end: float
    ) -> LandscapeResponse:
        session = self._session
        if self._snapshot is None or self._snapshot[0] != request.refresh_count:
            self._snapshot, self._slice = (request.refresh_count, surface.snapshot()), None
        snapshot = self._snapshot[1]
        path = _path(session)
        plane = (request.plane, request.seed)
        if self._slice is None or self._slice[0] != plane:
            directions = self._directions(surface, snapshot, request, path)
            if isinstance(directions, str):
                self._slice = None
                return self._response(snapshot.step, directions)
            self._slice = (plane, PlaneSlice(surface, snapshot, directions))
        plane_slice = self._slice[1]
        projected = plane_slice.project_path(path)
        plane_slice.measure(request.size, request.span, end)
        note = TOO_LARGE if session.snapshots.is_too_large else NOTES.get(type(session.task), "")
        return self._response(
            snapshot.step, note, evaluations=plane_slice.count(request.size, request.span),
            total_evaluations=request.size**2, slice=plane_slice.to_slice(request, projected),
        )  # fmt: skip

    def _directions(
        self,
        surface: LossSurface,
        snapshot: Snapshot,
        request: LandscapeRequest,
        path: list[WeightSnapshot],
    ) -> tuple[Tensor, Tensor] | str:
        """Returns the two directions of a plane, or says why there are none."""
        if request.plane == "path":
            points = [surface.flatten(tensors) for _, tensors in path]
            directions = path_directions([*points, surface.flat_weights()], snapshot.weights)
            return directions or _explain_missing_path(self._session.snapshots)
        first, second = random_directions(surface.network, request.seed)
        return (first, second) if first.any() else NO_FILTERS

    def _measure_scan(
        self, surface: LossSurface, request: LandscapeRequest, end: float
    ) -> LandscapeResponse:
        if self._scan is None or self._scan[0] != request.refresh_count:
            self._scan = (request.refresh_count, LineScan(surface, surface.snapshot()))
        scan = self._scan[1]
        has_direction = request.direction in scan.directions
        direction = request.direction if has_direction else "gradient"
        scan.measure(direction, end)
        note = NOTES.get(type(self._session.task), "") if has_direction else NO_LENGTH
        evaluations, total = scan.count(direction)
        return self._response(
            scan.snapshot.step, note, evaluations=evaluations, total_evaluations=total,
            scan=scan.to_scan(direction),
        )  # fmt: skip

    def _response(self, step: int, note: str, **fields: Any) -> LandscapeResponse:
        session = self._session
        examples = self._surface.examples if self._surface is not None else 0
        return LandscapeResponse(
            session.run, step, current_step=session.step, examples=examples, note=note, **fields
        )


def _explain_missing_path(snapshots: Snapshots) -> str:
    if snapshots.is_off:
        return NO_SNAPSHOTS
    return TOO_LARGE if snapshots.is_too_large else NO_PATH


def _path(session: Session) -> list[WeightSnapshot]:
    """Returns the weights of earlier steps: the snapshots in memory, and the last good state."""
    earlier = (item for item in session.snapshots.in_memory if item[0] < session.step)
    path = [(step, state["network"]) for step, state in earlier]
    if session.good_state is not None and not session.snapshots.is_too_large:
        step = session.good_state["position"][0]
        if step < session.step and (not path or step > path[-1][0]):
            path.append((step, session.good_state["network"]))
    return path
