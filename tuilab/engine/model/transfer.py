"""Transfer of weights from another run or a file; nothing in a file is ever executed."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from torch import Size, Tensor, nn

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.files.typed_path import clean_path
from tuilab.core.run import run_files
from tuilab.engine import checkpoint_file
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.blocks import LayerStack
from tuilab.engine.optim.weight_average import WeightAverage

LayerTensors = dict[str, Tensor]
"""The tensors of one layer by their own names, such as weight and bias."""

MAX_NAMED_LAYERS = 4
"""How many layers a note names."""


def transfer_weights(target: nn.Module, source: str) -> str:
    """Copies all weights that fit into a network; returns a note that says which.

    A layer fits if its name in the file and all shapes match; the others are paired in order
    from the front, as long as shapes match.

    Raises:
        InputError: nothing fits.
    """
    weights, remark = read_weights(source)
    available, needed = _by_layer(weights), _by_layer(target.state_dict())
    pairs = {
        name: name for name, layer in needed.items() if _same_shapes(layer, available.get(name))
    }
    unmatched = [name for name in needed if name not in pairs]
    others = [name for name in available if name not in pairs]
    for name, other in zip(unmatched, others, strict=False):
        if not _same_shapes(needed[name], available[other]):
            break
        pairs[name] = other
    if not pairs:
        raise InputError(
            f"no layer of {source} has the same shape as one of this network", "transfer.source"
        )
    for name, other in pairs.items():
        for leaf, tensor in needed[name].items():
            tensor.copy_(available[other][leaf])
    note = f"{len(pairs)} of {len(needed)} layers have the weights of {source}"
    note = f"{note} ({remark})" if remark else note
    missing = [
        f"{number} {type(target.get_submodule(name)).__name__}"
        f"{_shape_difference(needed[name], available.get(name, {}))}"
        for number, name in enumerate(needed, 1)
        if name not in pairs
    ]
    if not missing:
        return note
    start = "starts" if len(missing) == 1 else "start"
    more = f" and {len(missing) - MAX_NAMED_LAYERS} more" if len(missing) > MAX_NAMED_LAYERS else ""
    return f"{note}; {', '.join(missing[:MAX_NAMED_LAYERS])}{more} {start} from scratch"


def _by_layer(tensors: dict[str, Tensor]) -> dict[str, LayerTensors]:
    layers: dict[str, LayerTensors] = {}
    for name, tensor in tensors.items():
        layer, _, leaf = name.rpartition(".")
        layers.setdefault(layer, {})[leaf] = tensor
    return layers


def _same_shapes(first: LayerTensors, second: LayerTensors | None) -> bool:
    return second is not None and _shapes(first) == _shapes(second)


def _shapes(layer: LayerTensors) -> dict[str, Size]:
    return {leaf: tensor.shape for leaf, tensor in layer.items()}


def _shape_difference(layer: LayerTensors, same_name: LayerTensors) -> str:
    """Returns how a layer differs from the one of the same name, if there is one."""
    for leaf, tensor in layer.items():
        other = same_name.get(leaf)
        if other is not None and other.shape != tensor.shape:
            return f" ({list(tensor.shape)} is not {list(other.shape)})"
    return ""


# --- reading and writing weights ------------------------------------------------------------


def read_weights(source: str) -> tuple[dict[str, Tensor], str]:
    """Returns the weights of a file or a run, and a note if these are not the newest.

    They are tensors of any shape by their names.

    Raises:
        InputError: there are none.
    """
    path = paths.expand_user(clean_path(source))
    shipped = paths.presets_dir() / "weights" / source
    if not path.exists() and path.name == source and shipped.exists():
        path = shipped
    if path.suffix == ".safetensors":
        return _safetensors(path), ""
    if path.exists():
        return checkpoint_file.read_weights(path)
    return _read_stored(_find_run(source))


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise InputError("there is no such file", str(path))
    try:
        tensors = load_file(path)
    except OSError as error:
        raise InputError(f"it cannot be read: {error}", str(path)) from None
    except SafetensorError as error:
        raise InputError(f"this is not a complete safetensors file: {error}", str(path)) from None
    return {name: tensors[name] for name in sorted(tensors, key=_sort_key)}


def _sort_key(name: str) -> list[str | int]:
    """Sorts layer 10 after layer 2, as the files themselves do not."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _find_run(run: str) -> Path:
    """Returns the folder of the only run with this in its id that has weights."""
    names = (run_files.CHECKPOINT, run_files.PREVIOUS_CHECKPOINT, run_files.WEIGHTS)
    folders = {path.parent for name in names for path in paths.runs_dir().glob(f"*/{name}")}
    matches = sorted(folder for folder in folders if run in folder.name)
    exact = [folder for folder in matches if folder.name == run]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if not matches:
        raise InputError(
            f"there is no file {run} and no run of that name with a checkpoint", "transfer.source"
        )
    names_found = ", ".join(folder.name for folder in matches[:8])
    raise InputError(f"several runs match: {names_found}", "transfer.source")


