"""From the record of a step to its phases, those around the wanted one with their numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from tuilab.core.protocol.inspect.backprop_messages import (
    NEAR,
    BackpropRequest,
    Numbers,
    Part,
    Phase,
    Table,
)
from tuilab.engine.inspect.backprop import example_loss, optimizer_update
from tuilab.engine.inspect.backprop.forward_recorder import WHOLE, Stop
from tuilab.engine.inspect.backprop.number_tables import (
    is_linear,
    mask,
    shares,
    slope,
    sums_back,
    sums_of_convolution,
    sums_of_linear,
    table,
)
from tuilab.engine.inspect.backprop.replay import ParameterUpdate, StepTrace
from tuilab.engine.session import Session

Told = tuple[list[Table], list[str]]
"""Tables and facts of one phase."""


@dataclass(slots=True)
class Plan:
    """A phase and how to fill it."""

    part: Part
    fill: Callable[[], Told]
    label: str = ""
    kind: str = ""
    shapes: list[str] = field(default_factory=list)
    towards: str = ""
    depth: int = 0


def phases(
    session: Session, record: StepTrace, wanted: BackpropRequest, told: dict[int, Phase]
) -> list[Phase]:
    """Every phase of the step.

    Args:
        told: those of this record that were filled before; more are added.
    """
    plans = list(Phases(session, record, wanted.slice).plans())
    around = min(max(0, wanted.phase), len(plans) - 1)
    found = []
    for place, plan in enumerate(plans):
        phase = Phase(plan.part, plan.label, plan.kind, plan.shapes, plan.towards, plan.depth)
        if abs(place - around) <= NEAR:
            if place not in told:
                tables, facts = plan.fill()
                told[place] = replace(phase, tables=tables, facts=facts, is_told=True)
            phase = told[place]
        found.append(phase)
    return found


class Phases:
    """The phases of one record.

    Args:
        number: which stretch of every tensor is told.
    """

    def __init__(self, session: Session, record: StepTrace, number: int) -> None:
        self.session, self.record, self.number = session, record, number
        self.raw = {m.parameter: m.raw for m in record.moved if m.raw is not None}

    def plans(self) -> Iterator[Plan]:
        """In the order of the step."""
        record, stops = self.record, self.record.stops
        shape = [] if record.inputs is None else [record.examples, *record.inputs.shape]
        yield Plan("batch", self._batch, shapes=[sizes(shape)])
        for stop in stops:
            yield Plan(
                "forward", partial(self._forward, stop), stop.label, _kind(stop),
                [sizes(stop.shapes[0]), sizes(stop.shapes[1])], depth=stop.depth,
            )  # fmt: skip
        last = stops[-1].shapes[1] if stops else []
        kind = type(self.session.experiment.loss).__name__
        yield Plan("loss", self._loss, kind=kind, shapes=[sizes(last), "one number"])
        for stop in reversed(stops):
            yield from self._back(stop)
        name = type(self.session.experiment.optimizer).__name__
        for moved in record.moved:
            if moved.raw is not None:
                yield Plan(
                    "optimizer", partial(self._optimizer, moved),
                    f"{moved.label} {moved.name}", name, [sizes(list(moved.parameter.shape))],
                )  # fmt: skip
        yield Plan("weights", self._weights)

    def _back(self, stop: Stop) -> Iterator[Plan]:
        gradients = self._gradients(stop)
        shapes = [sizes(stop.shapes[1]), sizes(stop.shapes[0])]
        if gradients:
            of_weights = [sizes(list(gradient.shape)) for gradient in gradients.values()]
            yield Plan(
                "backward", partial(self._to_weights, stop, gradients), stop.label, _kind(stop),
                [shapes[0], " ".join(of_weights)], "weights", stop.depth,
            )  # fmt: skip
        if stop.downstream is not None and stop.upstream is not None:
            yield Plan(
                "backward", partial(self._to_input, stop), stop.label, _kind(stop),
                shapes, "input", stop.depth,
            )  # fmt: skip

    def _gradients(self, stop: Stop) -> dict[str, Tensor]:
        if not stop.is_learning and stop.upstream is None and not self._is_by_rule(stop):
            return {}
        whole = isinstance(stop.module, WHOLE)
        own = stop.module.named_parameters(recurse=whole)
        return {
            name.removeprefix("inside."): self.raw[parameter]
            for name, parameter in own
            if parameter in self.raw
        }

    def _is_by_rule(self, stop: Stop) -> bool:
        """Whether gradients were worked out without autograd, as the perceptron rule does."""
        return not any(other.is_learning for other in self.record.stops)

    # --- forward

    def _batch(self) -> Told:
        record, data = self.record, self.session.dataset
        facts = [
            f"Example {record.example + 1} of {record.examples}; "
            f"it is number {record.index + 1} of the training examples."
        ]
        if record.turn_over:
            facts.append("An epoch is over: this batch is the first of the next one.")
        tables = []
        if record.inputs is not None:
            columns: dict[str, Tensor | None] = {"x": record.inputs}
            tables.append(table("input", columns, self.number))
            if data.vocabulary and not record.inputs.is_floating_point():
                called = [repr(data.vocabulary[i]) for i in record.inputs.flatten().tolist()
                          if i < len(data.vocabulary)]  # fmt: skip
                if len(called) == record.inputs.numel():
                    tables[0] = table("input", columns, self.number, names=called)
        if record.wanted is not None:
            tables.append(table("target", {"y": record.wanted}, self.number))
            target = record.wanted
            if data.classes and target.dim() == 0 and not target.is_floating_point():
                facts.append(f"Its class is {data.classes[int(target)]}.")
        return tables, facts

    def _forward(self, stop: Stop) -> Told:
        taken, given, module = stop.taken, stop.given, stop.module
        if taken is None or given is None:
            return [], ["What passes here is no batch of examples: only its shape can be told."]
        if is_linear(module):
            told = table("z", {"z": given}, self.number)
            return [
                replace(told, origins=sums_of_linear(stop, self.number)),
                table("a", {"a": taken}, self.number),
            ], []
        if (slopes := slope(module, taken)) is not None:
            columns: dict[str, Tensor | None] = {"z": taken, "a": given, "f'(z)": slopes}
            return [table("a", columns, self.number)], []
        if taken.shape == given.shape:
            columns = {"in": taken, "mask": mask(stop), "out": given}
            return [table("out", columns, self.number)], []
        told = table("out", {"out": given}, self.number)
        if isinstance(module, nn.Conv2d):
            told = replace(told, title="z", columns=[Numbers("z", told.columns[0].values)],
                           origins=sums_of_convolution(stop, self.number))  # fmt: skip
        return [told, table("in", {"in": taken}, self.number)], []

    def _loss(self) -> Told:
        return example_loss.told(self.session, self.record, self.number)

    # --- backward

    def _to_weights(self, stop: Stop, gradients: dict[str, Tensor]) -> Told:
        tables, facts = [], []
        up, module = stop.upstream, stop.module
        if up is not None:
            told = table("dL/dz", {"z": stop.given, "dL/dz": up}, self.number)
            if is_linear(module):
                told = replace(told, origins=shares(stop, gradients, self.number))
            tables.append(told)
        elif self._is_by_rule(stop):
            facts.append("Nothing is differentiated here: shown is what stands for a gradient.")
        else:
            facts.append("No gradient came back to this layer's output.")
        for name, parameter in stop.own().items():
            called = name.removeprefix("inside.")
            if (gradient := gradients.get(called)) is not None:
                columns: dict[str, Tensor | None] = {
                    called: parameter, f"dL/d{called}": gradient
                }  # fmt: skip
                tables.append(table(f"dL/d{called}", columns, self.number))
        return tables, facts

    def _to_input(self, stop: Stop) -> Told:
        up, down = stop.upstream, stop.downstream
        assert up is not None and down is not None
        if is_linear(stop.module):
            told = table("dL/da", {"a": stop.taken, "dL/da": down}, self.number)
            return [replace(told, origins=sums_back(stop, self.number))], []
        if stop.taken is not None and (slopes := slope(stop.module, stop.taken)) is not None:
            columns: dict[str, Tensor | None] = {"dL/da": up, "f'(z)": slopes, "dL/dz": down}
            return [table("dL/dz", columns, self.number)], []
        if up.shape == down.shape:
            columns = {"dL/dout": up, "mask": mask(stop), "dL/din": down}
            return [table("dL/din", columns, self.number)], []
        tables = [
            table("dL/din", {"in": stop.taken, "dL/din": down}, self.number),
            table("dL/dout", {"out": stop.given, "dL/dout": up}, self.number),
        ]
        return tables, []

    # --- the move

    def _optimizer(self, moved: ParameterUpdate) -> Told:
        experiment, record = self.session.experiment, self.record
        origins = optimizer_update.origins(moved, experiment)
        columns = optimizer_update.columns(moved)
        shape = list(moved.parameter.shape)
        told = table("w", {"w": moved.parameter.detach()}, self.number)
        told = Table(f"{moved.label} {moved.name}", shape, told.first, told.total, told.names,
                     columns, origins)  # fmt: skip
        facts = [f"The learning rate is {moved.group.get('lr', record.lr):.6g}."]
        if experiment.training.clip_grad_norm and moved.final is not None:
            before, after = record.norms
            facts.append(
                f"All gradients together had the length {before:.4g}; "
                f"clipping at {experiment.training.clip_grad_norm:g} left {after:.4g}."
            )
        if (step := optimizer_update.step_of(moved)) is not None:
            facts.append(f"It is the optimizer's step {step:.0f} with this parameter.")
        if record.scale != 1:
            facts.append(f"fp16: the loss was multiplied by {record.scale:g}; that is undone here.")
        return [told], facts

    def _weights(self) -> Told:
        rows = [moved for moved in self.record.moved if moved.after is not None]
        sums = torch.tensor([moved.sizes for moved in rows], dtype=torch.double).reshape(-1, 3)
        names = [f"{moved.label} {moved.name}" for moved in rows]
        before, move, after = sums.unbind(1)
        columns: dict[str, Tensor | None] = {
            "|w|": before, "|update|": move, "ratio": move / before, "new |w|": after,
        }  # fmt: skip
        facts = ["Lengths of each parameter as a whole. Press s: the step is taken as shown."]
        if not rows:
            return [], ["Nothing here learns in this turn."]
        return [table("new weights", columns, self.number, names=names)], facts


def sizes(shape: list[int]) -> str:
    """A shape in words, such as `[64, 2]`."""
    return str(list(shape)) if shape else "[]"


def _kind(stop: Stop) -> str:
    inside = getattr(stop.module, "inside", None)
    is_wrapped = isinstance(stop.module, WHOLE) and isinstance(inside, nn.Module)
    return type(inside if is_wrapped else stop.module).__name__
