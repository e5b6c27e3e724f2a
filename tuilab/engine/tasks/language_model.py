"""Language models: next-token prediction and text generation."""

import time

import torch
from torch import Tensor, nn

from tuilab.core.catalogue import tasks as catalogue
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.files.corpus import BYTE_TOKENS
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.rng import rng_for
from tuilab.engine.metrics.scores import Scores, TokenScores, sum_nll_and_hits, token_metrics
from tuilab.engine.tasks.task import Task, task

WRITING_SECONDS = 0.03
"""Time for generating text between two batches, so that a long sample does not delay training."""

MIN_TEMPERATURE = 1e-6
"""Temperature that leaves only the most likely token; 0 would divide by zero."""


@task(catalogue.LanguageModel)
class LanguageModel(Task):
    """Trains next-token prediction; a sample is generated over several calls."""

    def __init__(self, experiment: Experiment, network: nn.Module, dataset: Dataset) -> None:
        super().__init__(experiment, network, dataset)
        self._rng = rng_for(experiment.seed, "sample")
        self._context: list[int] = []
        self._generated: list[int] = []
        self._prompt: list[int] = []
        self._last_prompt: list[int] | None = None

    @property
    def config(self) -> catalogue.LanguageModel:
        """The task of the experiment."""
        assert isinstance(self.experiment.task, catalogue.LanguageModel)
        return self.experiment.task

    def measure(self, output: Tensor, targets: Tensor) -> dict[str, float]:
        """Returns perplexity and accuracy.

        output: logits [batch, length, vocabulary], targets: int64 [batch, length].
        """
        return token_metrics(sum_nll_and_hits(output, targets))

    def build_scores(self) -> Scores:
        """Returns new scores for an evaluation."""
        return TokenScores()

    # --- samples ----------------------------------------------------------------------------

    def sample(self, seconds: float = WRITING_SECONDS) -> tuple[str, str]:
        """Continues the sample; returns the prompt and the text generated so far.

        After a complete sample it starts a new one.

        Args:
            seconds: how long it may take.
        """
        prompt = self._encode(self.config.prompt)
        if len(self._generated) >= self.config.sample_length or prompt != self._last_prompt:
            self._start_sample(prompt)
        end = time.perf_counter() + seconds
        while len(self._generated) < self.config.sample_length:
            self._generated.append(self._next_token())
            self._context = [*self._context[1:], self._generated[-1]]
            if time.perf_counter() > end:
                break
        return self._decode(self._prompt), self._decode(self._generated)

    def _start_sample(self, prompt: list[int]) -> None:
        """Starts a sample after the prompt, in the context of the text that precedes it."""
        examples = self.dataset.validation if len(self.dataset.validation) else self.dataset.train
        index = int(torch.randint(len(examples), (1,), generator=self._rng))
        before: list[int] = examples.inputs[index].tolist()
        self._last_prompt, self._generated = prompt, []
        self._prompt = prompt or before[-12:]
        self._context = (before + prompt)[-len(before) :]

    def _next_token(self) -> int:
        """Draws the next token from the network's distribution at the task's temperature."""
        inputs = torch.tensor([self._context], device=self.device)
        logits = self.predict(inputs)[0, -1].cpu()
        scaled = (logits - logits.max()) / max(self.config.temperature, MIN_TEMPERATURE)
        return int(torch.multinomial(scaled.softmax(0), 1, generator=self._rng))

    def _encode(self, text: str) -> list[int]:
        """Returns the tokens of a text; characters that the vocabulary lacks are left out."""
        if self.dataset.vocabulary == BYTE_TOKENS:
            return list(text.encode(errors="replace"))
        indices = {token: index for index, token in enumerate(self.dataset.vocabulary)}
        return [indices[token] for token in text if token in indices]

    def _decode(self, tokens: list[int]) -> str:
        """Returns the text of tokens; invalid UTF-8 becomes �."""
        if self.dataset.vocabulary == BYTE_TOKENS:
            return bytes(tokens).decode(errors="replace")
        return "".join(self.dataset.vocabulary[token] for token in tokens)