def _read_stored(folder: Path) -> tuple[dict[str, Tensor], str]:
    """Returns the newest weights of a stored run; InputError if there are none."""
    alone = _find_newer_weights(folder)
    if alone is not None:
        return _safetensors(alone), ""
    return checkpoint_file.read_weights(folder / run_files.CHECKPOINT)


def _find_newer_weights(folder: Path) -> Path | None:
    """Returns the file of weights alone if the checkpoint of a run is older or cannot be used."""
    path = folder / run_files.WEIGHTS
    if not path.exists():
        return None
    try:
        step = checkpoint_file.read_summary(folder / run_files.CHECKPOINT).step
    except InputError:
        return path
    return path if _read_step(path) > step else None


def _read_step(path: Path) -> int:
    """Returns the step in the metadata of a safetensors file; -1 if it has none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return int((file.metadata() or {}).get("step", -1))
    except (OSError, SafetensorError, ValueError):
        return -1


class StoredWeights(NamedTuple):
    """The newest weights of a stored run, as a safetensors file."""

    content: bytes
    size: int
    "How many numbers they are."
    note: str
    "Why these are not the newest weights; empty if they are."


def encode_stored(folder: Path) -> StoredWeights:
    """Returns the newest weights of a stored run, averaged where the run averages.

    The network's lines and the data set are stored as text. The same weights give the same file,
    byte for byte.

    Raises:
        InputError: if the run has no weights that can be read.
    """
    alone = _find_newer_weights(folder)
    if alone is not None:
        tensors = _safetensors(alone)
        return StoredWeights(alone.read_bytes(), _count_numbers(tensors), "")
    path = folder / run_files.CHECKPOINT
    stored = checkpoint_file.read_newest(path)
    experiment = checkpoint_file.decode_experiment(stored.state, stored.path)
    network: LayerStack = build_network.build(experiment.sized_network, experiment.input_shape)
    average = WeightAverage(network)
    try:
        network.load_state_dict(stored.state["network"])
        average.load_state_dict(stored.state["average"])
    except Exception as error:  # what does not fit fails in many ways inside torch
        reason = next(reversed(str(error).splitlines()), type(error).__name__).strip()
        raise InputError(f"its weights are of another network: {reason}", str(path)) from None
    content = encode_weights(network, average, experiment, stored.state["position"][0])
    return StoredWeights(content, _count_numbers(network.state_dict()), stored.note)


def _count_numbers(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def encode_weights(
    network: nn.Module, average: WeightAverage, experiment: Experiment, step: int
) -> bytes:
    """Returns weights as a safetensors file, averaged where the run averages."""
    from safetensors.torch import save

    with average.swapped_in(experiment.averaging):
        tensors = {
            name: tensor.detach().cpu().contiguous().clone()
            for name, tensor in network.state_dict().items()
        }
    metadata = {
        "format": "pt", "title": experiment.title, "data": experiment.data.title,
        "network": json.dumps(experiment.sized_network), "step": str(step),
    }  # fmt: skip
    return _sort_metadata(save(tensors, metadata))


def _sort_metadata(content: bytes) -> bytes:
    """Returns a safetensors file with its metadata in order, which the library draws at random."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + content[8 + size :]
