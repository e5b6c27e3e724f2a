"""A small session for each layer kind of the catalogue."""

from math import prod
from typing import Any

import torch

from tests.support.datasets import CPU, load_dataset
from tests.support.network_strategies import example_line
from tests.support.tiny_sessions import make_dataset, make_experiment, make_session
from tuilab.core.catalogue.data.graphs import Karate
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.network.layer import Shape
from tuilab.core.network.plan import plan
from tuilab.core.network.registry import LAYERS
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.session import Session

FLAT, ROWS, IMAGE, VOLUME = (12,), (4, 8), (4, 8, 8), (4, 3, 4, 4)

LINES: dict[str, tuple[Any, Shape]] = {
    "Linear": ("Linear 5", ROWS),
    "Flatten": ("Flatten", ROWS),
    "Unflatten": ("Unflatten (3,4)", FLAT),
    "PatchEmbedding": ("PatchEmbedding 4 6", IMAGE),
    "Backbone": ("Backbone squeezenet1_1", (3, 20, 20)),
    "Residual": (("Residual", "Linear 12", "Tanh"), FLAT),
    "Repeat": (("Repeat 3", "Linear 12", "ReLU"), FLAT),
    "Parallel": (("Parallel", "Linear 5", ["Sequential", "Linear 4", "Tanh"]), FLAT),
    "Sequential": (("Sequential", "Linear 12", "Tanh"), FLAT),
}
"""Lines that need another input, or more than their example; the others take what fits."""


def make_layer_session(name: str, **tables: Any) -> Session:
    """Builds a session with a layer of this kind between layers with weights."""
    if name in SPECIAL_SESSIONS:
        return SPECIAL_SESSIONS[name](**tables)
    if name in LINES:
        return _surround(*LINES[name], **tables)
    line = example_line(LAYERS[name]).replace("16", "4")
    for shape in (FLAT, ROWS, IMAGE, VOLUME):
        if plan((line, "Flatten", "Linear 3"), shape).is_valid:
            return _surround(line, shape, **tables)
    raise AssertionError(f"a new kind: enter in LINES an input for {line!r}")


def _surround(line: Any, shape: Shape, **tables: Any) -> Session:
    sizes = ",".join(map(str, shape))
    network = (f"Linear {prod(shape)}", f"Unflatten ({sizes})", line, "Flatten", "Linear 3")
    return make_session(*network, batch_size=5, **tables)


def _language_model(**tables: Any) -> Session:
    letters = torch.randint(97, (20, 8), generator=torch.Generator().manual_seed(2))
    part = Examples(letters[:, :-1], letters[:, 1:])
    experiment = make_experiment(
        "Embedding 4", "Linear 97", data={"name": "python_source", "length": 7},
        task={"name": "language_model"}, batch_size=5, **tables,
    )  # fmt: skip
    vocabulary = ("\t", "\n", *map(chr, range(32, 127)))
    return Session("run", experiment, Dataset(part, part, part, vocabulary=vocabulary), CPU)


def _bag_of_words(**tables: Any) -> Session:
    tokens = torch.randint(97, (20, 8), generator=torch.Generator().manual_seed(2))
    part = Examples(tokens, tokens[:, 0] % 3)
    experiment = make_experiment(
        "EmbeddingBag 4", "Linear 3", data={"name": "python_source", "length": 8}, batch_size=5,
        **tables,
    )  # fmt: skip
    vocabulary = ("\t", "\n", *map(chr, range(32, 127)))
    dataset = Dataset(part, part, part, classes=("0", "1", "2"), vocabulary=vocabulary)
    return Session("run", experiment, dataset, CPU)


def _graph(**tables: Any) -> Session:
    experiment = experiment_from_dict({
        "network": ["GraphConvolution 4", "Tanh", "GraphConvolution 2"],
        "data": {"name": "karate"}, "training": {"epochs": 9, "device": "cpu"}, **tables,
    })  # fmt: skip
    return Session("run", experiment, load_dataset(Karate()), CPU)


def _autoencoder(**tables: Any) -> Session:
    experiment = make_experiment(
        ["Encoder", "Linear 8", "Tanh", "Linear 2"], ["Decoder", "Linear 8", "Tanh", "Linear 3"],
        task={"name": "autoencoder"}, data={"name": "swiss_roll"}, loss={"name": "mse"}, **tables,
    )  # fmt: skip
    return Session("run", experiment, make_dataset(features=3), CPU)


def _gan(**tables: Any) -> Session:
    return make_session(
        ["Generator", "Linear 8", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 8", "ReLU", "Linear 1"],
        task={"name": "gan"}, loss={"name": "bce"}, data={"name": "gaussians_ring"}, **tables,
    )  # fmt: skip


SPECIAL_SESSIONS = {
    "Embedding": _language_model, "EmbeddingBag": _bag_of_words, "GraphConvolution": _graph,
    "Encoder": _autoencoder, "Decoder": _autoencoder, "Generator": _gan, "Discriminator": _gan,
}  # fmt: skip
"""Layers that need another task or data set."""
