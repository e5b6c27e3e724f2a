"""What layers answer to chosen examples, in evaluation mode and without gradients."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.inspect.eval_mode import still
from tuilab.engine.inspect.module_index import Place
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN

MOST, FIRST, SECONDS = 64, 4, 0.015
"""Examples at once: so many, or as many as take so long, once the first ones have been timed."""

NUMBERS = 300_000
"""Activations that are kept at once."""

ENOUGH = 32
"""All layers are asked as long as it can be about so many examples."""

POINTS = 256
"""At most so many examples whose answers are points of a plane."""


@dataclass(slots=True)
class Outputs:
    """The answers of some layers to examples in a row, with these examples."""

    first: int
    count: int
    most: int
    inputs: Tensor
    "As the network got them."
    raw: Tensor
    "As the data set has them: tokens for texts; noise, where a generator was asked."
    targets: Tensor | None
    "None where the inputs were noise."
    of: dict[nn.Module, Tensor] = field(default_factory=dict)
    "A layer that was not asked, as torch computes it with others in one go, is missing."
    attention: Tensor | None = None
    "[n, heads, length, length]."


class Watcher:
    """Asks layers of one session; remembers how long an example takes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._costs: dict[tuple[nn.Module | None, bool], tuple[float, float]] = {}
        "Seconds and numbers of an example, for one layer or for all, in data or in noise."

    def outputs(self, every: list[Place], shown: Place, first: int, most: int) -> Outputs:
        """What layers answer to at most so many examples, the attention of one among them.

        Args:
            every: all that should be asked; where that is too much, only the one shown is.
        """
        task = self._session.task
        is_drawn = isinstance(task, GAN) and shown.module in set(task.generator.modules())
        asked = [place.module for place in every]
        count = self._enough(asked, shown, is_drawn)
        if count < ENOUGH:
            asked = [shown.module]
            count = self._enough(asked, shown, is_drawn)
        return self._timed(asked, shown, first, max(FIRST, min(most, count)), is_drawn)

    def _enough(self, asked: list[nn.Module], shown: Place, is_drawn: bool) -> int:
        """How many examples can be asked about in time."""
        key = (None if len(asked) > 1 else shown.module), is_drawn
        if key not in self._costs:
            for _ in range(2):  # the first time torch is slower than ever after
                self._timed(asked, shown, 0, FIRST, is_drawn)
        seconds, numbers = self._costs[key]
        return int(min(SECONDS / max(seconds, 1e-9), NUMBERS / max(numbers, 1)))

    def _timed(
        self, asked: list[nn.Module], shown: Place, first: int, count: int, is_drawn: bool
    ) -> Outputs:
        """Ask, and remember the shortest time that an example ever took."""
        begun = time.perf_counter()
        found = self._ask(asked, shown, first, count, is_drawn)
        seconds = (time.perf_counter() - begun) / found.count
        numbers = sum(answer.numel() for answer in found.of.values()) / found.count
        key = (None if len(asked) > 1 else shown.module), is_drawn
        before, _ = self._costs.get(key, (seconds, 0.0))
        self._costs[key] = min(seconds, before), numbers
        return found

    def _ask(
        self, asked: list[nn.Module], shown: Place, first: int, count: int, is_drawn: bool
    ) -> Outputs:
        session, task = self._session, self._session.task
        found = self._examples(first, count, is_drawn)
        part: nn.Module = session.network
        if isinstance(task, GAN):
            part = task.generator if is_drawn else task.discriminator
        keeper = shown.attention
        with still(part), _hooked(asked, found.of), task.autocast():
            if keeper is None:
                part(found.inputs)
                return found
            before = keeper.keep_weights, keeper.weights
            keeper.keep_weights = True
            try:
                part(found.inputs)
                found.attention = None if keeper.weights is None else keeper.weights.float()
            finally:
                keeper.keep_weights, keeper.weights = before
        return found

    def _examples(self, first: int, count: int, is_drawn: bool) -> Outputs:
        session, task = self._session, self._session.task
        if is_drawn and isinstance(task, GAN):
            noise = task.noise(MOST * 4, torch.Generator().manual_seed(session.experiment.seed))
            first = max(0, min(first, len(noise) - 1))
            drawn = noise[first : first + count].to(session.parameters[0].dtype)
            return Outputs(first, len(drawn), len(noise), drawn, drawn, None)
        train = session.dataset.train
        first = max(0, min(first, len(train) - 1))
        raw, targets = train.inputs[first : first + count], train.targets[first : first + count]
        inputs = session.arranged(session.dataset.prepared(raw))
        if inputs.is_floating_point():  # the engines from scratch have weights of double precision
            inputs = inputs.to(session.parameters[0].dtype)
        return Outputs(first, len(raw), len(train), inputs, raw, targets)


@contextmanager
def _hooked(modules: list[nn.Module], seen: dict[nn.Module, Tensor]) -> Iterator[None]:
    """Keep what modules give out; what one gives out the last time, if it is used again."""

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, Tensor):
            seen[module] = first.detach().float().clone()  # the next layer may write over it

    hooks = [module.register_forward_hook(keep) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
