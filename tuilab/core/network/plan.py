"""A network as lines, with their shapes, parameters and problems.

A line is a string; a block is a tuple whose first line names it. The file and the network pane
show the same lines. A path of indices identifies a line: (3,) is line 3, (3, 1) the first layer
inside the block at line 3 (index 0 is the block's own line).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Any

from tuilab.core.catalogue.layers.blocks import Parallel, Repeat, Residual
from tuilab.core.catalogue.layers.save import pair_input, save_shape
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.format import format_count
from tuilab.core.network.auto_size import NO_SIZES, AutoSizes, fill_auto
from tuilab.core.network.layer import Layer, Shape, Tokens, without_pair
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.read_line import read_line
from tuilab.core.network.registry import BLOCKS
from tuilab.core.network.torch_code import explain_code, read_code

LinePath = tuple[int, ...]

Saved = dict[str, Shape]
"""The shapes that have been saved above a line, by their names."""

RoundKey = tuple[Shape | None, int, frozenset[tuple[str, Shape]]]

Rounds = dict[RoundKey, tuple[int, Shape | None, Saved]]
"""The parameters and the output of a repetition by its input, and what is saved after it."""

MAX_LAYERS = 10_000
"""The maximum number of layers of a network, repetitions included."""

TOO_MANY_LAYERS = f"more than {format_count(MAX_LAYERS)} layers; use fewer repetitions"

MAX_DEPTH = 30
"""The maximum number of blocks inside one another: torch calls each from the one around it."""

MAX_READ_DEPTH = 100
"""Deeper lists are not a network: they would use up the stack before it is shown."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of a network with its layer, shapes, parameters and problem."""

    path: LinePath
    text: str
    layer: Layer | None = None
    input: Shape | None = None
    output: Shape | None = None
    parameters: int = 0
    problem: str = ""
    note: str = ""
    "Says that the size of the input was left out; empty where the line does not give it."
    doubt: str = ""
    "Says in which order the arguments were read, where there are two."

    @property
    def depth(self) -> int:
        """The number of blocks around it."""
        return len(self.path) - 1

    @property
    def is_block(self) -> bool:
        """Whether the line opens a block."""
        return self.text.split(" ", 1)[0] in BLOCKS

    @property
    def key(self) -> str:
        """The path as a key of the experiment file, such as `network[3][1]`."""
        return "network" + "".join(f"[{index}]" for index in self.path)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole network, line by line."""

    rows: tuple[PlanRow, ...]
    input: Shape | None
    "None while the data is missing."
    output: Shape | None
    "None while a line above has a problem."
    parameters: int

    @property
    def is_trainable(self) -> bool:
        """Whether any layer has weights that are not frozen."""
        frozen = {row.path for row in self.rows if row.layer is not None and row.layer.frozen}
        return any(
            row.parameters and not any(row.path[:end] in frozen for end in range(1, row.depth + 2))
            for row in self.rows
            if not row.is_block
        )

    @property
    def is_valid(self) -> bool:
        """Whether every line can be built."""
        return not any(row.problem for row in self.rows)


@lru_cache(maxsize=64)
def plan(network: tuple[Line, ...], shape: Shape | None, sizes: AutoSizes = NO_SIZES) -> Plan:
    """Computes the shapes of a network line by line; they end at a line with a problem.

    Args:
        sizes: what `auto` stands for.
    """
    filled = fill_auto(network, sizes)
    rows, output = _walk(filled, shape, (), {})
    if (index := _first_beyond_limit(filled)) is not None:
        position = next(n for n, row in enumerate(rows) if row.path == (index,))
        if not rows[position].problem:  # a block may have said so itself
            rows[position] = replace(rows[position], problem=TOO_MANY_LAYERS, output=None)
        output = None
    if filled != network:  # shows the lines as they were written
        rows = [replace(row, text=_get_text(network, row.path)) for row in rows]
    return Plan(tuple(rows), shape, output, _parameters(rows, depth=0))


def _get_text(network: tuple[Line, ...], path: LinePath) -> str:
    """Returns the text of a line, or of the first line of a block."""
    line: Line = network
    for index in path:
        line = line[index]
    head = line if isinstance(line, str) else line[0] if line else ""
    return head if isinstance(head, str) else ""


def _first_beyond_limit(network: tuple[Line, ...]) -> int | None:
    """Returns the index of the line with which a network has too many layers, if it has."""
    totals = accumulate(map(_layers, network))
    return next((index for index, total in enumerate(totals) if total > MAX_LAYERS), None)


def _parameters(rows: list[PlanRow], depth: int) -> int:
    """Returns the sum over the rows of one depth; a block's row includes the layers inside."""
    return sum(row.parameters for row in rows if row.depth == depth)


