"""Ready-made torchvision networks without their last layer, and their weights.

torchvision is imported here alone and only when such a network is built: it takes seconds.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core import paths
from tuilab.core.catalogue.layers import torchvision_models as lab
from tuilab.core.errors import InputError
from tuilab.core.network.layer import Layer, Shape
from tuilab.core.network.plan import Plan
from tuilab.engine.data.dataset import Report
from tuilab.engine.data.download import Remote, download
from tuilab.engine.model.layers.named import Builder

HEADS = {
    "resnet18": "fc", "resnet34": "fc", "resnet50": "fc", "squeezenet1_1": "classifier",
    "mobilenet_v3_small": "classifier", "efficientnet_b0": "classifier",
    "convnext_tiny": "classifier.2", "vit_b_16": "heads",
}  # fmt: skip
"""What is taken off: the part that makes 1000 classes of the features."""


class Backbone(nn.Module):
    """A network whose features the next layers use."""

    def __init__(self, inside: nn.Module, is_pretrained: bool) -> None:
        super().__init__()
        self.inside, self.is_pretrained = inside, is_pretrained

    def forward(self, x: Tensor) -> Tensor:
        """[n, 1 or 3, height, width] to [n, features]."""
        features: Tensor = self.inside(x.expand(-1, 3, -1, -1))
        return features


def pretrained(network: nn.Module) -> set[nn.Module]:
    """The modules that came with weights, which no initialisation may touch."""
    found = [m for m in network.modules() if isinstance(m, Backbone) and m.is_pretrained]
    return {module for backbone in found for module in backbone.modules()}


def fetch(plan: Plan, report: Report) -> None:
    """Have the weights on this machine that a network will be built with."""
    for row in plan.rows:
        if isinstance(row.layer, lab.Backbone) and row.layer.weights:
            weights_file(row.layer.name, report)


def weights_file(name: str, report: Report) -> Path:
    """The file with torchvision's default weights, downloaded if it is not in the user's cache."""
    weights = _torchvision().get_model_weights(name).DEFAULT
    mirror, _, file = str(weights.url).rpartition("/")
    path = paths.cache() / "torchvision" / file
    if not path.exists():
        digest = path.stem.rpartition("-")[2]  # torchvision's names end in the hash's beginning
        size = round(weights.meta["_file_size"] * 2**20)
        download(
            [Remote(file, size, digest, compressed=False)], [f"{mirror}/"], path.parent, report,
            instead=f"Put the file at {path}, or begin by chance with weights=none",
            elsewhere="set TUILAB_HOME to a folder of yours",
        )  # fmt: skip
    return path


def _torchvision() -> Any:
    try:
        from torchvision import models
    except (ImportError, RuntimeError, OSError) as error:
        raise InputError(
            f"torchvision cannot be loaded ({error}); install the one that belongs to torch "
            f"{torch.__version__}, or build the network of Conv2d layers"
        ) from None
    return models


def _load(inside: nn.Module, name: str) -> None:
    """Give a headless network its trained weights."""
    path = weights_file(name, lambda what, fraction: None)
    wanted = inside.state_dict()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        inside.load_state_dict({key: state[key] for key in wanted})
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"these are not the weights of {name} ({reason}); delete the file, and it is "
            "fetched again",
            str(path),
        ) from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None


def backbone(layer: lab.Backbone, shape: Shape) -> nn.Module:
    """The network by its name, without its head."""
    inside: nn.Module = _torchvision().get_model(layer.name, weights=None)
    pool = layer.name == "squeezenet1_1"  # its head would have averaged, too
    inside.set_submodule(HEADS[layer.name], nn.AdaptiveAvgPool2d(1) if pool else nn.Identity())
    if layer.weights:
        _load(inside, layer.name)
    return Backbone(inside, is_pretrained=bool(layer.weights))


BUILDERS: dict[type[Layer], Builder] = {lab.Backbone: backbone}
