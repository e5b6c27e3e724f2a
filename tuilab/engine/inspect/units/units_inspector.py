"""Looks for the view of units: what every unit answers, over the plane and to examples."""

import time
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.units_messages import (
    STEPS,
    ZERO,
    Column,
    UnitsRequest,
    UnitsResponse,
)
from tuilab.engine.inspect.eval_mode import still
from tuilab.engine.inspect.layer.labels import features
from tuilab.engine.inspect.units.linear_chain import Chain, chain
from tuilab.engine.model import build_network as networks
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN

MOST_UNITS = 48
"""Units that are told of in each column."""

MOST_LAYERS = 16
"""Linear layers that are told of."""

EXAMPLES = 256
"""Examples that a mean is of, where they are rows of numbers."""

FIRST, TIME, WARM_UP = 4, 0.03, 3
"""Of pictures and sequences: so many first, then twice as many again and again while there is time
left of so many seconds; the first ones may take so many times longer."""

NO_LINEAR = (
    "This network has no Linear layer, so there are no units with edges to draw. "
    "The view Layer shows what its layers do."
)

NO_PLANE = "There is no plane to answer over: each unit shows its mean answer"

GAN_NOTE = "This is the discriminator; the generator sees noise, which is no plane."


class UnitsInspector:
    """Looks at one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        task = session.task
        self._part = task.discriminator if isinstance(task, GAN) else session.network
        built = networks.layers(session.network, session.experiment.network)
        self._chain = chain(self._part, {module: type(layer).__name__ for module, layer in built})
        self._hidden = 0
        "Layers that are left out."
        if self._chain is not None and (hidden := len(self._chain.stages) - MOST_LAYERS) > 0:
            del self._chain.stages[MOST_LAYERS:]
            self._hidden, self._chain.ends = hidden, False

    def inspect(self, wanted: UnitsRequest) -> UnitsResponse:
        """What the view is to show."""
        session, found = self._session, self._chain
        if found is None:
            return UnitsResponse(session.run, session.step, note=NO_LINEAR)
        with still(self._part):
            shape, points = _plane(session, wanted, found)
            over = self._answers(found, points) if points is not None else []
            given, count = self._given(found)
        columns = [
            _column(session, found, place, answers, over[place] if over else None)
            for place, answers in enumerate(given)
        ]
        note = self._note(found, is_plane=bool(over), is_long=given[0].dim() > 2)
        return UnitsResponse(
            session.run, session.step, columns, *shape,
            bounds=list(session.dataset.bounds) if over else [], examples=count, note=note,
        )  # fmt: skip

    def _given(self, found: Chain) -> tuple[list[Tensor], int]:
        """What every column answers to some examples, and to how many."""
        inputs = self._session.dataset.train.inputs
        if inputs.dim() == 2 and inputs.is_floating_point():
            few = inputs[:EXAMPLES]
            return self._answers(found, few), len(few)
        parts: list[list[Tensor]] = []
        count, left, size = 0, TIME, FIRST
        while size and (few := inputs[count : count + size]).numel():
            begun = time.perf_counter()
            parts.append(self._answers(found, few))
            took = time.perf_counter() - begun
            # The first time, torch has to find its way: that says little of the next.
            left, count = left - (took if count else took / WARM_UP), count + len(few)
            size = min(count, EXAMPLES - count) if took < left else 0
        return [torch.cat(pieces) for pieces in zip(*parts, strict=True)], count

    def _answers(self, found: Chain, inputs: Tensor) -> list[Tensor]:
        """What every column answers: [n, ..., units], from what the first layer sees on."""
        session = self._session
        inputs = session.arranged(session.dataset.prepared(inputs))
        if inputs.is_floating_point():
            inputs = inputs.to(session.parameters[0].dtype)
        seen: list[Tensor] = []
        hooks = [stage.linear.register_forward_pre_hook(_enter(seen)) for stage in found.stages]
        last = self._part if found.ends else found.stages[-1].last
        hooks.append(last.register_forward_hook(_leave(seen)))
        try:
            with session.task.autocast():
                self._part(inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return seen

    def _note(self, found: Chain, *, is_plane: bool, is_long: bool) -> str:
        words = []
        if isinstance(self._session.task, GAN):
            words.append(GAN_NOTE)
        if found.source:
            words.append(f"Drawn are the Linear layers behind {found.source}.")
        if self._hidden:
            words.append(f"{self._hidden} more Linear layers follow.")
        if not is_plane:
            words.append(f"{NO_PLANE} over all positions." if is_long else f"{NO_PLANE}.")
        return " ".join(words)


def _enter(seen: list[Tensor]) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].float())

    return hook


def _leave(seen: list[Tensor]) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append(output.float())

    return hook


def _plane(
    session: Session, wanted: UnitsRequest, found: Chain
) -> tuple[tuple[int, int], Tensor | None]:
    """Width and height of a grid over the plane or a line, and the inputs at its points."""
    data, kind = session.dataset, session.experiment.data.picture
    if data.inputs_at is None or found.source or kind not in ("plane", "curve"):
        return (0, 0), None
    left, right, *others = data.bounds
    width = max(1, wanted.width)
    x = left + (torch.arange(width) + 0.5) * (right - left) / width
    if kind == "curve":
        return (width, 1), data.inputs_at(x.unsqueeze(1).to(session.device))
    bottom, top = others
    height = max(1, wanted.height)
    y = top - (torch.arange(height) + 0.5) * (top - bottom) / height
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    points = torch.stack([columns.flatten(), rows.flatten()], dim=1)
    return (width, height), data.inputs_at(points.to(session.device))


def _column(
    session: Session, found: Chain, place: int, given: Tensor, over: Tensor | None
) -> Column:
    units = given.shape[-1]
    rows = given[..., :MOST_UNITS].flatten(1, -2).mean(1) if given.dim() > 2 else given
    rows = rows[:, :MOST_UNITS]
    means, spreads = rows.mean(0).tolist(), rows.std(0, correction=0).tolist()
    active = (rows > 0).float().mean(0).tolist()
    responses, reaches = _bytes(over[:, :MOST_UNITS]) if over is not None else ([], [])
    names = _names(session, found, place, units)[:MOST_UNITS]
    if not place:
        return Column(
            f"from {found.source}" if found.source else "input", units, "", names,
            responses, reaches, means, spreads, active,
        )  # fmt: skip
    stage = found.stages[place - 1]
    weight, bias = stage.linear.weight, stage.linear.bias
    label = next(name for name, own in session.labelled.items() if any(p is weight for p in own))
    return Column(
        label, units, " ".join(stage.after), names, responses, reaches, means, spreads, active,
        weights=weight[:MOST_UNITS, :MOST_UNITS].tolist(),
        biases=[] if bias is None else bias[:MOST_UNITS].tolist(),
    )  # fmt: skip


def _names(session: Session, found: Chain, place: int, units: int) -> list[str]:
    """Of the inputs and of the outputs; hidden units have none."""
    classes = session.dataset.classes or session.dataset.vocabulary
    if place == 0 and not found.source:
        own = ["x"] if units == 1 else [f"x{number}" for number in range(1, units + 1)]
        named = features(session)
        return named if len(named) == units else own
    is_output = found.ends and place == len(found.stages)
    return (
        [name if name.strip() else repr(name) for name in classes]
        if is_output and len(classes) == units
        else []
    )


def _bytes(values: Tensor) -> tuple[list[bytes], list[float]]:
    """Every column of [points, units] as bytes around `ZERO`, and its farthest value from zero."""
    values = values.nan_to_num(0.0, 0.0, 0.0)
    reaches = values.abs().amax(0)
    scaled = values / reaches.clamp(min=torch.finfo(values.dtype).tiny)
    steps = ((scaled * STEPS).round() + ZERO).to(torch.uint8)
    return [bytes(row) for row in steps.T.tolist()], reaches.tolist()
