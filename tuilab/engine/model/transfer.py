"""Weights from another run or from a file; nothing in a file is ever executed."""

import json
import re
from pathlib import Path

from torch import Tensor, nn

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.toml_file import write_atomically
from tuilab.engine import checkpoint_file
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.blocks import Row
from tuilab.engine.optim.weight_average import Average

Group = dict[str, Tensor]
"""The tensors of one layer by their own names, such as weight and bias."""

NAMED = 4
"""Layers that a note names at most."""


def take(target: nn.Module, source: str) -> str:
    """Give a network the weights that fit it; says which layers have them and which begin anew.

    A layer fits where its name in the file and all shapes agree; the rest are paired in order
    from the front, as far as shapes agree. InputError if nothing fits.
    """
    offered, wanted = _groups(read(source)), _groups(target.state_dict())
    pairs = {name: name for name, group in wanted.items() if _agree(group, offered.get(name))}
    rest = [name for name in wanted if name not in pairs]
    others = [name for name in offered if name not in pairs]
    for name, other in zip(rest, others, strict=False):
        if not _agree(wanted[name], offered[other]):
            break
        pairs[name] = other
    if not pairs:
        raise InputError(f"no layer of {source} has the shape of one here", "transfer.source")
    for name, other in pairs.items():
        for leaf, tensor in wanted[name].items():
            tensor.copy_(offered[other][leaf])
    note = f"{len(pairs)} of {len(wanted)} layers have the weights of {source}"
    missing = [
        f"{number} {type(target.get_submodule(name)).__name__}{_apart(wanted[name], offered, name)}"
        for number, name in enumerate(wanted, 1)
        if name not in pairs
    ]
    if not missing:
        return note
    begins = "begins" if len(missing) == 1 else "begin"
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return f"{note}; {', '.join(missing[:NAMED])}{more} {begins} anew"


def _groups(tensors: dict[str, Tensor]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for name, tensor in tensors.items():
        owner, _, leaf = name.rpartition(".")
        groups.setdefault(owner, {})[leaf] = tensor
    return groups


def _agree(first: Group, second: Group | None) -> bool:
    return second is not None and (
        {leaf: tensor.shape for leaf, tensor in first.items()}
        == {leaf: tensor.shape for leaf, tensor in second.items()}
    )


def _apart(group: Group, offered: dict[str, Group], name: str) -> str:
    """How a layer differs from the one of its name, if there is one."""
    for leaf, tensor in group.items():
        other = offered.get(name, {}).get(leaf)
        if other is not None and other.shape != tensor.shape:
            return f" ({list(tensor.shape)} is not {list(other.shape)})"
    return ""


# --- where weights come from ----------------------------------------------------------------


def read(source: str) -> dict[str, Tensor]:
    """The weights by their names; InputError if there are none, or the file is none."""
    path = Path(source).expanduser()
    shipped = paths.presets() / "weights" / source
    if not path.exists() and path.name == source and shipped.exists():
        path = shipped
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if not path.exists():
        path = _stored(source)
    return checkpoint_file.weights(path)


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise InputError("there is no such file", str(path))
    try:
        found = load_file(path)
    except OSError as error:
        raise InputError(f"it cannot be read: {error}", str(path)) from None
    except SafetensorError as error:
        raise InputError(f"this is no whole safetensors file: {error}", str(path)) from None
    return {name: found[name] for name in sorted(found, key=_counted)}


def _counted(name: str) -> list[str | int]:
    """To sort by: layer 10 comes after layer 2, which such files do not know."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _stored(run: str) -> Path:
    found = [path for path in paths.runs().glob("*/checkpoint.pt") if run in path.parent.name]
    exact = [path for path in found if path.parent.name == run]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise InputError(
            f"there is no file and no run with a checkpoint that is called {run}", "transfer.source"
        )
    names = ", ".join(path.parent.name for path in found[:8])
    raise InputError(f"which run is meant? There is {names}", "transfer.source")


def export(checkpoint: Path, target: Path) -> int:
    """Write the weights of a checkpoint, averaged where the run averages; how many numbers.

    The network's lines and the data go along as text.
    """
    from safetensors.torch import save

    experiment, captured = (
        checkpoint_file.look(checkpoint).experiment,
        checkpoint_file.read(checkpoint),
    )
    built: Row = build_network.build(experiment.network, experiment.input)
    built.load_state_dict(captured["network"])
    average = Average(built)
    average.load_state_dict(captured["average"])
    about = {
        "format": "pt", "title": experiment.title, "data": experiment.data.title,
        "network": json.dumps(experiment.network),
    }  # fmt: skip
    with average.used(experiment.averaging):
        tensors = {name: t.detach().clone() for name, t in built.state_dict().items()}
    try:
        write_atomically(target, save(tensors, about))
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", str(target)) from None
    return sum(tensor.numel() for tensor in tensors.values())
