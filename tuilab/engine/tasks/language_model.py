"""Language models: the next token at every position, and text written by it."""

import time

import torch
from torch import Tensor, nn

from tuilab.core.catalogue import tasks
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.files.corpus import BYTES
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.rng import rng_for
from tuilab.engine.metrics import evaluate
from tuilab.engine.metrics.scores import Scores, TokenScores
from tuilab.engine.tasks.task import Task

AT_ONCE = 0.03
"""Seconds of writing between two batches, so that a long sample does not hold up training."""

COLDEST = 1e-6
"""Temperature at which only the likeliest token is left; a lower one would divide by zero."""


class LanguageModel(Task):
    """Next-token prediction; samples go on from where they were left."""

    def __init__(self, experiment: Experiment, network: nn.Module, dataset: Dataset) -> None:
        super().__init__(experiment, network, dataset)
        self._chance = rng_for(experiment.seed, "sample")
        self._context: list[int] = []
        self._written: list[int] = []
        self._prompt: list[int] = []
        self._asked: list[int] | None = None

    @property
    def knobs(self) -> tasks.LanguageModel:
        """The task as the experiment has it."""
        assert isinstance(self.experiment.task, tasks.LanguageModel)
        return self.experiment.task

    def measure(self, output: Tensor, wanted: Tensor) -> dict[str, float]:
        """Perplexity, and how often the likeliest token was the right one."""
        return evaluate.language(output, wanted)

    def scores(self) -> Scores:
        """Perplexity and accuracy."""
        return TokenScores()

    # --- samples ----------------------------------------------------------------------------

    def sample(self, seconds: float = AT_ONCE) -> tuple[str, str]:
        """The prompt and what is written after it so far; a whole sample is followed by a new one.

        Args:
            seconds: how long to go on writing.
        """
        asked = self._tokens(self.knobs.prompt)
        if len(self._written) >= self.knobs.sample_length or asked != self._asked:
            self._begin(asked)
        end = time.perf_counter() + seconds
        while len(self._written) < self.knobs.sample_length:
            self._written.append(self._next())
            self._context = [*self._context[1:], self._written[-1]]
            if time.perf_counter() > end:
                break
        return self._text(self._prompt), self._text(self._written)

    def _begin(self, asked: list[int]) -> None:
        """Start a sample after the prompt, with the text in front of it as its context."""
        held = self.dataset.validation if len(self.dataset.validation) else self.dataset.train
        index = int(torch.randint(len(held), (1,), generator=self._chance))
        before: list[int] = held.inputs[index].tolist()
        self._asked, self._written = asked, []
        self._prompt = asked or before[-12:]
        self._context = (before + asked)[-len(before) :]

    def _next(self) -> int:
        """Draw the next token from the network's distribution at the task's temperature."""
        inputs = torch.tensor([self._context], device=self.device)
        logits = self.predict(inputs)[0, -1].cpu()
        surer = (logits - logits.max()) / max(self.knobs.temperature, COLDEST)
        chances = surer.softmax(0)
        return int(torch.multinomial(chances, 1, generator=self._chance))

    def _tokens(self, text: str) -> list[int]:
        """A text as token numbers; what the vocabulary lacks is left out."""
        if self.dataset.vocabulary == BYTES:
            return list(text.encode(errors="replace"))
        numbers = {token: number for number, token in enumerate(self.dataset.vocabulary)}
        return [numbers[token] for token in text if token in numbers]

    def _text(self, tokens: list[int]) -> str:
        """What tokens say; bytes that are no UTF-8 together show as �."""
        if self.dataset.vocabulary == BYTES:
            return bytes(tokens).decode(errors="replace")
        return "".join(self.dataset.vocabulary[token] for token in tokens)
