"""Takes the next step of a session, writes down all that happens, and takes it back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest
from tuilab.engine.inspect.backprop.autograd_graph import Grapher
from tuilab.engine.inspect.backprop.forward_recorder import ForwardRecorder, Stop, names, row
from tuilab.engine.inspect.landscape.loss_surface import remembering, undisturbed
from tuilab.engine.optim.build_optimizer import needs_closure
from tuilab.engine.session import Session
from tuilab.engine.tasks.task import OptimizerPhase
from tuilab.engine.train import optimizer_step

ROWS = 24
"""Elements of a tensor that are told at once."""


@dataclass(slots=True)
class ParameterUpdate:
    """One parameter before, in and after the step, each as the stretch that is told."""

    parameter: nn.Parameter
    name: str
    label: str
    first: int
    before: Tensor
    raw: Tensor | None = None
    "Its whole gradient as the backward pass left it; None where it got none."
    penalized: Tensor | None = None
    final: Tensor | None = None
    "What the optimizer was given, after penalties, limits and noise."
    group: dict[str, Any] = field(default_factory=dict)
    memory_before: dict[str, Any] = field(default_factory=dict)
    memory_after: dict[str, Any] = field(default_factory=dict)
    stepped: Tensor | None = None
    "The weights as the optimizer left them."
    after: Tensor | None = None
    sizes: tuple[float, float, float] = (0.0, 0.0, 0.0)
    "Norms of the whole parameter before, of its move, and after."

    def cut(self, tensor: Tensor) -> Tensor:
        """The stretch of a tensor of the parameter's shape."""
        flat = tensor.detach().reshape(-1)
        return flat[self.first : self.first + ROWS].clone()


@dataclass(slots=True)
class StepTrace:
    """All that one turn of the next step did, on one example."""

    step: int
    example: int
    examples: int
    turn: int
    stops: list[Stop] = field(default_factory=list)
    moved: list[ParameterUpdate] = field(default_factory=list)
    inputs: Tensor | None = None
    wanted: Tensor | None = None
    index: int = 0
    "The example's number in the training part."
    loss: float = 0.0
    penalty: float | None = None
    norms: tuple[float, float] = (0.0, 0.0)
    "Of all gradients, before the limits and after them."
    scale: float = 1.0
    "What an fp16 loss was multiplied by; the gradients of the record are without it."
    nodes: list[Any] = field(default_factory=list)
    lr: float = 0.0
    turn_over: bool = False
    "The step begins a new epoch."


@contextmanager
def rehearsed(session: Session) -> Iterator[None]:
    """Whatever is trained inside has not happened afterwards."""
    order = session._order
    own = {"push": session.task.__dict__.get("push")}
    clouds = [(m, m.__dict__.get("kl")) for m in session.network.modules()]
    learning = [(p, p.requires_grad) for p in session.network.parameters()]
    try:
        with undisturbed(session), remembering(session):
            yield
    finally:
        session._order = order
        if own["push"] is None:
            session.task.__dict__.pop("push", None)
        for module, cloud in clouds:
            if cloud is None:
                module.__dict__.pop("kl", None)
            else:
                module.__dict__["kl"] = cloud
        for parameter, learns in learning:
            parameter.requires_grad_(learns)


def replay(session: Session, wanted: BackpropRequest) -> StepTrace | str:
    """The next step, written down; or why there is none."""
    with rehearsed(session), torch.no_grad():
        turns_over = False
        session.set_rate()
        if (batch := session.next_batch()) is None:
            session.epoch, session.offset, turns_over = session.epoch + 1, 0, True
            if session.is_over:
                return "The last epoch is over: there is no next step. Raise epochs to train on."
            session.set_rate()
            batch = session.next_batch()
        if session.is_over or batch is None:
            return "The run is over: there is no next step. Press r to begin again."
        return _take(session, wanted, batch, turns_over)


def _take(
    session: Session, wanted: BackpropRequest, batch: tuple[Tensor, Tensor], turns_over: bool
) -> StepTrace:
    inputs, targets = batch
    goal = session.task.targets_for(inputs, targets)
    count = len(inputs)
    example, turn = min(wanted.example, count - 1), min(wanted.turn, len(session.phases) - 1)
    record = StepTrace(session.step, example, count, turn, turn_over=turns_over, lr=session.lr_used)
    record.index = int(session.order()[session.offset + example])
    record.inputs, record.wanted = row(inputs, example, count), row(goal, example, count)
    with torch.enable_grad():
        for number, one in enumerate(session.phases):
            if number < turn:
                optimizer_step(session, one, inputs, goal, None)
        _follow(session, session.phases[turn], (inputs, goal), record, wanted)
    return record


def _follow(
    session: Session, turn: OptimizerPhase, batch: tuple[Tensor, Tensor], record: StepTrace,
    wanted: BackpropRequest,
) -> None:  # fmt: skip
    """One turn by the training loop's own function, with somebody looking at every station."""
    watch = _Watch(session, turn, record, wanted)
    hooks = [
        turn.optimizer.register_step_pre_hook(watch.before_move),
        turn.optimizer.register_step_post_hook(watch.after_move),
    ]
    vars(session.task)["push"] = watch.push(session.task.push)
    probe: Any = watch
    try:
        with watch.witness.watching():
            one = replace(turn, backward=watch.backward(turn.backward))
            loss, _ = optimizer_step(session, one, *batch, probe)
            watch.finish(loss)
    finally:
        for hook in hooks:
            hook.remove()
        watch.grapher.close()


