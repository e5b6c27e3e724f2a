"""An experiment for data alone: a network, a task and a length of training that suit it.

`tuilab houses.csv` is the shortest way from a table to a trained network.
"""

import tomllib
from collections.abc import Collection
from pathlib import Path

from msgspec.structs import replace

from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.images import ImageFolder
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.catalogue.data.texts import TextFile
from tuilab.core.catalogue.optimizers import AdamW
from tuilab.core.catalogue.regularization import Regularization
from tuilab.core.catalogue.training import Training
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, create_default
from tuilab.core.files.pipes import is_kept
from tuilab.core.files.text_encoding import decode_text
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.line import Line

TABLE_SUFFIXES = (
    ".csv", ".tsv", ".tab", ".npz", ".parquet", ".pq", ".feather", ".xlsx", ".xls", ".ods",
    ".jsonl", ".ndjson", ".json", ".arff", ".gz", ".bz2", ".xz", ".zip", ".data",
)  # fmt: skip
"""Suffixes of tables; some are only recognized, and refused with the next step."""

TEXT_SUFFIXES = (".txt", ".md", ".text")
"""Suffixes of texts, which can also be tables."""

DATA_SUFFIXES = (*TABLE_SUFFIXES, *TEXT_SUFFIXES)

STEPS = 4000
"""Steps of training that small networks need, about."""

WIDTHS = ((300, 16), (3000, 32), (30_000, 64))
"""Rows below which the hidden layers have this many units."""

MAX_WIDTH = 128


def is_data(path: Path) -> bool:
    """Returns whether a file or a folder is data, not an experiment."""
    suffix = path.suffix.lower()
    if suffix == ".toml" or not path.exists():
        return False
    if path.is_dir() or suffix in TABLE_SUFFIXES:
        return True
    return not _is_experiment(path) and (suffix in TEXT_SUFFIXES or _is_table(path))


def _is_experiment(path: Path) -> bool:
    try:
        return bool(tomllib.loads(decode_text(path.read_bytes())))
    except (OSError, ValueError, RecursionError):
        return False


def _is_table(path: Path) -> bool:
    from tuilab.core.files.tables.table import inspect_table

    try:
        inspect_table(str(path))
    except InputError:
        return False
    return True


def make_experiment(path: Path) -> Experiment:
    """Returns an experiment for data."""
    return complete_experiment(describe_data(path))


def describe_data(path: Path) -> Experiment:
    """Returns an experiment that names data, with nothing that suits it yet.

    Raises:
        InputError: a folder without images.
    """
    from tuilab.core.files import image_folders

    location = str(path.absolute())
    data: DataSet
    if path.is_dir():
        image_folders.inspect_folder(location)
        data = ImageFolder(path=location)
    elif path.suffix.lower() in TEXT_SUFFIXES and not _is_table(path):
        data = TextFile(path=location)
    else:
        data = Table(path=location)
    return Experiment(title="piped" if is_kept(path) else path.stem, data=data)


def complete_experiment(described: Experiment, fixed_keys: Collection[str] = ()) -> Experiment:
    """Returns an experiment whose task, network and training suit its data.

    The last layer takes its size from the data. Where the data cannot be used, everything else
    stays as it is, and validation says why.

    Args:
        fixed_keys: keys of the data, such as `data.split`, that the user has set; they stay.
    """
    data = described.data
    try:
        shape, task = data.shape, create_default("task", data.tasks[0])
    except InputError:
        return described
    if isinstance(shape, Tokens):
        return replace(
            described, task=task, network=_TEXT_NETWORK, optimizer=AdamW(lr=3e-3),
            training=Training(epochs=2, clip_grad_norm=1.0),
        )  # fmt: skip
    rows = _count_examples(data)
    suited: dict[str, object] = {"batch_size": 32 if rows < 4000 else 128}
    if data.tasks[0] == "classification" and isinstance(data, (Table, ImageFolder)):
        suited["split"] = "stratified"
    data = replace(data, **{key: suited[key] for key in suited if f"data.{key}" not in fixed_keys})
    epochs = round(STEPS * data.batch_size / max(1, rows))
    epochs = max(10, min(100, epochs))
    return replace(
        described, task=task, loss=create_default("loss", task.loss), network=_network(shape, rows),
        data=data,
        optimizer=AdamW(lr=1e-3 if len(shape) == 3 else 3e-3),
        regularization=Regularization(patience=max(8, epochs // 5)),
        training=Training(epochs=epochs),
    )  # fmt: skip


_TEXT_NETWORK: tuple[Line, ...] = (
    "Embedding 64", "PositionalEncoding kind=learned", ("Repeat 2", "DecoderBlock 4"), "LayerNorm",
    "Linear auto",
)  # fmt: skip


def _network(shape: Shape, rows: int) -> tuple[Line, ...]:
    """Returns the lines of a network for examples of this shape."""
    width = next((width for limit, width in WIDTHS if rows < limit), MAX_WIDTH)
    if len(shape) == 3 and min(shape[1:]) >= 8:
        convolutions = ("Conv2d 16 3 padding=same", "ReLU", "MaxPool2d 2",
                        "Conv2d 32 3 padding=same", "ReLU", "MaxPool2d 2")  # fmt: skip
        return (*convolutions, "Flatten", "Linear 64", "ReLU", "Dropout 0.3", "Linear auto")
    flatten = ("Flatten",) if len(shape) > 1 else ()
    return (*flatten, f"Linear {width}", "ReLU", f"Linear {width}", "ReLU", "Linear auto")


def _count_examples(data: DataSet) -> int:
    """Returns about how many examples there are."""
    if isinstance(data, ImageFolder):
        from tuilab.core.files.image_folders import count_images

        return count_images(data.path)
    assert isinstance(data, Table)
    info = data.info
    if info.arrays is not None:
        return info.arrays.inputs.shape[0]
    with info.file.path.open("rb") as file:
        head = file.read(1 << 16)
    lines = max(head.count(b"\n"), head.count(b"\r"), 1)
    return round(lines * max(1.0, info.file.size / len(head)))
