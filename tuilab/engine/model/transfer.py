"""Transfer of weights from another run or a file; nothing in a file is ever executed."""

import json
import re
from pathlib import Path

from torch import Size, Tensor, nn

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.toml_file import write_atomically
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
    available, needed = _by_layer(read_weights(source)), _by_layer(target.state_dict())
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


def read_weights(source: str) -> dict[str, Tensor]:
    """Returns the weights of a file or a run, tensors of any shape by their names.

    Raises:
        InputError: there are none.
    """
    path = paths.expand_user(source)
    shipped = paths.presets_dir() / "weights" / source
    if not path.exists() and path.name == source and shipped.exists():
        path = shipped
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if not path.exists():
        path = _find_checkpoint(source)
    weights: dict[str, Tensor] = checkpoint_file.read(path)["network"]
    return weights


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


def _find_checkpoint(run: str) -> Path:
    matches = [path for path in paths.runs_dir().glob("*/checkpoint.pt") if run in path.parent.name]
    exact = [path for path in matches if path.parent.name == run]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if not matches:
        raise InputError(
            f"there is no file {run} and no run of that name with a checkpoint", "transfer.source"
        )
    names = ", ".join(path.parent.name for path in matches[:8])
    raise InputError(f"several runs match: {names}", "transfer.source")


def export(checkpoint: Path, target: Path) -> int:
    """Writes the weights of a checkpoint, averaged where the run averages; returns their number.

    The network's lines and the data set are stored as text.
    """
    from safetensors.torch import save

    experiment = checkpoint_file.read_summary(checkpoint).experiment
    captured = checkpoint_file.read(checkpoint)
    network: LayerStack = build_network.build(experiment.network, experiment.input_shape)
    network.load_state_dict(captured["network"])
    average = WeightAverage(network)
    average.load_state_dict(captured["average"])
    metadata = {
        "format": "pt", "title": experiment.title, "data": experiment.data.title,
        "network": json.dumps(experiment.network),
    }  # fmt: skip
    with average.swapped_in(experiment.averaging):
        tensors = {name: t.detach().clone() for name, t in network.state_dict().items()}
    try:
        write_atomically(target, save(tensors, metadata))
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", str(target)) from None
    return sum(tensor.numel() for tensor in tensors.values())
