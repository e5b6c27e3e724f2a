"""The grade of a learner's solution of an exercise."""

import ast
import runpy
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, combinations
from typing import Any

import msgspec

from tuilab.core.exercises.check_result import Kind, Result
from tuilab.core.exercises.exercise import Exercise, Mistake
from tuilab.engine.device import lazy_dynamo
from tuilab.engine.grading.case import Case, Function, RandomInputs
from tuilab.engine.grading.compare import Mismatch, first_mismatch
from tuilab.engine.grading.outcome import Fault, LoadError, Outcome, are_same, call_function, load

lazy_dynamo.defer_import()


@lru_cache(maxsize=32)
def draw_cases(exercise: Exercise, seed: int) -> tuple[Case, ...]:
    """Draws an exercise's cases by the function `cases` of its cases.py, which is shipped."""
    # Not imported: an import would leave bytecode beside the presets.
    module = runpy.run_path(str(exercise.cases_path), run_name=f"cases of {exercise.name}")
    cases: Callable[[RandomInputs], Iterator[Case]] = module["cases"]
    return tuple(cases(RandomInputs(seed)))


def grade(
    exercise: Exercise,
    source: str,
    path: str,
    seeds: Iterable[int] = (0,),
    on_function: Callable[[str], None] = lambda _: None,
) -> Result:
    """Runs every function on random inputs and compares its results with torch's.

    Args:
        source: the learner's code.
        path: the file that it comes from, for messages.
        on_function: is called with the name of each function before it is tried.
    """
    try:
        names = load(source, path)
    except LoadError as error:
        fault = error.fault
        is_unwritten = fault.kind == "unwritten"
        message = "the file itself raises NotImplementedError" if is_unwritten else fault.message
        kind: Kind = "crash" if is_unwritten else fault.kind
        return Result(exercise=exercise.name, kind=kind, message=message, line=fault.line)
    cases = [case for seed in seeds for case in draw_cases(exercise, seed)]
    empty = _empty_functions(source)
    results: list[Result] = []
    for name in exercise.functions:
        on_function(name)
        own_cases = [case for case in cases if case.function == name]
        grader = _FunctionGrader(exercise, name, own_cases, path)
        results.append(grader.grade(names.get(name), name in empty))
    return _summarize(exercise, results)


def _empty_functions(source: str) -> set[str]:
    """Returns the functions whose body is `...`, `pass` or a docstring alone."""
    return {
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in node.body
        )
    }


def _summarize(exercise: Exercise, results: list[Result]) -> Result:
    """Returns one result: the first mistake, else the first function that is not written yet."""
    passed = [result for result in results if result.is_passed]
    unwritten = [result for result in results if result.kind == "unwritten"]
    failed = [result for result in results if result.kind not in ("passed", "unwritten")]
    message = f"All right: {len(results)} of {len(results)} functions agree with torch."
    all_right = Result(exercise=exercise.name, kind="passed", message=message)
    return msgspec.structs.replace(
        next(iter(failed + unwritten), all_right),
        passed=[result.function for result in passed],
        failed=[result.function for result in failed],
        unwritten=[result.function for result in unwritten],
    )


class _FunctionGrader:
    """Grades one function."""

    def __init__(self, exercise: Exercise, name: str, cases: list[Case], path: str) -> None:
        self.name = name
        self._exercise, self._cases, self._path = exercise, cases, path

    def _build_result(self, kind: Kind, message: str, **fields: Any) -> Result:
        return Result(
            exercise=self._exercise.name, function=self.name, kind=kind, message=message, **fields
        )

    def grade(self, function: Any, is_empty: bool) -> Result:
        """Calls a function on one case after the other, up to the first failure."""
        if not callable(function):
            message = f"there is no function {self.name} in your file; was it renamed?"
            return self._build_result("missing", message)
        outcomes: list[Outcome] = []
        for case in self._cases:
            outcomes.append(call_function(function, case, self._path))
            problem = _find_problem(outcomes[-1], case)
            if problem is None:
                continue
            if problem.kind == "unwritten" or (problem.kind == "nothing" and is_empty):
                return self._build_result("unwritten", f"not written yet: {self.name}")
            rest = self._cases[len(outcomes) : len(outcomes) + 8]
            outcomes += [call_function(function, other, self._path) for other in rest]
            return self._describe(problem, outcomes, case)
        return self._build_result("passed", "")

    def _describe(self, problem: Mismatch | Fault, outcomes: list[Outcome], case: Case) -> Result:
        failing = next(i for i, other in enumerate(self._cases) if other is case)
        mistakes = [mistake.message for mistake in self._known_mistakes(outcomes, failing)]
        known = " ".join(mistakes)
        message = f"{self.name}: {known or problem.message}"
        if known and problem.kind in ("crash", "shape", "type"):
            message = f"{self.name}: {problem.message}. {known}"
        return self._build_result(
            problem.kind, message, mistakes=mistakes,
            line=problem.line if isinstance(problem, Fault) else 0,
            difference=problem.difference if isinstance(problem, Mismatch) else None,
        )  # fmt: skip

    def _known_mistakes(self, outcomes: list[Outcome], failing: int) -> tuple[Mistake, ...]:
        """Returns the mistake, or the two, with which the reference has the same outcomes."""
        candidates = [one for one in self._exercise.mistakes if one.function == self.name]
        partial: tuple[Mistake, ...] = ()
        for mistakes in chain(combinations(candidates, 1), combinations(candidates, 2)):
            count = self._count_same(mistakes, outcomes, failing)
            if count == len(outcomes):
                return mistakes
            if count and len(mistakes) == 1 and not partial:
                partial = mistakes
        return partial

    def _count_same(
        self, mistakes: tuple[Mistake, ...], outcomes: list[Outcome], failing: int
    ) -> int:
        """Counts the cases with the learner's outcome; 0 where the failing one is not the same."""
        function = self._load_variant(mistakes)
        if function is None or not self._is_same(function, outcomes, failing):
            return 0
        return sum(self._is_same(function, outcomes, index) for index in range(len(outcomes)))

    def _load_variant(self, mistakes: tuple[Mistake, ...]) -> Function | None:
        """Returns the reference with these mistakes; None where two change the same place."""
        try:
            source = self._exercise.variant(*mistakes)
            function: Function = load(source, "variant")[self.name]
        except Exception:  # two changes together need not be valid Python
            return None
        return function

    def _is_same(self, function: Function, outcomes: list[Outcome], index: int) -> bool:
        with warnings.catch_warnings(action="ignore"):
            outcome = call_function(function, self._cases[index], "variant")
        return are_same(outcome, outcomes[index])


def _find_problem(outcome: Outcome, case: Case) -> Mismatch | Fault | None:
    return outcome if isinstance(outcome, Fault) else first_mismatch(outcome, case)
