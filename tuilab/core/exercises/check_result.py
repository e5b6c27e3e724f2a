"""What a check of the learner's code found, and what the checking process says on the way."""

from typing import Literal

from msgspec import Struct, field

Kind = Literal[
    "passed",
    "unwritten",
    "wrong",
    "shape",
    "type",
    "nan",
    "nothing",
    "crash",
    "syntax",
    "missing",
    "time",
    "memory",
    "died",
]
"""passed · not written yet · other numbers · another shape · another type · NaN where there should
be none · None returned · an exception · not Python · a function or the file is missing · too long ·
too much memory · the process ended by itself."""


class Difference(Struct, frozen=True, kw_only=True):
    """The first place where the learner's result is another than the lab's."""

    input: str
    "The inputs of the call, as text of a few lines."
    expected: str
    got: str
    where: str = ""
    "Which element, such as `dW1[2, 0]`; empty where the results differ as wholes."


class Result(Struct, frozen=True, kw_only=True, tag="result"):
    """How a check ended."""

    exercise: str
    kind: Kind
    message: str
    "One sentence or two that point at the mistake."
    function: str = ""
    "The first function that has to be mended or written."
    line: int = 0
    "The line of the learner's file that it is about; 0: none."
    difference: Difference | None = None
    mistakes: list[str] = field(default_factory=list)
    "What the known mistakes that give the same results say."
    passed: list[str] = field(default_factory=list)
    "Functions that are right."
    failed: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    printed: str = ""
    "What the learner's code printed, its beginning at most."

    @property
    def is_passed(self) -> bool:
        """Whether the exercise is done."""
        return self.kind == "passed"

    def lines(self) -> list[str]:
        """The result as plain text for a terminal."""
        said = [f"✓ {name}" for name in self.passed]
        said += [f"✗ {name}" for name in self.failed]
        said += [f"· {name}: not written yet" for name in self.unwritten]
        said += ["", self.message]
        if self.difference:
            said += self._difference(self.difference)
        if self.printed:
            said += ["", "Your code printed:", *self.printed.rstrip("\n").split("\n")]
        return said

    @staticmethod
    def _difference(found: Difference) -> list[str]:
        parts = (("input", found.input), ("expected", found.expected), ("got", found.got))
        said = [f"at {found.where}"] if found.where else []
        for name, text in parts:
            first, *rest = text.split("\n")
            said += [f"{name:<10}{first}", *(" " * 10 + line for line in rest)]
        return ["", *said]


class Ready(Struct, frozen=True, tag="ready"):
    """The checking process has torch; from here the learner's time and memory count."""


class Working(Struct, frozen=True, tag="working"):
    """A function is being tried."""

    function: str


AnyWord = Ready | Working | Result
"""What comes from the checking process, as JSON lines."""
