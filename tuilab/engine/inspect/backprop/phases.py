"""From the trace of a step to its phases: those around the requested one come with numbers."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import nan

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from tuilab.core.format import format_count, format_number
from tuilab.core.network.layer import format_shape
from tuilab.core.protocol.inspect.backprop_messages import (
    PHASES_AROUND,
    BackpropRequest,
    NumberColumn,
    NumberTable,
    Phase,
)
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.inspect.backprop import optimizer_update
from tuilab.engine.inspect.backprop.example_loss import describe_loss
from tuilab.engine.inspect.backprop.forward_recorder import OPAQUE_MODULES, ModuleCall
from tuilab.engine.inspect.backprop.number_tables import (
    activation_derivative,
    build_table,
    derive_convolution_output,
    derive_input_gradient,
    derive_linear_output,
    derive_weight_gradient,
    dropout_mask,
    is_linear,
)
from tuilab.engine.inspect.backprop.replay import ParameterUpdate, StepTrace
from tuilab.engine.model.module_names import name_module
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN

NOT_SCORED = "not scored"
"""The name of a position without a target."""

Contents = tuple[list[NumberTable], list[str]]
"""Tables and facts of one phase."""


PlannedPhase = tuple[Phase, Callable[[], Contents]]
"""A phase without numbers, and how its contents are computed."""


def build_phases(
    session: Session, trace: StepTrace, request: BackpropRequest, computed: dict[int, Phase]
) -> list[Phase]:
    """Returns every phase of the step.

    Args:
        computed: those of this trace that have numbers already, by their index; more are added.
    """
    plans = list(StepPlan(session, trace, request.slice).phases())
    middle = min(max(0, request.phase), len(plans) - 1)
    phases = []
    for index, (phase, compute) in enumerate(plans):
        if abs(index - middle) <= PHASES_AROUND:
            if index not in computed:
                tables, facts = compute()
                computed[index] = replace(phase, tables=tables, facts=facts, has_numbers=True)
            phase = computed[index]
        phases.append(phase)
    return phases


class StepPlan:
    """The phases of one trace.

    Args:
        slice_number: which slice of every tensor is shown.
    """

    def __init__(self, session: Session, trace: StepTrace, slice_number: int) -> None:
        self.session, self.trace, self.slice_number = session, trace, slice_number
        self._gradients = {u.parameter: u.gradient for u in trace.updates if u.gradient is not None}

    def phases(self) -> Iterator[PlannedPhase]:
        """Yields the phases in the order of the step."""
        trace, calls = self.trace, self.trace.calls
        shape = [] if trace.inputs is None else [trace.batch_size, *trace.inputs.shape]
        yield Phase("batch", "", "", [format_shape(shape)]), self._batch
        for call in calls:
            shapes = [format_shape(call.shapes[0]), format_shape(call.shapes[1])]
            phase = Phase("forward", call.label, _kind(call), shapes, depth=call.depth)
            yield phase, partial(self._forward, call)
        output = calls[-1].shapes[1] if calls else []
        loss = type(self.session.experiment.loss).__name__
        shapes = [format_shape(output), "one number"]
        describe = partial(describe_loss, self.session, trace, self.slice_number)
        yield Phase("loss", "", loss, shapes), describe
        for call in reversed(calls):
            yield from self._backward_phases(call)
        optimizer = type(self.session.experiment.optimizer).__name__
        for update in trace.updates:
            if update.gradient is not None:
                label, shape = f"{update.label} {update.name}", list(update.parameter.shape)
                phase = Phase("optimizer", label, optimizer, [format_shape(shape)])
                yield phase, partial(self._update, update)
        yield Phase("weights", "", "", []), self._new_weights

    def _backward_phases(self, call: ModuleCall) -> Iterator[PlannedPhase]:
        gradients = self._parameter_gradients(call)
        shapes = [format_shape(call.shapes[1]), format_shape(call.shapes[0])]
        if gradients:
            own_shapes = [format_shape(list(gradient.shape)) for gradient in gradients.values()]
            to_weights = [shapes[0], " ".join(own_shapes)]
            phase = Phase("backward", call.label, _kind(call), to_weights, "weights", call.depth)
            yield phase, partial(self._backward_to_weights, call, gradients)
        if call.input_gradient is not None and call.output_gradient is not None:
            phase = Phase("backward", call.label, _kind(call), shapes, "input", call.depth)
            yield phase, partial(self._backward_to_input, call)

    def _parameter_gradients(self, call: ModuleCall) -> dict[str, Tensor]:
        has_gradient = call.requires_grad or call.output_gradient is not None
        if not has_gradient and self._is_differentiated:
            return {}
        named_parameters = call.module.named_parameters(
            recurse=isinstance(call.module, OPAQUE_MODULES)
        )
        return {
            name.removeprefix("inside."): self._gradients[parameter]
            for name, parameter in named_parameters
            if parameter in self._gradients
        }

    @property
    def _is_differentiated(self) -> bool:
        """Returns whether autograd computed the gradients, unlike those of the perceptron rule."""
        return any(call.requires_grad for call in self.trace.calls)

    def _table(self, title: str, columns: Mapping[str, Tensor | None]) -> NumberTable:
        return build_table(title, columns, self.slice_number)

    # --- forward

    def _batch(self) -> Contents:
        trace, data = self.trace, self.session.dataset
        facts = [
            f"Example {format_count(trace.example + 1)} of {format_count(trace.batch_size)}; "
            f"it is number {format_count(trace.example_index + 1)} of the training examples."
        ]
        if trace.is_new_epoch:
            facts.append("An epoch is over: this batch is the first of the next one.")
        tables = []
        if trace.inputs is not None:
            columns: dict[str, Tensor | None] = {"x": trace.inputs}
            names = self._name_tokens(trace.inputs)
            tables.append(build_table("input", columns, self.slice_number, row_names=names))
        if (target := trace.target) is not None and not isinstance(self.session.task, GAN):
            names = self._name_tokens(target)
            columns = {"y": target}
            if target.dim() and not target.is_floating_point():
                columns["y"] = target.double().masked_fill(target == IGNORE_INDEX, nan)
            tables.append(build_table("target", columns, self.slice_number, row_names=names))
            if data.classes and target.dim() == 0 and not target.is_floating_point():
                facts.append(f"Its class is {data.classes[int(target)]}.")
        return tables, facts

    def _name_tokens(self, tokens: Tensor) -> list[str] | None:
        """Returns the token at each position [length]; None for what is not a text."""
        vocabulary = self.session.dataset.vocabulary
        if not vocabulary or tokens.is_floating_point() or not tokens.dim():
            return None
        numbers = tokens.flatten().tolist()
        if any(number >= len(vocabulary) for number in numbers):
            return None
        return [NOT_SCORED if n == IGNORE_INDEX else repr(vocabulary[n]) for n in numbers]

    def _forward(self, call: ModuleCall) -> Contents:
        inputs, output, module = call.inputs, call.output, call.module
        if inputs is None or output is None:
            return [], ["What passes here is not a batch of examples: only its shape is shown."]
        if is_linear(module):
            derivations = derive_linear_output(call, self.slice_number)
            table = replace(self._table("z", {"z": output}), derivations=derivations)
            return [table, self._table("a", {"a": inputs})], []
        if (derivative := activation_derivative(module, inputs)) is not None:
            return [self._table("a", {"z": inputs, "a": output, "f'(z)": derivative})], []
        if inputs.shape == output.shape:
            columns = {"in": inputs, "mask": dropout_mask(call), "out": output}
            return [self._table("out", columns)], []
        table = self._table("out", {"out": output})
        if isinstance(module, nn.Conv2d):
            derivations = derive_convolution_output(call, self.slice_number)
            numbers = [NumberColumn("z", table.columns[0].values)]
            table = replace(table, title="z", columns=numbers, derivations=derivations)
        return [table, self._table("in", {"in": inputs})], []

    # --- backward

    def _backward_to_weights(self, call: ModuleCall, gradients: dict[str, Tensor]) -> Contents:
        tables, facts = [], []
        if call.output_gradient is not None:
            table = self._table("dL/dz", {"z": call.output, "dL/dz": call.output_gradient})
            if is_linear(call.module):
                derivations = derive_weight_gradient(call, gradients, self.slice_number)
                table = replace(table, derivations=derivations)
            tables.append(table)
        elif not self._is_differentiated:
            facts.append("Nothing is differentiated here: shown is what takes a gradient's place.")
        else:
            facts.append("No gradient came back to this layer's output.")
        for full_name, parameter in call.parameters().items():
            name = full_name.removeprefix("inside.")
            if (gradient := gradients.get(name)) is not None:
                tables.append(
                    self._table(f"dL/d{name}", {name: parameter, f"dL/d{name}": gradient})
                )
        return tables, facts

    def _backward_to_input(self, call: ModuleCall) -> Contents:
        upstream, gradient = call.output_gradient, call.input_gradient
        assert upstream is not None and gradient is not None
        if is_linear(call.module):
            derivations = derive_input_gradient(call, self.slice_number)
            table = self._table("dL/da", {"a": call.inputs, "dL/da": gradient})
            return [replace(table, derivations=derivations)], []
        derivative = None
        if call.inputs is not None:
            derivative = activation_derivative(call.module, call.inputs)
        if derivative is not None:
            columns = {"dL/da": upstream, "f'(z)": derivative, "dL/dz": gradient}
            return [self._table("dL/dz", columns)], []
        if upstream.shape == gradient.shape:
            masked = {"dL/dout": upstream, "mask": dropout_mask(call), "dL/din": gradient}
            return [self._table("dL/din", masked)], []
        tables = [
            self._table("dL/din", {"in": call.inputs, "dL/din": gradient}),
            self._table("dL/dout", {"out": call.output, "dL/dout": upstream}),
        ]
        return tables, []

    # --- the update

    def _update(self, update: ParameterUpdate) -> Contents:
        experiment, trace = self.session.experiment, self.trace
        weights = self._table("w", {"w": update.parameter.detach()})
        table = replace(
            weights, title=f"{update.label} {update.name}",
            columns=optimizer_update.update_columns(update),
            derivations=optimizer_update.derive_updates(update, experiment),
        )  # fmt: skip
        rate = format_number(update.group.get("lr", trace.lr), 6)
        facts = [f"The learning rate is {rate}."]
        if experiment.training.clip_grad_norm and update.final_gradient is not None:
            before, after = map(format_number, trace.gradient_norms)
            limit = format_number(experiment.training.clip_grad_norm)
            facts.append(
                f"All gradients together had the norm {before}; clipping at {limit} left {after}."
            )
        if (steps := update.state_after.get("step")) is not None:
            count = format_count(int(steps))
            facts.append(f"It is the optimizer's step {count} with this parameter.")
        if (scale := trace.loss_scale) != 1:
            factor = format_number(scale)
            facts.append(f"fp16: the loss was multiplied by {factor}; that is undone here.")
        return [table], facts

    def _new_weights(self) -> Contents:
        updates = [update for update in self.trace.updates if update.after is not None]
        if not updates:
            return [], ["Nothing here is trained in this phase."]
        norms = torch.tensor([update.norms for update in updates], dtype=torch.double)
        before, change, after = norms.unbind(1)
        columns: dict[str, Tensor | None] = {
            "|w|": before, "|update|": change, "ratio": change / before, "new |w|": after,
        }  # fmt: skip
        names = [f"{update.label} {update.name}" for update in updates]
        facts = ["Norms of each parameter as a whole. Press s: the step is taken as shown."]
        return [build_table("new weights", columns, self.slice_number, row_names=names)], facts


def _kind(call: ModuleCall) -> str:
    inside = getattr(call.module, "inside", None)
    is_wrapper = isinstance(call.module, OPAQUE_MODULES) and isinstance(inside, nn.Module)
    module = inside if is_wrapper else call.module
    assert module is not None, "a call is of a module"
    return name_module(module)