def _walk(
    lines: tuple[Line, ...], shape: Shape | None, path: LinePath, saved: Saved, first: int = 0
) -> tuple[list[PlanRow], Shape | None]:
    rows: list[PlanRow] = []
    for index, line in enumerate(lines[first:], first):
        here = (*path, index)
        if isinstance(line, str):
            rows.append(_row(line, shape, here, saved))
            shape = rows[-1].output
        else:
            block, shape = _block(line, shape, here, saved)
            rows.extend(block)
    return rows, shape


def _row(text: str, shape: Shape | None, path: LinePath, saved: Saved) -> PlanRow:
    row = PlanRow(path, text, input=shape)
    try:
        reading = read_line(text, shape, saved)
        layer = reading.layer
        if type(layer).__name__ in BLOCKS:
            raise InputError(f'a block is a list: ["{text}", "Linear 16", ...]')
        row = replace(row, layer=layer, note=reading.note, doubt=reading.doubt)
        if isinstance(shape, Tokens) and not layer.takes_tokens:
            raise InputError("the inputs are token numbers; put Embedding first")
        if shape is not None:
            inputs = pair_input(layer, shape, saved)
            output = without_pair(layer.output_shape(inputs))
            row = replace(row, output=output, parameters=layer.count_parameters(inputs))
            save_shape(layer, shape, saved)
    except InputError as error:
        row = replace(row, problem=explain_code(text) or str(error), output=None)
    return row


def _block(
    lines: tuple[Line, ...], shape: Shape | None, path: LinePath, saved: Saved
) -> tuple[list[PlanRow], Shape | None]:
    """Returns the rows of a block, its own first, and its output shape."""
    text = lines[0] if lines and isinstance(lines[0], str) else ""
    head = PlanRow(path, text, input=shape)
    try:
        layer = parse(text)
        if type(layer).__name__ not in BLOCKS:
            raise InputError(f"a list must begin with a block: {', '.join(BLOCKS)}")
        if _layers(lines) > MAX_LAYERS:
            raise InputError(TOO_MANY_LAYERS)
        if len(path) > MAX_DEPTH:
            raise InputError(f"blocks are nested more than {MAX_DEPTH} deep; use fewer")
    except InputError as error:
        inside, _ = _walk(lines, None, path, {}, 1)
        return [replace(head, problem=str(error)), *inside], None
    if layer.is_separate:
        saved = {}
    inside, parameters, output = _inside(layer, lines, shape, path, saved)
    problem = "" if inside else f"{type(layer).__name__} is empty: put a layer into it"
    try:
        if isinstance(layer, Residual) and shape is not None and output is not None:
            layer.add(shape, output)
        if isinstance(layer, Parallel):
            output = _join_branches(layer, inside, len(path))
    except InputError as error:
        problem = str(error)
    output = None if problem else output
    head = replace(head, layer=layer, output=output, parameters=parameters, problem=problem)
    return [head, *inside], output


def _inside(
    layer: Layer, lines: tuple[Line, ...], shape: Shape | None, path: LinePath, saved: Saved
) -> tuple[list[PlanRow], int, Shape | None]:
    """Returns the rows inside a block, their parameters and their output shape."""
    if isinstance(layer, Parallel):
        rows: list[PlanRow] = []
        for index, branch in enumerate(lines[1:], 1):
            rows.extend(_walk((*lines[:index], branch), shape, path, dict(saved), index)[0])
        return rows, _parameters(rows, len(path)), None
    key = _round_key(shape, saved)
    rows, output = _walk(lines, shape, path, saved, 1)
    once = _parameters(rows, len(path))
    if isinstance(layer, Repeat):
        return _repeat(layer, rows, lines, {key: (once, output, dict(saved))}, saved)
    return rows, once, output


