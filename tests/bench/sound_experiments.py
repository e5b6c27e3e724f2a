"""Experiments without a fault: the presets, made small, and variations of them."""

from collections.abc import Iterator
from typing import Any

from tests.bench.broken_experiments import (
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
    classify,
    regress,
    sgd,
    stack,
    write_table,
)
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import experiment_to_dict

LONG = ("fashion-mnist-cnn", "fashion-mnist-mlp", "fine-tuning", "gan", "language-model")
"""Presets that need a download, the weights of another run, or a quarter of a minute."""

LIMITS = {"samples": 600, "epochs": 10}
"""The limits of a preset on other data than points of the plane."""


def preset_tables(name: str) -> dict[str, Any]:
    """Returns the tables of a preset, made small enough to take no longer than the others."""
    preset = toml_file.read(toml_file.find(name))
    tables = experiment_to_dict(preset)
    tables["training"]["device"] = "cpu"
    if preset.data.plot_kind not in ("plane", "curve"):
        for part, key in ((tables["data"], "samples"), (tables["training"], "epochs")):
            part |= {key: min(LIMITS[key], part[key])} if key in part else {}
    return tables


def sound() -> Iterator[Case]:
    """Yields the presets, made small, and variations of them."""
    momentum = sgd(0.05, momentum=0.9)
    kinds = {
        "moons": classify(NOISY, MLP, 25),
        "moons, batch norm": classify(NOISY, NORMED, 25),
        "moons, dropout": classify(NOISY, ("Linear 64", "ReLU", "Dropout 0.2", "Linear 2"), 25),
        "circle, tanh": classify("circle", TANH, 25),
        "circle, sgd": classify("circle", MLP, 40, optimizer=momentum),
        "xor": classify("xor", ("Linear 8", "Tanh", "Linear 2"), 40, optimizer=adam(0.03)),
        "xor, imbalance": classify({"name": "xor", "imbalance": 0.6}, MLP, 25),
        "gauss": classify("gauss", ("Linear 2",), 20),
        "gauss, noisy": classify({"name": "gauss", "noise": 0.4}, ("Linear 2",), 20),
        "blobs": classify("blobs", ("Linear 4",), 30, optimizer=adam(0.03)),
        "rings": classify("rings", ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 3"), 40),
        "spiral": classify({"name": "spiral", "samples": 800},
                     ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 2"), 60,
                     schedule={"name": "cosine"}),
        "spiral, clipped": classify("spiral", TANH, 60, training={"clip_grad_norm": 1.0}),
        "plane": regress("plane", ("Linear 1",), 20, optimizer=sgd(0.03)),
        "sine": regress("sine", CURVE, 60, schedule={"name": "cosine"}),
        "sine, relu": regress("sine", ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 1"), 60),
        "multi_gauss": regress("multi_gauss", CURVE, 60),
        "swiss roll": regress({"name": "swiss_roll", "samples": 600}, CURVE, 25),
        "circle, not normalized": classify({"name": "circle", "normalize": False}, MLP, 25),
        "glyphs": classify({"name": "glyphs", "samples": 1200}, CONV, 6),
        "moons, label noise": classify(
            {"name": "moons", "label_noise": 0.1}, ("Linear 8", "ReLU", "Linear 2"), 25),
        "circle, decay": classify("circle", MLP, 25, optimizer=adam(1e-2, weight_decay=0.1)),
    }  # fmt: skip
    for name, tables in kinds.items():
        yield Case((), name, tables)
    for name in toml_file.find_presets():
        if name not in LONG:
            yield Case((), f"preset {name}", preset_tables(name))
    FOLDER.mkdir(exist_ok=True)
    more = {
        "moons, gelu": classify("moons", stack("GELU", 2, width=24), 25, optimizer=adam(5e-3)),
        "rings, one cycle": classify(
            "rings", stack("Tanh", 2, 3, 24), 40, schedule={"name": "one_cycle"}
        ),
        "table": classify(write_table(FOLDER, "sound", (1.0, 30.0, 200.0), 50.0), MLP, 15),
        "sine, sgd": regress("sine", CURVE, 60, optimizer=momentum),
        "blobs, wide": classify({"name": "blobs", "centers": 6}, stack("ReLU", 2, 6, 48), 20),
    }
    for name, tables in more.items():
        yield Case((), name, tables)
    yield from _sound_held_out()


def _sound_held_out() -> Iterator[Case]:
    """Yields experiments that were written after the thresholds were chosen."""
    kinds: dict[str, dict[str, Any]] = {
        "rings, rmsprop": classify(RINGS, MLP, 25, optimizer={"name": "rmsprop", "lr": 3e-3}),
        "roll, batch norm": regress(
            ROLL, ("Linear 32", "BatchNorm1d", "ReLU", "Linear 1"), 25, optimizer=adam(5e-3)),
        "moons, layer norm": classify(NOISY, ("Linear 24", "LayerNorm", "GELU", "Linear 2"), 20),
        "circle, sigmoid": classify("circle", ("Linear 24", "Sigmoid", "Linear 2"), 30),
        "gauss, imbalance": classify(
            {"name": "gauss", "imbalance": 0.7, "samples": 800}, ("Linear 2",), 20),
        "multi_gauss, relu": regress(
            "multi_gauss", stack("ReLU", 2, 1, 48), 40, optimizer=adam(5e-3)),
        "blobs, all at once": classify({"name": "blobs", "batch_size": 0}, ("Linear 4",), 80),
        "moons, dropout 0.5": classify(NOISY, ("Linear 64", "ReLU", "Dropout 0.5", "Linear 2"), 25),
    }  # fmt: skip
    for name, tables in kinds.items():
        yield Case((), f"held out: {name}", tables, is_held_out=True)
