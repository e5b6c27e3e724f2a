"""Each layer kind of the catalogue in slow motion: every number that is shown is autograd's.

The oracle is a second session of the same seed: it takes the same step by the loop's own function,
with the gradient of every tensor between two modules kept by autograd.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.datasets import CPU, load_dataset
from tests.support.network_strategies import example_line
from tests.support.tiny_sessions import make_dataset, make_experiment, make_session, train_steps
from tuilab.core.catalogue.data.graphs import Karate
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.network.plan import plan
from tuilab.core.network.registry import LAYERS
from tuilab.core.protocol.inspect.backprop_messages import (
    PHASES_AROUND,
    BackpropRequest,
    NumberTable,
    Phase,
)
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropInspector
from tuilab.engine.inspect.backprop.forward_recorder import name_modules, recorded_modules
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, optimizer_step

pytestmark = pytest.mark.usefixtures("passed_exercises")

EXAMPLE = 2

ADAM = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1}

FLAT, ROWS, PICTURE = (12,), (4, 8), (4, 8, 8)

LINES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "Linear": ("Linear 5", ROWS),
    "Flatten": ("Flatten", ROWS),
    "Unflatten": ("Unflatten (3,4)", FLAT),
    "PatchEmbedding": ("PatchEmbedding 4 6", PICTURE),
    "Backbone": ("Backbone squeezenet1_1", (3, 20, 20)),
    "Residual": (("Residual", "Linear 12", "Tanh"), FLAT),
    "Repeat": (("Repeat 3", "Linear 12", "ReLU"), FLAT),
    "Parallel": (("Parallel", "Linear 5", ["Sequential", "Linear 4", "Tanh"]), FLAT),
    "Sequential": (("Sequential", "Linear 12", "Tanh"), FLAT),
}  # fmt: skip
"""Lines that need another input or more than their own example; all others take what fits."""

SILENT = ("Identity", "Sequential", "Encoder", "Decoder", "Generator", "Discriminator")
"""Kinds that have no phase of their own: nothing happens in them, or only what stands in them."""

FORWARD_ONLY = ("Embedding", "Step")
"""Kinds that send no gradient back to what they were given."""


# --- a small network for each kind ----------------------------------------------------------------


def built(line: Any, shape: tuple[int, ...]) -> Session:
    """A gradient comes back through the layer, to one with weights before it."""
    sizes = ",".join(map(str, shape))
    network = (f"Linear {prod(shape)}", f"Unflatten ({sizes})", line, "Flatten", "Linear 3")
    return make_session(*network, batch_size=5, optimizer=ADAM)


def of_tokens() -> Session:
    """A language model on random letters."""
    letters = torch.randint(97, (20, 8), generator=torch.Generator().manual_seed(2))
    part = Examples(letters[:, :-1], letters[:, 1:])
    knobs = make_experiment(
        "Embedding 4", "Linear 97", data={"name": "python_source", "length": 7},
        task={"name": "language_model"}, batch_size=5, optimizer=ADAM,
    )  # fmt: skip
    vocabulary = ("\t", "\n", *map(chr, range(32, 127)))
    return Session("run", knobs, Dataset(part, part, part, vocabulary=vocabulary), CPU)


def of_a_graph() -> Session:
    """The karate club."""
    knobs = experiment_from_dict({
        "network": ["GraphConvolution 4", "Tanh", "GraphConvolution 2"],
        "data": {"name": "karate"}, "training": {"epochs": 9, "device": "cpu"}, "optimizer": ADAM,
    })  # fmt: skip
    return Session("run", knobs, load_dataset(Karate()), CPU)


def of_codes() -> Session:
    """An autoencoder."""
    knobs = make_experiment(
        ["Encoder", "Linear 8", "Tanh", "Linear 2"], ["Decoder", "Linear 8", "Tanh", "Linear 3"],
        task={"name": "autoencoder"}, data={"name": "swiss_roll"}, loss={"name": "mse"},
        optimizer=ADAM,
    )  # fmt: skip
    return Session("run", knobs, make_dataset(features=3), CPU)


def of_two_sides() -> Session:
    """A generator against a discriminator."""
    return make_session(
        ["Generator", "Linear 8", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 8", "ReLU", "Linear 1"],
        task={"name": "gan"}, loss={"name": "bce"}, data={"name": "gaussians_ring"}, optimizer=ADAM,
    )  # fmt: skip


OTHERS = {
    "Embedding": of_tokens, "GraphConvolution": of_a_graph, "Encoder": of_codes,
    "Decoder": of_codes, "Generator": of_two_sides, "Discriminator": of_two_sides,
}  # fmt: skip


def session_of(name: str) -> Session:
    """A session with a layer of this kind, two steps old, so that the optimizer remembers."""
    torch.manual_seed(3)
    if name in OTHERS:
        subject = OTHERS[name]()
    elif name in LINES:
        subject = built(*LINES[name])
    else:
        line = example_line(LAYERS[name]).replace("16", "4")
        fits = (s for s in (FLAT, ROWS, PICTURE) if plan((line, "Flatten", "Linear 3"), s).is_valid)
        shape = next(fits, None)
        assert shape is not None, f"a new kind: say in LINES what {line!r} is to be given"
        subject = built(line, shape)
    train_steps(subject, 2)
    return subject


# --- the oracle -----------------------------------------------------------------------------------


@dataclass(eq=False)
class Call:
    """One call of a module: what went in and what came out, for the whole batch."""

    module: nn.Module
    label: str
    taken: Tensor
    given: Tensor


@dataclass
class Oracle:
    """One turn of the step, with what autograd keeps."""

    session: Session
    turn: int
    calls: list[Call] = field(default_factory=list)
    before: dict[str, Tensor] = field(default_factory=dict)
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)

    def take(self) -> "Oracle":
        session = self.session
        session.set_learning_rate()
        if (batch := session.next_batch()) is None:  # a graph is one batch
            session.epoch, session.offset = session.epoch + 1, 0
            batch = session.next_batch()
        assert batch is not None
        inputs, wanted = batch[0], session.task.targets_for(*batch)
        for turn in session.phases[: self.turn]:
            optimizer_step(session, turn, inputs, wanted, UNOBSERVED)
        labels = name_modules(session.network)
        for module, _ in recorded_modules(session.network):
            module.register_forward_hook(self._keep(labels[module]))
        for module in session.network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                self.parameters[f"{labels[module]} {name}"] = parameter
        self.before = {name: p.detach().clone() for name, p in self.parameters.items()}
        optimizer_step(session, session.phases[self.turn], inputs, wanted, UNOBSERVED)
        return self

    def _keep(self, label: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            taken, given = inputs[0], output[0] if isinstance(output, tuple) else output
            times = 1 + sum(call.module is module for call in self.calls)
            called = f"{label} (pass {times})" if times > 1 else label
            for tensor in (taken, given):
                if tensor.requires_grad:
                    tensor.retain_grad()
            self.calls.append(Call(module, called, taken, given))

        return hook

    def wanted(self, phase: Phase, call: Call) -> dict[str, Tensor | None]:
        """What the columns of a phase of a layer should hold."""
        taken, given = call.taken, call.given
        up, down = _grad(given), _grad(taken)
        columns = [column.name for table in phase.tables for column in table.columns]
        found = {"in": taken, "out": given, "dL/dout": up, "dL/din": down}
        if "f'(z)" in columns:
            found |= {"z": taken, "a": given, "dL/da": up, "dL/dz": down}
        else:
            found |= {"z": given, "a": taken, "dL/dz": up, "dL/da": down}
        rows = {
            name: None if t is None else t[min(EXAMPLE, len(t) - 1)] for name, t in found.items()
        }
        if phase.gradient_of == "weights":
            own = phase.label.partition(" (pass")[0]
            for name, parameter in self.own(own).items():
                rows |= {name: self.before[f"{own} {name}"], f"dL/d{name}": parameter.grad}
        return rows

    def own(self, label: str) -> dict[str, nn.Parameter]:
        """The parameters of a layer, or of all that stands in one that is shown as a whole."""
        module = next(m for m, name in name_modules(self.session.network).items() if name == label)
        named = module.named_parameters()
        found = {name.removeprefix("inside."): parameter for name, parameter in named}
        for name, parameter in found.items():
            full = next(key for key, other in self.parameters.items() if other is parameter)
            self.before.setdefault(f"{label} {name}", self.before[full])
        return found


def _grad(tensor: Tensor) -> Tensor | None:
    return tensor.grad if tensor.requires_grad else None


# --- what is shown --------------------------------------------------------------------------------


def shown(subject: Session, turn: int, number: int) -> list[Phase]:
    """Every phase of the step with its numbers, from several answers."""
    eye, told = BackpropInspector(subject), dict[int, Phase]()
    phases = eye.inspect(BackpropRequest(EXAMPLE, turn, number)).phases
    for around in range(0, len(phases) + PHASES_AROUND, PHASES_AROUND):
        phases = eye.inspect(BackpropRequest(EXAMPLE, turn, number, around)).phases
        told |= {place: phase for place, phase in enumerate(phases) if phase.has_numbers}
    assert sorted(told) == list(range(len(phases)))
    return [told[place] for place in range(len(phases))]


def matches(phase: Phase, expected: dict[str, Tensor | None]) -> int:
    """How many columns of a phase were compared; all that hold tensors are."""
    compared = 0
    for table in phase.tables:
        for column in table.columns:
            if column.name in ("f'(z)", "mask"):
                continue
            tensor = expected[column.name]
            assert tensor is not None, f"{phase.label}: {column.name} is shown, and there is none"
            values = torch.tensor(column.values, dtype=tensor.dtype)
            is_same = torch.allclose(values, stretch(tensor, table), 0, 0, equal_nan=True)
            assert is_same, f"{phase.label}: {column.name}"
            compared += 1
    return compared


def stretch(tensor: Tensor, table: NumberTable) -> Tensor:
    assert table.total == tensor.numel()
    return tensor.detach().reshape(-1)[table.first : table.first + len(table.row_names)]


def products_hold(phase: Phase) -> None:
    """Upstream times local is downstream, where a phase says so."""
    for table in phase.tables:
        by_name = {column.name: torch.tensor(column.values) for column in table.columns}
        factor = by_name.get("f'(z)", by_name.get("mask"))
        up, down = by_name.get("dL/da", by_name.get("dL/dout")), by_name.get("dL/din")
        down = by_name.get("dL/dz") if down is None else down
        if phase.part == "backward" and factor is not None and up is not None and down is not None:
            known = ~factor.isnan()
            torch.testing.assert_close((up * factor)[known], down[known], rtol=1e-4, atol=1e-7)


def _cases() -> Iterator[Any]:
    for name in LAYERS:
        for turn in range(2 if name in ("Generator", "Discriminator") else 1):
            for number in (0,) if name == "Backbone" else (0, 1):
                marks = [pytest.mark.slow] if name == "Backbone" or number else []
                yield pytest.param(name, turn, number, id=f"{name}-{turn}-{number}", marks=marks)


CASES = list(_cases())
"""Kind, turn of the step, and stretch of every tensor."""


@cache
def answer(name: str, turn: int) -> Oracle:
    return Oracle(session_of(name), turn).take()


@pytest.mark.parametrize(("name", "turn", "number"), CASES)
def test_every_number_shown_of_a_layer_kind_is_autograds(name: str, turn: int, number: int) -> None:
    oracle, subject = answer(name, turn), session_of(name)

    phases = shown(subject, turn, number)

    forward = [phase for phase in phases if phase.part == "forward"]
    backward = [phase for phase in phases if phase.part == "backward"]
    assert [phase.label for phase in forward] == [call.label for call in oracle.calls]
    told = {(call, "") for call in oracle.calls}
    pairs = [*zip(forward, oracle.calls, strict=True), *in_turn(backward, oracle.calls)]
    for phase, call in pairs:
        assert matches(phase, oracle.wanted(phase, call)) or not phase.tables
        products_hold(phase)
        told.add((call, phase.gradient_of))
    for call in oracle.calls:
        is_through = _grad(call.taken) is not None and _grad(call.given) is not None
        assert ((call, "input") in told) == is_through
    kinds = {phase.kind for phase in (backward if name not in FORWARD_ONLY else phases)}
    assert name in SILENT or kinds & written(subject, name)


def in_turn(backward: list[Phase], calls: list[Call]) -> Iterator[tuple[Phase, Call]]:
    """The call that each phase of the way back is of: the last call comes first."""
    left = list(calls)
    for phase in backward:
        while left[-1].label != phase.label:
            left.pop()
        yield phase, left[-1]
        if phase.gradient_of == "input":
            left.pop()


def written(subject: Session, name: str) -> set[str]:
    """The classes of torch that a kind becomes."""
    modules = {type(module).__name__ for module in subject.network.modules()}
    plain = {"Linear", "Unflatten", "Flatten", "Sequential"}
    return modules if name in plain | {"Repeat"} else modules - plain


@pytest.mark.parametrize(("name", "turn", "number"), CASES)
def test_every_move_shown_of_a_layer_kind_is_the_optimizers(
    name: str, turn: int, number: int
) -> None:
    oracle, subject = answer(name, turn), session_of(name)

    phases = shown(subject, turn, number)

    moves = {phase.label: phase.tables[0] for phase in phases if phase.part == "optimizer"}
    learned = {name for name, p in oracle.parameters.items() if p.grad is not None}
    assert set(moves) == (learned if name not in OTHERS else set(moves) & learned) and moves
    states = [turn.optimizer.state for turn in oracle.session.phases]
    for label, table in moves.items():
        parameter, before = oracle.parameters[label], oracle.before[label]
        columns = {column.name: torch.tensor(column.values) for column in table.columns}
        for called, tensor in (("w", before), ("dL/dw", parameter.grad), ("new w", parameter)):
            assert tensor is not None
            assert torch.equal(columns[called], stretch(tensor, table))
        move = stretch(parameter, table).double() - stretch(before, table).double()
        assert torch.equal(columns["update"].double(), move.float().double())
        state = next(state[parameter] for state in states if parameter in state)
        lines = {
            called: torch.tensor([origin.columns[0].values[at] for origin in table.derivations])
            for at, called in enumerate(table.derivations[0].row_names)
        }
        assert torch.equal(lines["first moment m after"], stretch(state["exp_avg"], table))
        assert torch.equal(lines["second moment v after"], stretch(state["exp_avg_sq"], table))
        by = [line for called, line in lines.items() if called.startswith("update by")]
        torch.testing.assert_close(sum(by), lines["update in all"], rtol=1e-3, atol=1e-6)
