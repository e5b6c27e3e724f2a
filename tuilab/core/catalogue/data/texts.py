"""Data sets of text, as characters or bytes: every token is to be told from those before it."""

from typing import Annotated, Literal

from tuilab.core.catalogue.data.data_set import Examples, Task
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.files import corpus
from tuilab.core.network.layer import Shape, Tokens


class Writing(Examples, frozen=True, kw_only=True):
    """A text, in windows of tokens."""

    tokens: Annotated[
        Literal["chars", "bytes"], knob("What a token is: a character, or a byte of UTF-8")
    ] = "chars"
    length: Annotated[
        int, knob("Tokens that the network sees at a time", ge=1, le=4096, unit="tokens", log=True)
    ] = 64
    stride: Annotated[
        int,
        knob(
            "From one training window to the next; as long as a window: nothing is seen twice",
            ge=1, le=4096, unit="tokens", log=True,
        ),
    ] = 16  # fmt: skip
    validation: Annotated[
        float, knob("Part of the text, near its end, held back to measure on", ge=0, le=0.9)
    ] = 0.1
    test: Annotated[
        float, knob("Part of the text, its very end, for the last measurement", ge=0, le=0.9)
    ] = 0.05

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("language_model",)

    @property
    def shape(self) -> Shape:
        return Tokens((self.length,), vocabulary=len(self.vocabulary))

    @property
    def positions(self) -> Shape:
        return (self.length,)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every token by its number; InputError where the text cannot be read."""
        return corpus.vocabulary(self.source, self.tokens == "bytes")

    @property
    def unigram(self) -> float:
        """The perplexity of guessing by frequency alone; InputError where there is no text."""
        return corpus.unigram(self.source, self.tokens == "bytes")

    @property
    def state(self) -> object:
        return self.source

    @property
    def source(self) -> corpus.Source:
        """Where the text stands; InputError where nothing is named."""
        raise NotImplementedError(type(self).__name__)


class Text(Writing, frozen=True, kw_only=True, tag="text"):
    """A text file of yours.

    Use: a language model of a book, of notes, of code; from about 100 kB on it is worth it.
    """

    path: Annotated[str, knob("The file, in UTF-8; with tokens = bytes any file")] = ""

    @property
    def source(self) -> corpus.Source:
        if not self.path:
            raise InputError("no file is named yet; set it to a text file", "data.path")
        return corpus.file(self.path)


class PythonSource(Writing, frozen=True, kw_only=True, tag="python_source"):
    """The source of Python's own standard library, which is on every machine.

    Use: a language model without any download. The text is the same each time on one machine,
      and differs a little from one version of Python to the next.
    """

    size: Annotated[
        int, knob("How much of it, from the beginning", ge=20, le=1000, unit="kB", log=True)
    ] = 300

    @property
    def source(self) -> corpus.Source:
        return corpus.library(1000 * self.size)
