"""What is known of a table before it is read to train on: its columns, shape and classes."""

from dataclasses import dataclass
from functools import lru_cache

from tuilab.core.errors import InputError
from tuilab.core.files import file_state
from tuilab.core.files.file_state import Found
from tuilab.core.files.tables import delimited, parquet
from tuilab.core.files.tables.columns import FEW_CLASSES, Column, asked, chosen, classes, guessed
from tuilab.core.files.tables.delimited import Layout
from tuilab.core.files.tables.npz import Arrays, Header, arrays, values
from tuilab.core.network.layer import Shape

PICTURE = (1, 3)
"""Channels by which an array of bytes is known for pictures."""


@dataclass(frozen=True, slots=True)
class Look:
    """A table as it will be used."""

    file: Found
    shape: Shape
    classes: tuple[str, ...]
    "What the target's values are called; empty where they are numbers only."
    is_number: bool
    "Whether the target can be told as a number."
    inputs: tuple[Column, ...] = ()
    target: Column | None = None
    layout: Layout | None = None
    "For a file of text."
    arrays: Arrays | None = None
    "For an NPZ archive."
    is_whole: bool = True
    "All of it was looked at; else a category or class may come that is not known."

    @property
    def prefers_classes(self) -> bool:
        """Whether the target is more likely classes than numbers."""
        return bool(self.classes) and (not self.is_number or len(self.classes) <= FEW_CLASSES)

    @property
    def names(self) -> list[str]:
        """What the inputs are called: a column, or a column and one of its categories."""
        return [
            name
            for column in self.inputs
            for name in ([column.name] if column.kind == "number" else
                         [f"{column.name}={value}" for value in column.values])
            if column.width
        ]  # fmt: skip


def look(path: str, target: str, leave_out: str, header: delimited.Header) -> Look:
    """Look at a table; InputError says why it cannot be used. Cheap while the file stays as it is.

    Args:
        target: the column that is to be told; empty for the last.
        leave_out: columns that are not to be used, with commas between.
    """
    file = file_state.file(path, "a table: CSV, TSV, NPZ or Parquet")
    seen = _look(file, target.strip(), leave_out, header)
    if isinstance(seen, InputError):
        raise InputError(seen.problem, *seen.where)
    return seen


@lru_cache(maxsize=8)
def _look(file: Found, target: str, leave_out: str, header: delimited.Header) -> Look | InputError:
    """The same, remembered; also what is wrong."""
    suffix = file.path.suffix.lower()
    try:
        if suffix == ".npz":
            return _arrays(file, target)
        if suffix in (".parquet", ".pq"):
            inputs, answer = parquet.columns(file, target)
            return _table(file, inputs, answer, leave_out)
        return _delimited(file, target, leave_out, header)
    except InputError as error:
        return error if str(file.path) in error.where else error.within(str(file.path))


def _delimited(file: Found, target: str, leave_out: str, header: delimited.Header) -> Look:
    shape = delimited.layout(file, header)
    rows, is_whole = delimited.sample(file, shape)
    columns = list(zip(*rows, strict=True))
    place = chosen(target, shape.names, str(file.path))
    answer = asked(shape.names[place], place, columns[place], len(rows))
    inputs = tuple(
        guessed(name, number, columns[number], is_whole)
        for number, name in enumerate(shape.names)
        if number != place
    )
    return _table(file, inputs, answer, leave_out, shape, is_whole)


def _table(
    file: Found, inputs: tuple[Column, ...], target: Column, leave_out: str,
    layout: Layout | None = None, is_whole: bool = True,
) -> Look:  # fmt: skip
    names = {column.name for column in inputs}
    unwanted = {name.strip() for name in leave_out.split(",") if name.strip()}
    if unknown := unwanted - names:
        chosen(min(unknown), sorted(names), str(file.path), "data.leave_out")
    inputs = tuple(
        Column(each.name, each.place, "left out", why="as you wish")
        if each.name in unwanted
        else each
        for each in inputs
    )
    width = sum(column.width for column in inputs)
    if not width:
        reasons = "; ".join(f'"{each.name}": {each.why}' for each in inputs[:3])
        raise InputError(f"no column is left to learn from ({reasons})", str(file.path))
    is_number = target.kind == "number"
    return Look(file, (width,), target.values, is_number, inputs, target, layout, None, is_whole)


def _arrays(file: Found, target: str) -> Look:
    chosen = arrays(file, target)
    told = values(file, chosen.answers)
    names, is_number = classes(told, chosen.answers.shape[0]), chosen.answers.kind[0] not in "US"
    if len(names) == 1:
        problem = f"{chosen.answers.name} is always {names[0]}: there is nothing to tell apart"
        raise InputError(problem, str(file.path))
    if not names and not is_number:
        raise InputError(f"{chosen.answers.name} has too many different texts", str(file.path))
    shape = picture(chosen.inputs) or chosen.inputs.shape[1:]
    return Look(file, shape, names, is_number, arrays=chosen)


def picture(inputs: Header) -> Shape:
    """The shape of a picture, channels first, where an array of bytes holds pictures; else ()."""
    sizes = inputs.shape[1:]
    if inputs.kind != "u1" or len(sizes) not in (2, 3):
        return ()
    if len(sizes) == 2:
        return (1, *sizes)
    if sizes[0] in PICTURE:
        return sizes
    return (sizes[2], *sizes[:2]) if sizes[2] in PICTURE else ()