def _join_branches(layer: Parallel, inside: list[PlanRow], depth: int) -> Shape | None:
    """Returns the shape of the concatenated branches; None while one of them has a problem."""
    outputs = [row.output for row in inside if row.depth == depth]
    known = [output for output in outputs if output is not None]
    return layer.join(known) if known and len(known) == len(outputs) else None


def _layers(line: Line) -> int:
    """Returns the number of layers of a line, repetitions included."""
    if isinstance(line, str):
        return 1
    return _times(line) * sum(map(_layers, line[1:]))


def _times(block: tuple[Any, ...]) -> int:
    try:
        head = parse(block[0]) if block and isinstance(block[0], str) else None
    except InputError:
        return 1
    return head.times if isinstance(head, Repeat) else 1


def _repeat(
    layer: Repeat, inside: list[PlanRow], lines: tuple[Line, ...], rounds: Rounds, saved: Saved
) -> tuple[list[PlanRow], int, Shape | None]:
    """Plans all repetitions of a block; the rows shown are those of the first one.

    Args:
        rounds: the first one; each different input is planned only once.
    """
    ((total, output, _),) = rounds.values()
    for _ in range(layer.times - 1):
        if output is None:
            break
        if (key := _round_key(output, saved)) not in rounds:
            rows, output = _walk(lines, output, (0,), saved, 1)
            rounds[key] = _parameters(rows, depth=1), output, dict(saved)
            if output is None:
                problem = next(row.problem for row in rows if row.problem)
                inside = [*inside[:-1], replace(inside[-1], problem=f"when repeated: {problem}")]
        parameters, output, after = rounds[key]
        saved.update(after)
        total += parameters
    return inside, total, output


def _round_key(shape: Shape | None, saved: Saved) -> RoundKey:
    """Returns what a repetition depends on; token numbers differ from numbers of their shape."""
    vocabulary = shape.vocabulary if isinstance(shape, Tokens) else 0
    return shape, vocabulary, frozenset(saved.items())


def to_tuples(lines: Any, key: str = "network") -> tuple[Line, ...]:
    """Converts nested lists to tuples; raises InputError where an item is not a line.

    Calls such as `nn.Linear(2, 8)` become lines, and a whole `nn.Sequential(...)` several.
    """
    if isinstance(lines, str) and key == "network" and "(" in lines:
        lines = [lines]
    if not isinstance(lines, (list, tuple)):
        what = "a list of lines" if key == "network" else 'a line such as "Linear 16", or a list'
        raise InputError(f"expected {what}", key)
    if key.count("[") > MAX_READ_DEPTH:
        raise InputError(f"blocks are nested more than {MAX_READ_DEPTH} deep", "network")
    converted: list[Line] = []
    for index, line in enumerate(lines):
        if not isinstance(line, str):
            converted.append(to_tuples(line, f"{key}[{index}]"))
        elif (code := read_code(line)) is None:
            converted.append(line)
        elif isinstance(code, tuple) and code[0] == "Sequential" and not _is_parallel(lines):
            converted.extend(code[1:])
        else:
            converted.append(code)
    return tuple(converted)


def _is_parallel(lines: Sequence[Any]) -> bool:
    """Returns whether each line is a branch, so that a group of lines stays one."""
    return bool(lines) and isinstance(lines[0], str) and lines[0].split(" ")[0] == "Parallel"


def have_same_modules(before: tuple[Line, ...], after: tuple[Line, ...]) -> bool:
    """Returns whether two networks differ at most in live knobs: a Dropout's p, `frozen`."""
    if len(before) != len(after):
        return False
    return all(_is_same_module(old, new) for old, new in zip(before, after, strict=True))


def _is_same_module(old: Line, new: Line) -> bool:
    if isinstance(old, tuple) and isinstance(new, tuple):
        return have_same_modules(old, new)
    if isinstance(old, tuple) or isinstance(new, tuple):
        return False
    try:
        first, second = parse(old), parse(new)
    except InputError:
        return False
    return type(first) is type(second) and all(
        knob.is_live or getattr(first, name) == getattr(second, name)
        for name, knob in default_knobs(type(first)).items()
    )
