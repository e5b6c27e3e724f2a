"""Experiments with nothing wrong: what the lab ships, made small, and variations of it."""

from collections.abc import Iterator
from typing import Any

from tests.bench.broken import (
    CONV,
    CURVE,
    FOLDER,
    MLP,
    NOISY,
    NORMED,
    RINGS,
    ROLL,
    TANH,
    Case,
    adam,
    deep,
    fit,
    of,
    sgd,
    table,
)
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import experiment_to_dict

LONG = ("fashion-mnist-cnn", "fashion-mnist-mlp", "fine-tuning", "gan", "language-model")
"""Presets that need a download, the weights of another run, or a quarter of a minute."""

CUT = {"samples": 600, "epochs": 10}
"""What a preset on anything but points of the plane is cut down to."""


def shipped(name: str) -> dict[str, Any]:
    """A preset, small enough to take no longer than the others."""
    preset = toml_file.read(toml_file.find(name))
    tables = experiment_to_dict(preset)
    tables["training"]["device"] = "cpu"
    if preset.data.plot_kind not in ("plane", "curve"):
        for part, key in ((tables["data"], "samples"), (tables["training"], "epochs")):
            part |= {key: min(CUT[key], part[key])} if key in part else {}
    return tables


def sound() -> Iterator[Case]:
    """What the lab ships, made small, and variations of it."""
    momentum = sgd(0.05, momentum=0.9)
    kinds = {
        "moons": of(NOISY, MLP, 25),
        "moons, batch norm": of(NOISY, NORMED, 25),
        "moons, dropout": of(NOISY, ("Linear 64", "ReLU", "Dropout 0.2", "Linear 2"), 25),
        "circle, tanh": of("circle", TANH, 25),
        "circle, sgd": of("circle", MLP, 40, optimizer=momentum),
        "xor": of("xor", ("Linear 8", "Tanh", "Linear 2"), 40, optimizer=adam(0.03)),
        "xor, imbalance": of({"name": "xor", "imbalance": 0.6}, MLP, 25),
        "gauss": of("gauss", ("Linear 2",), 20),
        "gauss, noisy": of({"name": "gauss", "noise": 0.4}, ("Linear 2",), 20),
        "blobs": of("blobs", ("Linear 4",), 30, optimizer=adam(0.03)),
        "rings": of("rings", ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 3"), 40),
        "spiral": of({"name": "spiral", "samples": 800},
                     ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 2"), 60,
                     schedule={"name": "cosine"}),
        "spiral, clipped": of("spiral", TANH, 60, training={"clip_grad_norm": 1.0}),
        "plane": fit("plane", ("Linear 1",), 20, optimizer=sgd(0.03)),
        "sine": fit("sine", CURVE, 60, schedule={"name": "cosine"}),
        "sine, relu": fit("sine", ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 1"), 60),
        "multi_gauss": fit("multi_gauss", CURVE, 60),
        "swiss roll": fit({"name": "swiss_roll", "samples": 600}, CURVE, 25),
        "circle, not normalised": of({"name": "circle", "normalize": False}, MLP, 25),
        "glyphs": of({"name": "glyphs", "samples": 1200}, CONV, 6),
        "moons, label noise": of(
            {"name": "moons", "label_noise": 0.1}, ("Linear 8", "ReLU", "Linear 2"), 25),
        "circle, decay": of("circle", MLP, 25, optimizer=adam(1e-2, weight_decay=0.1)),
    }  # fmt: skip
    for name, tables in kinds.items():
        yield Case((), name, tables)
    for name in toml_file.find_presets():
        if name not in LONG:
            yield Case((), f"preset {name}", shipped(name))
    FOLDER.mkdir(exist_ok=True)
    aside = {
        "moons, gelu": of("moons", deep("GELU", 2, width=24), 25, optimizer=adam(5e-3)),
        "rings, one cycle": of("rings", deep("Tanh", 2, 3, 24), 40, schedule={"name": "one_cycle"}),
        "table": of(table(FOLDER, "sound", (1.0, 30.0, 200.0), 50.0), MLP, 15),
        "sine, sgd": fit("sine", CURVE, 60, optimizer=momentum),
        "blobs, wide": of({"name": "blobs", "centers": 6}, deep("ReLU", 2, 6, 48), 20),
    }
    for name, tables in aside.items():
        yield Case((), name, tables)
    yield from _sound_aside()


def _sound_aside() -> Iterator[Case]:
    """Written after the thresholds were chosen."""
    kinds: dict[str, dict[str, Any]] = {
        "rings, rmsprop": of(RINGS, MLP, 25, optimizer={"name": "rmsprop", "lr": 3e-3}),
        "roll, batch norm": fit(
            ROLL, ("Linear 32", "BatchNorm1d", "ReLU", "Linear 1"), 25, optimizer=adam(5e-3)),
        "moons, layer norm": of(NOISY, ("Linear 24", "LayerNorm", "GELU", "Linear 2"), 20),
        "circle, sigmoid": of("circle", ("Linear 24", "Sigmoid", "Linear 2"), 30),
        "gauss, imbalance": of(
            {"name": "gauss", "imbalance": 0.7, "samples": 800}, ("Linear 2",), 20),
        "multi_gauss, relu": fit("multi_gauss", deep("ReLU", 2, 1, 48), 40, optimizer=adam(5e-3)),
        "blobs, all at once": of({"name": "blobs", "batch_size": 0}, ("Linear 4",), 80),
        "moons, dropout 0.5": of(NOISY, ("Linear 64", "ReLU", "Dropout 0.5", "Linear 2"), 25),
    }  # fmt: skip
    for name, tables in kinds.items():
        yield Case((), f"aside: {name}", tables, is_kept_aside=True)
