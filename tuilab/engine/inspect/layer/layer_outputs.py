"""Outputs of layers on chosen examples, in evaluation mode and without gradients."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.inspect.evaluation import prepare_inputs
from tuilab.engine.inspect.module_index import IndexedModule
from tuilab.engine.preserve import evaluating
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN

MAX_EXAMPLES, MIN_EXAMPLES = 64, 4
"""Examples per inspection; within these limits, as many as the time budget allows."""

TIME_BUDGET = 0.015
"""Seconds of forward passes per inspection."""

MAX_KEPT_NUMBERS = 300_000
"""Activations that are kept at once."""

MIN_RECORDED_EXAMPLES = 32
"""All layers are recorded if that is possible for this many examples; else only the shown one."""

MAX_POINTS = 256
"""Examples in a projection."""


@dataclass(slots=True)
class LayerOutputs:
    """Outputs of some layers on consecutive examples."""

    first: int
    count: int
    total: int
    inputs: Tensor
    "[n, ...], prepared for the network."
    raw: Tensor
    "[n, ...], as in the data set: tokens for texts; noise for a generator."
    targets: Tensor | None
    "None if the inputs are noise."
    outputs: dict[nn.Module, Tensor] = field(default_factory=dict)
    "float32; a layer that PyTorch fuses with others is missing."
    attention: Tensor | None = None
    "[n, heads, length, length]."


class OutputRecorder:
    """Records outputs of the layers of one session; remembers the time per example."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._costs: dict[tuple[nn.Module | None, bool], tuple[float, float]] = {}
        "Seconds and numbers per example, for one layer or for all, on data or on noise."

    def record(
        self, modules: list[IndexedModule], current_module: IndexedModule, first: int, limit: int
    ) -> LayerOutputs:
        """Records outputs on at most `limit` examples, and the attention of the shown layer.

        Args:
            modules: all layers to record; if that takes too long, only the shown one is.
        """
        task = self._session.task
        on_noise = isinstance(task, GAN) and current_module.module in set(task.generator.modules())
        recorded = [module.module for module in modules]
        count = self._count_affordable(recorded, current_module, on_noise)
        if count < MIN_RECORDED_EXAMPLES:
            recorded = [current_module.module]
            count = self._count_affordable(recorded, current_module, on_noise)
        count = max(MIN_EXAMPLES, min(limit, count))
        return self._run_timed(recorded, current_module, first, count, on_noise)

    def _count_affordable(
        self, recorded: list[nn.Module], current_module: IndexedModule, on_noise: bool
    ) -> int:
        """Returns the number of examples within the budgets of time and memory."""
        key = (None if len(recorded) > 1 else current_module.module), on_noise
        if key not in self._costs:
            for _ in range(2):  # PyTorch is slower in the first pass
                self._run_timed(recorded, current_module, 0, MIN_EXAMPLES, on_noise)
        seconds, numbers = self._costs[key]
        return int(min(TIME_BUDGET / max(seconds, 1e-9), MAX_KEPT_NUMBERS / max(numbers, 1)))

    def _run_timed(
        self, recorded: list[nn.Module], current_module: IndexedModule, first: int, count: int,
        on_noise: bool,
    ) -> LayerOutputs:  # fmt: skip
        """Records outputs, and the shortest time per example so far."""
        start_time = time.perf_counter()
        outputs = self._run(recorded, current_module, first, count, on_noise)
        seconds = (time.perf_counter() - start_time) / outputs.count
        numbers = sum(output.numel() for output in outputs.outputs.values()) / outputs.count
        key = (None if len(recorded) > 1 else current_module.module), on_noise
        previous, _ = self._costs.get(key, (seconds, 0.0))
        self._costs[key] = min(seconds, previous), numbers
        return outputs

    def _run(
        self, recorded: list[nn.Module], current_module: IndexedModule, first: int, count: int,
        on_noise: bool,
    ) -> LayerOutputs:  # fmt: skip
        session, task = self._session, self._session.task
        outputs = self._select_examples(first, count, on_noise)
        part: nn.Module = session.network
        if isinstance(task, GAN):
            part = task.generator if on_noise else task.discriminator
        with evaluating(session), _recording(recorded, outputs.outputs), task.autocast():
            if current_module.attention is not None:
                current_module.attention.keep_weights = True  # restored by `evaluating`
            part(outputs.inputs)
            if (
                current_module.attention is not None
                and current_module.attention.weights is not None
            ):
                outputs.attention = current_module.attention.weights.float()
        return outputs

    def _select_examples(self, first: int, count: int, on_noise: bool) -> LayerOutputs:
        session, task = self._session, self._session.task
        if on_noise and isinstance(task, GAN):
            seed = torch.Generator().manual_seed(session.experiment.seed)
            noise = task.draw_noise(MAX_EXAMPLES * 4, seed)
            first = max(0, min(first, len(noise) - 1))
            some = noise[first : first + count].to(session.parameters[0].dtype)
            return LayerOutputs(first, len(some), len(noise), some, some, None)
        train = session.dataset.train
        first = max(0, min(first, len(train) - 1))
        raw, targets = train.inputs[first : first + count], train.targets[first : first + count]
        inputs = prepare_inputs(session, raw)
        return LayerOutputs(first, len(raw), len(train), inputs, raw, targets)


@contextmanager
def _recording(modules: list[nn.Module], outputs: dict[nn.Module, Tensor]) -> Iterator[None]:
    """Keeps the outputs of modules; of one that is used several times, the last."""

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, Tensor):
            outputs[module] = first.detach().float().clone()  # the next layer may overwrite it

    with ExitStack() as hooks:
        for module in modules:
            hooks.enter_context(module.register_forward_hook(keep))
        yield
