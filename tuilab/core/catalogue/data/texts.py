"""Data sets of text, as characters or bytes: every token is predicted from the previous ones."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.data.data_set import BatchedDataSet, TaskName
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.files import corpus
from tuilab.core.network.layer import Shape, Tokens


class TextDataSet(BatchedDataSet, frozen=True, kw_only=True):
    """A text, cut into windows of tokens."""

    tokens: Annotated[
        Literal["chars", "bytes"], knob("What a token is: a character, or a byte of UTF-8")
    ] = "chars"
    length: Annotated[
        int, knob("Tokens per window (context length)", ge=1, le=4096, unit="tokens", log=True)
    ] = 64
    stride: Annotated[
        int,
        knob(
            "Tokens from one training window to the next; as long as a window: no overlap",
            ge=1, le=4096, unit="tokens", log=True,
        ),
    ] = 16  # fmt: skip
    validation: Annotated[
        float, knob("Fraction of the text, near its end, held out for validation", ge=0, le=0.9)
    ] = 0.1
    test: Annotated[
        float, knob("Fraction of the text, at its end, in the test set", ge=0, le=0.9)
    ] = 0.05

    tasks: ClassVar[tuple[TaskName, ...]] = ("language_model",)

    @property
    def shape(self) -> Shape:
        return Tokens((self.length,), vocabulary=len(self.vocabulary))

    @property
    def target_shape(self) -> Shape:
        return (self.length,)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every token by its number; raises InputError where the text cannot be read."""
        return corpus.build_vocabulary(self.source, self.tokens == "bytes")

    @property
    def unigram_perplexity(self) -> float:
        """The perplexity of predicting tokens by their frequency; InputError without a text."""
        return corpus.unigram_perplexity(self.source, self.tokens == "bytes")

    @property
    def file_state(self) -> object:
        return self.source

    @property
    def source(self) -> corpus.TextSource:
        """Where the text comes from; raises InputError where no file is chosen."""
        raise NotImplementedError(type(self).__name__)


class TextFile(TextDataSet, frozen=True, kw_only=True, tag="text"):
    """Your own text file.

    Use: a language model of a book, of notes or of code; 100 kB or more.
    """

    path: Annotated[str, knob("The file, in UTF-8; with tokens = bytes any file", path=True)] = ""

    @property
    def source(self) -> corpus.TextSource:
        if not self.path:
            raise InputError("no file is chosen yet; set it to a text file", "data.path")
        return corpus.open_text_file(self.path)

    @property
    def files(self) -> tuple[Path, ...]:
        return self.source.files


class PythonSource(TextDataSet, frozen=True, kw_only=True, tag="python_source"):
    """The source code of Python's standard library, which is on every machine.

    Use: a language model without a download. The text is always the same on one machine, and
      differs slightly between versions of Python.
    """

    size: Annotated[
        int, knob("Size of the text, from the beginning", ge=20, le=1000, unit="kB", log=True)
    ] = 300

    @property
    def source(self) -> corpus.TextSource:
        return corpus.open_standard_library(1000 * self.size)