class _Watch:
    """Stands beside one turn of a step; to the loop it is a probe."""

    def __init__(
        self, session: Session, turn: OptimizerPhase, record: StepTrace, wanted: BackpropRequest
    ) -> None:
        self.session, self.record = session, record
        self.witness = ForwardRecorder(session.network, record.example, is_late=record.turn > 0)
        self.closure = needs_closure(session.experiment.optimizer)
        self.moved = _moved(session, turn, wanted.slice)
        self._before = {parameter: parameter.detach().clone() for parameter in self.moved}
        has_saved = not session.experiment.training.checkpointing
        self.grapher = Grapher(
            self.witness, wanted.graph, wanted.slice * ROWS, ROWS, has_saved=has_saved
        )
        self.passed = 0
        self.rounds = 0
        record.moved = list(self.moved.values())
        record.stops = self.witness.stops
        if session.task.scaler is not None:
            record.scale = float(session.task.scaler.get_scale())

    def backward(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """The turn's own way forward and back, seen by the witness."""

        def watched(inputs: Tensor, wanted: Tensor, share: float) -> Any:
            count = len(inputs)
            inside = self.record.example - self.passed
            if self.rounds == 0 and 0 <= inside < count:
                self.witness.begin(inside, count)
            with self.grapher.listening(self.witness.is_watching):
                answer = real(inputs, wanted, share)
            self.witness.is_watching = False
            self.passed += count
            if self.rounds == 0 and self.passed >= self.record.examples:
                self._note_raw()
            return answer

        return watched

    def push(self, real: Callable[[Tensor, float], None]) -> Callable[[Tensor, float], None]:
        """The start of the way back, with the graph as it is there."""

        def watched(loss: Tensor, share: float) -> None:
            if self.witness.is_watching and self.grapher.is_wanted:
                names = {id(m.parameter): f"{m.label} {m.name}" for m in self.moved.values()}
                self.grapher.walk(loss, names)
            real(loss, share)

        return watched

    def _note_raw(self) -> None:
        self.rounds += 1
        scale = self.record.scale
        for moved in self.moved.values():
            if (gradient := moved.parameter.grad) is not None:
                moved.raw = gradient.detach().clone() / scale if scale != 1 else gradient.clone()

    def see(self, parameters: list[nn.Parameter]) -> None:
        """Gradients with penalties, before anything limits them."""
        for moved in self.moved.values():
            if moved.parameter.grad is not None:
                moved.penalized = moved.cut(moved.parameter.grad)
        before = _norm(parameters)
        self.record.norms = (before, before)

    def before_move(self, optimizer: Any, arguments: Any, options: Any) -> None:
        """Gradients as the optimizer is given them, and what it remembers."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if (moved := self.moved.get(parameter)) is not None:
                    moved.group = {key: value for key, value in group.items() if key != "params"}
                    moved.memory_before = _memory(moved, optimizer.state.get(parameter, {}))
                    if parameter.grad is not None and not self.closure:
                        moved.final = moved.cut(parameter.grad)
        if not self.closure:
            self.record.norms = (self.record.norms[0], _norm(list(self.moved)))

    def after_move(self, optimizer: Any, arguments: Any, options: Any) -> None:
        """Weights as the optimizer leaves them, and what it remembers now."""
        for parameter, moved in self.moved.items():
            moved.stepped = moved.cut(parameter)
            moved.memory_after = _memory(moved, optimizer.state.get(parameter, {}))

    def finish(self, loss: Tensor) -> None:
        """Weights at the end of the step."""
        record, penalty = self.record, self.session.penalty
        record.loss = float(loss)
        record.penalty = None if penalty is None else float(penalty)
        for parameter, moved in self.moved.items():
            moved.after = moved.cut(parameter)
            before, move, after = moved.sizes[0], self._before[parameter], parameter.detach()
            moved.sizes = (before, float((after - move).norm()), float(after.norm()))
        for stop in record.stops:
            for name in ("upstream", "downstream"):
                if record.scale != 1 and (gradient := getattr(stop, name)) is not None:
                    setattr(stop, name, gradient / record.scale)
        record.nodes = self.grapher.nodes(record.scale)


def _moved(
    session: Session, turn: OptimizerPhase, number: int
) -> dict[nn.Parameter, ParameterUpdate]:
    """What the turn moves, before it does."""
    labels, found = names(session.network), {}
    ours = set(map(id, turn.parameters))
    for module in session.network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in ours and parameter not in found:
                first = begin(number, parameter.numel())
                moved = ParameterUpdate(parameter, name, labels[module], first, parameter.detach())
                moved.before = moved.cut(parameter)
                moved.sizes = (float(parameter.detach().norm()), 0.0, 0.0)
                found[parameter] = moved
    return found


def begin(number: int, total: int) -> int:
    """Where a stretch of so many elements begins; after the last one comes the first."""
    return number % max(1, -(-total // ROWS)) * ROWS


def _memory(moved: ParameterUpdate, state: dict[str, Any]) -> dict[str, Any]:
    """What an optimizer remembers of a parameter: numbers, and stretches of its shape."""
    found: dict[str, Any] = {}
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == moved.parameter.shape and value.dim():
            found[name] = moved.cut(value)
        elif isinstance(value, Tensor) and value.numel() == 1:
            found[name] = float(value)
    return found


def _norm(parameters: list[nn.Parameter]) -> float:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return 0.0
    return float(torch.stack([gradient.float().norm() for gradient in gradients]).norm())
