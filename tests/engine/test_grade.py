"""The messages for wrong code that is not among the listed mistakes of an exercise."""

import pytest

from tests.support.not_none import not_none
from tuilab.core.exercises import exercise
from tuilab.core.exercises.check_result import Result
from tuilab.engine.grading.grade import grade


def grade_body(body: str, function: str = "sigmoid", name: str = "activations") -> Result:
    """Grades the reference with another body for one function."""
    task = exercise.find(name)
    part = exercise.split_functions(task.reference)[function]
    head = part[: part.index('    """')]
    source = task.reference.replace(part, f"{head}    {body}\n")
    return grade(task, source, "mine.py")


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("x.sum()", "nothing", "sigmoid: it returns None; is a `return` missing?"),
        ("return 0.5", "type", "sigmoid: it returns a float; a tensor is expected (remove .item()"),
        ("return [1, 2]", "type", "sigmoid: it returns a list; a tensor is expected (torch.stack"),
        ("return torch.sigmoid(x).double()", "type",
         "sigmoid: it gives the type torch.float64; torch.float32 is expected"),
        ("return torch.sigmoid(x).sum()", "shape",
         "sigmoid: it gives the shape () (one number); (3,) is expected: is there one sum"),
        ("return torch.sigmoid(x)[None]", "shape",
         "sigmoid: it gives the shape (1, 3); (3,) is expected: remove an axis of length 1"),
        ("return x / 0 - x / 0", "nan", "sigmoid: result[0] is NaN (not a number); "),
        ("return -torch.sigmoid(x)", "wrong", "sigmoid: every number has the wrong sign"),
        ("return 3 * torch.sigmoid(x)", "wrong", "sigmoid: every number is 3 times what"),
        ("return torch.sigmoid(x) + 1", "wrong", "sigmoid: every number is 1 too large"),
        ("return torch.zeros_like(x)", "wrong", "sigmoid: every number is 0"),
        ("return torch.sigmoid(x) ** 2", "wrong", "sigmoid: result[0] is "),
        ("return 1 / torch.exq(x)", "crash", "sigmoid: line 23: AttributeError: module 'torch' ha"),
        ("return sigmoid(x)", "crash", "sigmoid: line 23: a function calls itself without end"),
        ("raise SystemExit", "crash", "sigmoid: line 23: this exits the program; remove it"),
        ("...", "unwritten", "not written yet: sigmoid"),
        ("pass", "unwritten", "not written yet: sigmoid"),
    ],
)  # fmt: skip
def test_every_mistake_is_a_sentence(body: str, kind: str, message: str) -> None:
    result = grade_body(body)

    assert result.kind == kind
    assert result.message.startswith(message), result.message
    assert "Traceback" not in "\n".join(result.lines())


def test_the_first_difference_shows_input_expected_and_got() -> None:
    result = grade_body("return torch.where(x == x.max(), 7.0, torch.sigmoid(x))")

    difference = not_none(result.difference)
    where = difference.where.removeprefix("result")
    assert difference.input.startswith(f"x{where} = ")
    assert difference.got.startswith("7\nin [")
    assert difference.expected != difference.got
    lines = result.lines()
    assert f"at {difference.where}" in lines
    labels = [line[:10].strip() for line in lines if line[:1] in ("i", "e", "g")]
    assert labels == ["input", "expected", "got"]


def test_a_mistake_in_a_later_function_comes_before_an_earlier_unwritten_one() -> None:
    result = grade_body("return x @ weight.T", "linear", "forward-pass")
    task = exercise.find("forward-pass")
    neuron = exercise.split_functions(task.stub)["neuron"]
    source = task.variant(task.mistakes[6])
    mixed = source.replace(exercise.split_functions(source)["neuron"], neuron)

    both = grade(task, mixed, "mine.py")

    assert result.message == both.message == "linear: The bias is left out."
    assert both.unwritten == ["neuron"]
    assert both.failed == ["linear"]
    assert both.passed == ["forward"]


def test_several_results_are_counted_and_named() -> None:
    few = grade_body("return x, w1", "backward", "backpropagation")
    none = grade_body("return None, b1, w2, b2", "backward", "backpropagation")
    single = grade_body("return x", "backward", "backpropagation")

    assert few.message == ("backward: it returns 2 results; 4 are expected: dW1, db1, dW2, db2")
    assert none.message == "backward: dW1 is None"
    assert single.message == "backward: it returns a Tensor; dW1, db1, dW2, db2 are expected"


def test_a_gradient_that_is_wrong_names_which_and_where() -> None:
    task = exercise.find("backpropagation")
    source = task.reference.replace("db2 = dy.sum(dim=0)", "db2 = dy.sum(dim=0) * 1.5")

    result = grade(task, source, "mine.py")

    assert result.message == "backward: every number is 1.5 times what it should be"
    assert not_none(result.difference).where == "db2[0]"


def test_an_optimizer_that_is_wrong_at_a_later_step_names_it() -> None:
    task = exercise.find("optimizers")
    source = task.reference.replace("state.update(t=t,", "state.update(t=min(t, 2),")

    result = grade(task, source, "mine.py")

    assert result.function == "adam"
    assert not_none(result.difference).where.startswith("w after step 4")


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("def sigmoid(x)\n    return x\n", "syntax", "line 1: expected ':': def sigmoid(x)"),
        ("import torch\nx = 1 +\n", "syntax", "line 2: invalid syntax: x = 1 +"),
        ("import torch\nimport tensorflow_of_mine\n", "crash", "line 2: ModuleNotFoundError: No"),
        ("print(undefined)\n", "crash", "line 1: NameError: name 'undefined' is not defined"),
        ("raise NotImplementedError\n", "crash", "the file itself raises NotImplementedError"),
        ("a = '\0'", "syntax", ""),
        ("", "missing", "there is no function step in your file; was it renamed?"),
        ("def step(x, y):\n    return x\n", "crash",
         "step: it is called as step(x), but takes other arguments: step() missing 1 required"),
        ("step = 3\n", "missing", "there is no function step"),
        ("def step(x):\n    return [0.0] * 10 ** 13\n", "memory",
         "step: line 2: this asks for too much memory"),
        ("import torch\ndef step(x):\n    return torch.zeros(10 ** 14)\n", "memory",
         "step: line 3: this asks for too much memory"),
    ],
)  # fmt: skip
def test_code_that_cannot_run_is_reported_with_its_line(
    source: str, kind: str, message: str
) -> None:
    result = grade(exercise.find("activations"), source, "mine.py")

    assert result.kind == kind
    assert result.message.startswith(message), result.message


def test_arguments_may_have_other_names_and_inputs_may_be_overwritten() -> None:
    result = grade_body("x *= 0.5\n    return torch.sigmoid(2 * x)")
    task = exercise.find("dropout")
    renamed = task.reference.replace("noise", "u").replace("training", "is_training")

    assert result.is_passed, result.message
    assert grade(task, renamed, "mine.py").is_passed
