"""The result of checking the learner's code, and the messages of the checking process."""

from typing import Literal

from msgspec import Struct, field

from tuilab.core.format import format_bytes, format_duration

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
"""passed · not written yet · wrong numbers · wrong shape · wrong type · unexpected NaN · returned
None · an exception · not Python · a function or the file is missing · took too long · used too much
memory · the process ended by itself."""


class Difference(Struct, frozen=True, kw_only=True):
    """The first place where the learner's result differs from the expected one."""

    input: str
    "The inputs of the call, as text of a few lines."
    expected: str
    got: str
    where: str = ""
    "Which element, such as `dW1[2, 0]`; empty where the results differ as wholes."


class Result(Struct, frozen=True, kw_only=True, tag="result"):
    """The result of a check."""

    exercise: str
    kind: Kind
    message: str
    "One or two sentences that point at the mistake."
    function: str = ""
    "The first function that is wrong or not written yet."
    line: int = 0
    "The line of the learner's file that it is about; 0 is none."
    difference: Difference | None = None
    mistakes: list[str] = field(default_factory=list)
    "The messages of the known mistakes that have the same results."
    passed: list[str] = field(default_factory=list)
    "Functions that are right."
    failed: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    printed: str = ""
    "The beginning of what the learner's code printed."

    @property
    def is_passed(self) -> bool:
        """Whether all functions are right."""
        return self.kind == "passed"

    def lines(self) -> list[str]:
        """Returns the result as plain text for a terminal."""
        lines = [f"✓ {name}" for name in self.passed]
        lines += [f"✗ {name}" for name in self.failed]
        lines += [f"· {name}: not written yet" for name in self.unwritten]
        lines += ["", self.message]
        if self.difference:
            lines += self._difference_lines(self.difference)
        if self.printed:
            lines += ["", "Your code printed:", *self.printed.rstrip("\n").split("\n")]
        return lines

    @staticmethod
    def _difference_lines(difference: Difference) -> list[str]:
        parts = (
            ("input", difference.input),
            ("expected", difference.expected),
            ("got", difference.got),
        )
        lines = [f"at {difference.where}"] if difference.where else []
        for name, text in parts:
            first, *rest = text.split("\n")
            lines += [f"{name:<10}{first}", *(" " * 10 + line for line in rest)]
        return ["", *lines]


class Ready(Struct, frozen=True, tag="ready"):
    """Torch is imported; from here on the learner's time and memory count."""


class Working(Struct, frozen=True, tag="working"):
    """The checking process begins to try a function."""

    function: str


AnyMessage = Ready | Working | Result
"""Every message of the checking process; each is a line of JSON."""


def describe_timeout(seconds: float) -> str:
    """Returns the message for code that runs too long."""
    return f"still running after {format_duration(seconds)}: is there a loop that never ends?"


def describe_memory_limit(mebibytes: int) -> str:
    """Returns the message for code that needs too much memory."""
    limit = format_bytes(mebibytes * 2**20)
    return f"this asks for more than {limit} of memory: does a list or a shape grow?"
