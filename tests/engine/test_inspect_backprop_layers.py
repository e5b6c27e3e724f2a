"""The next step for each layer kind of the catalogue: every number shown is autograd's.

The oracle is a second session of the same seed: it takes the same step by the loop's own function,
and autograd retains the gradient of every tensor between two modules.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import torch
from _pytest.mark.structures import ParameterSet
from msgspec.structs import replace
from torch import Tensor, nn

from tests.support.layer_sessions import SPECIAL_SESSIONS, make_layer_session
from tests.support.not_none import not_none
from tests.support.tiny_sessions import train_steps
from tuilab.core.network.registry import LAYERS
from tuilab.core.protocol.inspect.backprop_messages import (
    PHASES_AROUND,
    BackpropRequest,
    NumberTable,
    Phase,
)
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropInspector
from tuilab.engine.inspect.backprop.forward_recorder import name_modules, recorded_modules
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, optimizer_step

pytestmark = pytest.mark.usefixtures("passed_exercises")

EXAMPLE = 2

ADAM = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1}

WITHOUT_PHASE = (
    "Identity",
    "Save",
    "Sequential",
    "Encoder",
    "Decoder",
    "Generator",
    "Discriminator",
)
"""Kinds without a phase of their own: they compute nothing, or only what the layers inside do."""

FORWARD_ONLY = ("Embedding", "Step")
"""Kinds that pass no gradient to their input."""


def make_trained_session(name: str) -> Session:
    """Returns a session with a layer of this kind after two steps, so that Adam has a state."""
    torch.manual_seed(3)
    session = make_layer_session(name, optimizer=ADAM)
    train_steps(session, 2)
    return session


# --- the oracle -----------------------------------------------------------------------------------


@dataclass(eq=False)
class Call:
    """One call of a module: its input and output, for the whole batch."""

    module: nn.Module
    label: str
    input: Tensor
    output: Tensor


@dataclass
class Oracle:
    """One optimizer phase of the step, with all gradients that autograd computes."""

    session: Session
    phase_index: int
    calls: list[Call] = field(default_factory=list)
    before: dict[str, Tensor] = field(default_factory=dict)
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)

    def take_step(self) -> "Oracle":
        """Takes the step and keeps the gradients of its last phase."""
        session = self.session
        session.set_learning_rate()
        batch = session.advance_to_batch()  # a graph is one batch
        inputs, targets = batch[0], session.task.targets_for(*batch)
        for phase in session.phases[: self.phase_index]:
            optimizer_step(session, phase, inputs, targets, UNOBSERVED)
        labels = name_modules(session.network)
        for module, _ in recorded_modules(session.network):
            module.register_forward_hook(self._record_call(labels[module]))
        for module in session.network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                self.parameters[f"{labels[module]} {name}"] = parameter
        self.before = {name: p.detach().clone() for name, p in self.parameters.items()}
        optimizer_step(session, session.phases[self.phase_index], inputs, targets, UNOBSERVED)
        return self

    def _record_call(self, label: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            tensors = inputs[0], output[0] if isinstance(output, tuple) else output
            number = 1 + sum(call.module is module for call in self.calls)
            for tensor in tensors:
                if tensor.requires_grad:
                    tensor.retain_grad()
            name = f"{label} (pass {number})" if number > 1 else label
            self.calls.append(Call(module, name, *tensors))

        return hook

    def expected_columns(self, phase: Phase, call: Call) -> dict[str, Tensor | None]:
        """Returns what the columns of a phase of a layer should contain, by their names."""
        upstream, downstream = _grad(call.output), _grad(call.input)
        names = [column.name for table in phase.tables for column in table.columns]
        columns = {"in": call.input, "out": call.output, "dL/dout": upstream, "dL/din": downstream}
        if "f'(z)" in names:
            columns |= {"z": call.input, "a": call.output, "dL/da": upstream, "dL/dz": downstream}
        else:
            columns |= {"z": call.output, "a": call.input, "dL/dz": upstream, "dL/da": downstream}
        rows = {
            name: None if t is None else t[min(EXAMPLE, len(t) - 1)] for name, t in columns.items()
        }
        if phase.gradient_of == "weights":
            label = phase.label.partition(" (pass")[0]
            for name, parameter in self.parameters_of(label).items():
                rows |= {name: self.before[f"{label} {name}"], f"dL/d{name}": parameter.grad}
        return rows

    def parameters_of(self, label: str) -> dict[str, nn.Parameter]:
        """Returns the parameters of a layer, or of all inside one that is shown as a whole."""
        module = next(m for m, name in name_modules(self.session.network).items() if name == label)
        parameters = {
            name.removeprefix("inside."): parameter for name, parameter in module.named_parameters()
        }
        for name, parameter in parameters.items():
            full = next(key for key, other in self.parameters.items() if other is parameter)
            self.before.setdefault(f"{label} {name}", self.before[full])
        return parameters


def _grad(tensor: Tensor) -> Tensor | None:
    return tensor.grad if tensor.requires_grad else None


# --- what is shown --------------------------------------------------------------------------------


def inspect_all_phases(session: Session, phase_index: int, slice_number: int) -> list[Phase]:
    """Returns every phase of the step with its numbers, from several responses."""
    inspector, with_numbers = BackpropInspector(session), dict[int, Phase]()
    request = BackpropRequest(EXAMPLE, phase_index, slice_number)
    count = len(inspector.inspect(request).phases)
    for center in range(0, count + PHASES_AROUND, PHASES_AROUND):
        phases = inspector.inspect(replace(request, phase=center)).phases
        with_numbers |= {index: phase for index, phase in enumerate(phases) if phase.has_numbers}
    assert sorted(with_numbers) == list(range(count))
    return [with_numbers[index] for index in range(count)]


def assert_columns(phase: Phase, expected: dict[str, Tensor | None]) -> int:
    """Compares all columns of a phase that hold tensors; returns how many."""
    count = 0
    for table in phase.tables:
        for column in table.columns:
            if column.name in ("f'(z)", "mask"):
                continue
            tensor = expected[column.name]
            assert tensor is not None, f"{phase.label}: {column.name} is shown but does not exist"
            values = torch.tensor(column.values, dtype=tensor.dtype)
            is_same = torch.allclose(values, slice_for(tensor, table), 0, 0, equal_nan=True)
            assert is_same, f"{phase.label}: {column.name}"
            count += 1
    return count


def slice_for(tensor: Tensor, table: NumberTable) -> Tensor:
    assert table.total == tensor.numel()
    return tensor.detach().reshape(-1)[table.first : table.first + len(table.row_names)]


def assert_products(phase: Phase) -> None:
    """Checks that upstream times local is downstream, in phases that show all three."""
    for table in phase.tables:
        by_name = {column.name: torch.tensor(column.values) for column in table.columns}
        factor = by_name.get("f'(z)", by_name.get("mask"))
        upstream = by_name.get("dL/da", by_name.get("dL/dout"))
        downstream = by_name.get("dL/din", by_name.get("dL/dz"))
        if phase.part != "backward" or factor is None or upstream is None or downstream is None:
            continue
        known = ~factor.isnan()
        product = (upstream * factor)[known]
        torch.testing.assert_close(product, downstream[known], rtol=1e-4, atol=1e-7)


def _cases() -> Iterator[ParameterSet]:
    for name in LAYERS:
        for phase in range(2 if name in ("Generator", "Discriminator") else 1):
            for number in (0,) if name == "Backbone" else (0, 1):
                marks = [pytest.mark.slow] if name == "Backbone" or number else []
                yield pytest.param(name, phase, number, id=f"{name}-{phase}-{number}", marks=marks)


CASES = list(_cases())
"""Kind, optimizer phase of the step, and slice of every tensor."""


@cache
def take_oracle_step(name: str, phase: int) -> Oracle:
    return Oracle(make_trained_session(name), phase).take_step()


@pytest.mark.parametrize(("name", "optimizer_phase", "slice_number"), CASES)
def test_every_number_shown_of_a_layer_kind_is_autograds(
    name: str, optimizer_phase: int, slice_number: int
) -> None:
    oracle, session = take_oracle_step(name, optimizer_phase), make_trained_session(name)

    phases = inspect_all_phases(session, optimizer_phase, slice_number)

    forward = [phase for phase in phases if phase.part == "forward"]
    backward = [phase for phase in phases if phase.part == "backward"]
    assert [phase.label for phase in forward] == [call.label for call in oracle.calls]
    checked = {(call, "") for call in oracle.calls}
    pairs = [*zip(forward, oracle.calls, strict=True), *pair_with_calls(backward, oracle.calls)]
    for phase, call in pairs:
        assert assert_columns(phase, oracle.expected_columns(phase, call)) or not phase.tables
        assert_products(phase)
        checked.add((call, phase.gradient_of))
    for call in oracle.calls:
        is_through = _grad(call.input) is not None and _grad(call.output) is not None
        assert ((call, "input") in checked) == is_through
    kinds = {phase.kind for phase in (backward if name not in FORWARD_ONLY else phases)}
    assert name in WITHOUT_PHASE or kinds & {name, *torch_classes(session, name)}


def pair_with_calls(backward: list[Phase], calls: list[Call]) -> Iterator[tuple[Phase, Call]]:
    """Yields each phase of the backward pass with its call; the last call comes first."""
    remaining = list(calls)
    for phase in backward:
        while remaining[-1].label != phase.label:
            remaining.pop()
        yield phase, remaining[-1]
        if phase.gradient_of == "input":
            remaining.pop()


def torch_classes(session: Session, name: str) -> set[str]:
    """Returns the classes of torch that a layer kind is built from."""
    modules = {type(module).__name__ for module in session.network.modules()}
    plain = {"Linear", "Unflatten", "Flatten", "Sequential"}
    return modules if name in plain | {"Repeat"} else modules - plain


@pytest.mark.parametrize(("name", "optimizer_phase", "slice_number"), CASES)
def test_every_update_shown_of_a_layer_kind_is_the_optimizers(
    name: str, optimizer_phase: int, slice_number: int
) -> None:
    oracle, session = take_oracle_step(name, optimizer_phase), make_trained_session(name)

    phases = inspect_all_phases(session, optimizer_phase, slice_number)

    updates = {phase.label: phase.tables[0] for phase in phases if phase.part == "optimizer"}
    trained = {name for name, p in oracle.parameters.items() if p.grad is not None}
    expected = trained if name not in SPECIAL_SESSIONS else set(updates) & trained
    assert updates and set(updates) == expected
    states = [phase.optimizer.state for phase in oracle.session.phases]
    for label, table in updates.items():
        parameter, before = oracle.parameters[label], oracle.before[label]
        columns = {column.name: torch.tensor(column.values) for column in table.columns}
        for column_name, tensor in (
            ("w", before), ("dL/dw", not_none(parameter.grad)), ("new w", parameter),
        ):  # fmt: skip
            assert torch.equal(columns[column_name], slice_for(tensor, table))
        change = slice_for(parameter, table).double() - slice_for(before, table).double()
        assert torch.equal(columns["update"].double(), change.float().double())
        state = next(state[parameter] for state in states if parameter in state)
        terms = {
            term: torch.tensor([d.columns[0].values[index] for d in table.derivations])
            for index, term in enumerate(table.derivations[0].row_names)
        }
        assert torch.equal(terms["first moment m after"], slice_for(state["exp_avg"], table))
        assert torch.equal(terms["second moment v after"], slice_for(state["exp_avg_sq"], table))
        by_cause = [values for term, values in terms.items() if term.startswith("update by")]
        torch.testing.assert_close(sum(by_cause), terms["update in all"], rtol=1e-3, atol=1e-6)
