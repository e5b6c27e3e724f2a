"""torchvision networks without their last layer, and their pretrained weights.

torchvision is imported only here, and only when such a network is built: it takes seconds.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core import paths
from tuilab.core.catalogue.layers import torchvision_models as catalogue
from tuilab.core.errors import InputError
from tuilab.core.network.layer import Shape
from tuilab.core.network.plan import Plan
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.download import RemoteFile, download
from tuilab.engine.model.layers.builders import module

HEADS = {
    "resnet18": "fc", "resnet34": "fc", "resnet50": "fc", "squeezenet1_1": "classifier",
    "mobilenet_v3_small": "classifier", "efficientnet_b0": "classifier",
    "convnext_tiny": "classifier.2", "vit_b_16": "heads",
}  # fmt: skip
"""The removed part, which maps the features to 1000 classes."""


class Backbone(nn.Module):
    """A network that turns images into features."""

    def __init__(self, inside: nn.Module, is_pretrained: bool) -> None:
        super().__init__()
        self.inside, self.is_pretrained = inside, is_pretrained

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, 1 or 3, height, width] to [batch, features]."""
        features: Tensor = self.inside(x.expand(-1, 3, -1, -1))
        return features


def pretrained_modules(network: nn.Module) -> set[nn.Module]:
    """Returns the modules with pretrained weights, which initializations leave unchanged."""
    backbones = [m for m in network.modules() if isinstance(m, Backbone) and m.is_pretrained]
    return {module for backbone in backbones for module in backbone.modules()}


def download_weights(plan: Plan, report: ProgressCallback) -> None:
    """Downloads the pretrained weights that a network will be built with."""
    for row in plan.rows:
        if isinstance(row.layer, catalogue.Backbone) and row.layer.weights:
            ensure_weights_file(row.layer.name, report)


def ensure_weights_file(name: str, report: ProgressCallback) -> Path:
    """Returns the file with torchvision's default weights, downloaded unless it is in the cache."""
    weights = _import_models().get_model_weights(name).DEFAULT
    mirror, _, file = str(weights.url).rpartition("/")
    path = paths.cache_dir() / "torchvision" / file
    if not path.exists():
        # torchvision's names end in the first digits of the hash.
        digest = path.stem.rpartition("-")[2]
        size = round(weights.meta["_file_size"] * 2**20)
        download(
            [RemoteFile(file, size, digest, is_compressed=False)], [f"{mirror}/"], path.parent,
            report,
            instead=f"Put the file at {path}, or start from random weights with weights=none",
            elsewhere="set TUILAB_HOME to another folder",
        )  # fmt: skip
    return path


def _import_models() -> Any:
    try:
        from torchvision import models
    except (ImportError, RuntimeError, OSError) as error:
        raise InputError(
            f"torchvision cannot be imported ({error}); install the version for torch "
            f"{torch.__version__}, or build the network from Conv2d layers"
        ) from None
    return models


def _load(inside: nn.Module, name: str) -> None:
    """Loads the pretrained weights of a network without its head."""
    path = ensure_weights_file(name, lambda activity, fraction: None)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        inside.load_state_dict({key: state[key] for key in inside.state_dict()})
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"these are not the weights of {name} ({reason}); delete the file to have it "
            "downloaded again",
            str(path),
        ) from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None


@module(catalogue.Backbone)
def backbone(layer: catalogue.Backbone, shape: Shape) -> nn.Module:
    """Builds a torchvision network without its head."""
    inside: nn.Module = _import_models().get_model(layer.name, weights=None)
    needs_pooling = layer.name == "squeezenet1_1"  # its head averages as well
    head = nn.AdaptiveAvgPool2d(1) if needs_pooling else nn.Identity()
    inside.set_submodule(HEADS[layer.name], head)
    if layer.weights:
        _load(inside, layer.name)
    return Backbone(inside, is_pretrained=bool(layer.weights))
