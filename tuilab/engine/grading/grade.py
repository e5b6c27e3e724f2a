"""The verdict on somebody's solution of an exercise."""

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, combinations
from typing import Any

from tuilab.core.exercises.check_result import Difference, Kind, Result
from tuilab.core.exercises.exercise import Exercise, Mistake
from tuilab.engine.device import lazy_dynamo
from tuilab.engine.grading import (
    activations_cases,
    attention_cases,
    backpropagation_cases,
    batch_norm_cases,
    dropout_cases,
    forward_pass_cases,
    losses_cases,
    optimizers_cases,
    perceptron_rule_cases,
)
from tuilab.engine.grading.case import Case, Draw, Function
from tuilab.engine.grading.compare import Finding, first_difference
from tuilab.engine.grading.outcome import Fault, Outcome, Unloadable, are_same, load, outcome

lazy_dynamo.put_off()

CASES: dict[str, Callable[[Draw], Iterator[Case]]] = {
    "perceptron-rule": perceptron_rule_cases.cases,
    "forward-pass": forward_pass_cases.cases,
    "activations": activations_cases.cases,
    "losses": losses_cases.cases,
    "backpropagation": backpropagation_cases.cases,
    "optimizers": optimizers_cases.cases,
    "dropout": dropout_cases.cases,
    "batch-norm": batch_norm_cases.cases,
    "attention": attention_cases.cases,
}
"""The random inputs and torch's results, by exercise."""


def judge(
    exercise: Exercise,
    source: str,
    path: str,
    seeds: Iterable[int] = (0,),
    working: Callable[[str], None] = lambda _: None,
) -> Result:
    """Try every function on random inputs; `working` hears which is being tried."""
    try:
        names = load(source, path)
    except Unloadable as error:
        fault = error.fault
        is_pending = fault.kind == "unwritten"
        says = "the file itself raises NotImplementedError" if is_pending else fault.says
        kind: Kind = "crash" if is_pending else fault.kind
        return Result(exercise=exercise.name, kind=kind, message=says, line=fault.line)
    cases = [case for seed in seeds for case in _cases(exercise.name, seed)]
    pending = _pending(source)
    findings: list[_Verdict] = []
    for name in exercise.functions:
        working(name)
        mine = [case for case in cases if case.function == name]
        verdict = _Verdict(exercise, name, mine, path)
        verdict.reach(names.get(name), name in pending)
        findings.append(verdict)
    return _sum_up(exercise, findings)


@lru_cache(maxsize=32)
def _cases(name: str, seed: int) -> tuple[Case, ...]:
    return tuple(CASES[name](Draw(seed)))


def _pending(source: str) -> set[str]:
    """Functions whose body is still `...`, `pass` or a docstring alone."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in node.body
        ):
            found.add(node.name)
    return found


def _sum_up(exercise: Exercise, verdicts: list["_Verdict"]) -> Result:
    """One result: the first mistake, else the first function that is not written yet."""
    parts = {
        part: [verdict.name for verdict in verdicts if part == verdict.part]
        for part in ("passed", "failed", "unwritten")
    }
    passed, failed, unwritten = parts["passed"], parts["failed"], parts["unwritten"]
    first = next((one for one in verdicts if one.part == "failed"), None)
    first = first or next((one for one in verdicts if one.part == "unwritten"), None)
    if first is None:
        says = f"All right: {len(verdicts)} of {len(verdicts)} functions agree with torch."
        return Result(exercise=exercise.name, kind="passed", message=says, passed=passed)
    return Result(
        exercise=exercise.name,
        kind=first.kind,
        message=first.says,
        function=first.name,
        line=first.line,
        difference=first.difference,
        mistakes=first.mistakes,
        passed=passed,
        failed=failed,
        unwritten=unwritten,
    )


class _Verdict:
    """On one function."""

    def __init__(self, exercise: Exercise, name: str, cases: list[Case], path: str) -> None:
        self.name = name
        self.kind: Kind = "passed"
        self.says = ""
        self.line = 0
        self.difference: Difference | None = None
        self.mistakes: list[str] = []
        self._exercise, self._cases, self._path = exercise, cases, path

    @property
    def part(self) -> str:
        """Where the function is listed."""
        return self.kind if self.kind in ("passed", "unwritten") else "failed"

    def reach(self, function: Any, is_pending: bool) -> None:
        """Call it on one case after the other, up to the first that goes wrong."""
        if not callable(function):
            self.kind = "missing"
            self.says = f"there is no function {self.name} in your file; was it renamed?"
            return
        outcomes: list[Outcome] = []
        for case in self._cases:
            outcomes.append(outcome(function, case, self._path))
            finding = self._finding(outcomes[-1], case)
            if finding:
                is_nothing = finding.kind == "nothing" and is_pending
                if finding.kind == "unwritten" or is_nothing:
                    self.kind, self.says = "unwritten", f"not written yet: {self.name}"
                    return
                rest = self._cases[len(outcomes) : len(outcomes) + 8]
                outcomes += [outcome(function, other, self._path) for other in rest]
                self._tell(finding, outcomes, case)
                return

    def _finding(self, came: Outcome, case: Case) -> Finding | Fault | None:
        return came if isinstance(came, Fault) else first_difference(came, case)

    def _tell(self, finding: Finding | Fault, outcomes: list[Outcome], case: Case) -> None:
        self.kind = finding.kind
        failing = next(i for i, one in enumerate(self._cases) if one is case)
        self.mistakes = list(self._known(outcomes, failing))
        if isinstance(finding, Finding):
            self.difference = finding.difference
        else:
            self.line = finding.line
        known = " ".join(self.mistakes)
        self.says = f"{self.name}: {known or finding.says}"
        if known and self.kind in ("crash", "shape", "type"):
            self.says = f"{self.name}: {finding.says}. {known}"

    def _known(self, outcomes: list[Outcome], failing: int) -> Iterator[str]:
        """The mistake, or the two at once, with which the reference gives the same."""
        mine = [one for one in self._exercise.mistakes if one.function == self.name]
        part = None
        for some in chain(combinations(mine, 1), combinations(mine, 2)):
            found = self._alike(some, outcomes, failing)
            if found == len(outcomes):
                yield from (mistake.says for mistake in some)
                return
            if found and len(some) == 1 and part is None:
                part = some
        yield from (mistake.says for mistake in part or ())

    def _alike(self, some: tuple[Mistake, ...], outcomes: list[Outcome], failing: int) -> int:
        """In how many cases they give what the learner's gives; 0 if not where it is wrong."""
        function = self._wrong(some)
        if function is None or not self._is_same(function, outcomes, failing):
            return 0
        return sum(self._is_same(function, outcomes, index) for index in range(len(outcomes)))

    def _wrong(self, some: tuple[Mistake, ...]) -> Function | None:
        """The reference with these mistakes; None where two change the same place."""
        try:
            source = self._exercise.variant(*some)
            found: Function = load(source, "variant")[self.name]
        except Exception:  # what two changes make together need not be Python
            return None
        return found

    def _is_same(self, function: Function, outcomes: list[Outcome], index: int) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = outcome(function, self._cases[index], "variant")
        return are_same(theirs, outcomes[index])
