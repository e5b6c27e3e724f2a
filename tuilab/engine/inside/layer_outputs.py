"""What layers answer to chosen examples, in evaluation mode and without gradients."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.inside.layer_places import Place
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN

MOST, FIRST, SECONDS = 64, 4, 0.025
"""Examples at once: so many, or as many as take so long, once the first ones have been timed."""

POINTS = 256
"""Examples whose answers are points of a plane."""


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
        self._each: dict[bool, float] = {}
        "Seconds for an example of the data, and for one of noise."

    def outputs(self, places: Iterable[Place], shown: Place, first: int, most: int) -> Outputs:
        """What layers answer to at most so many examples, the attention of one among them."""
        session, asked = self._session, [place.module for place in places]
        task = session.task
        is_drawn = isinstance(task, GAN) and shown.module in set(task.generator.modules())
        if is_drawn not in self._each:  # the first time torch is slower than ever after
            self._ask(asked, shown, first, FIRST, is_drawn)
            begun = time.perf_counter()
            self._ask(asked, shown, first, FIRST, is_drawn)
            self._each[is_drawn] = (time.perf_counter() - begun) / FIRST
        count = int(SECONDS / max(self._each[is_drawn], 1e-7))
        return self._ask(asked, shown, first, max(1, min(most, count)), is_drawn)

    def _ask(
        self, asked: list[nn.Module], shown: Place, first: int, count: int, is_drawn: bool
    ) -> Outputs:
        session, task = self._session, self._session.task
        found = self._examples(first, count, is_drawn)
        part = session.network
        if isinstance(task, GAN):
            part = task.generator if is_drawn else task.discriminator
        keeper = shown.attention
        with still(part), _hooked(asked, found.of), task.autocast():
            if keeper is not None:
                keeper.keep_weights = True
            try:
                part(found.inputs)
                if keeper is not None and keeper.weights is not None:
                    found.attention = keeper.weights.float()
            finally:
                if keeper is not None:
                    keeper.keep_weights, keeper.weights = False, None
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
def still(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients; every module is in its own mode again after it."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _hooked(modules: list[nn.Module], seen: dict[nn.Module, Tensor]) -> Iterator[None]:
    """Keep what modules give out; what one gives out the last time, if it is used again."""

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, Tensor):
            seen[module] = first.detach().float()

    hooks = [module.register_forward_hook(keep) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
