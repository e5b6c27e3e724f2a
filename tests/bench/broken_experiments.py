"""Experiments that are broken on purpose, each in one known way."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tuilab.core.experiment.experiment import Experiment, experiment_from_dict

SEEDS = (0, 1, 2)

MLP = ("Linear 32", "ReLU", "Linear 32", "ReLU", "Linear 2")
TANH = ("Linear 24", "Tanh", "Linear 24", "Tanh", "Linear 2")
NORMED = ("Linear 32", "BatchNorm1d", "ReLU", "Linear 2")
CURVE = ("Linear 32", "Tanh", "Linear 32", "Tanh", "Linear 1")
CONV = ("Conv2d 8 kernel_size=3", "MaxPool2d 2", "ReLU", "Flatten", "Linear 10")

ADAM = {"name": "adamw", "lr": 1e-2}


class Case(NamedTuple):
    """One kind of experiment, and its fault by any of the names that are correct."""

    faults: tuple[str, ...]
    "Empty for a sound experiment."
    name: str
    tables: dict[str, Any]
    is_held_out: bool = False
    "Not used when the thresholds were chosen."

    def experiments(self) -> Iterator[Experiment]:
        """Yields one for each seed."""
        for seed in SEEDS:
            yield experiment_from_dict({**self.tables, "seed": seed})


def classify(data: Any, network: tuple[str, ...], epochs: int, **tables: Any) -> dict[str, Any]:
    """Returns the tables of a classification on a data set, with AdamW by default."""
    data = {"name": data} if isinstance(data, str) else data
    training = {"epochs": epochs, "device": "cpu", **tables.pop("training", {})}
    return {
        "data": data, "network": list(network), "training": training, "optimizer": ADAM, **tables
    }  # fmt: skip


def regress(data: Any, network: tuple[str, ...], epochs: int, **tables: Any) -> dict[str, Any]:
    """Returns the tables of a regression on a data set, with AdamW by default."""
    return classify(data, network, epochs, task="regression", loss={"name": "mse"}, **tables)


def write_table(folder: Path, name: str, scales: tuple[float, ...], shift: float) -> dict[str, Any]:
    """Writes a table of measurements in raw units whose classes are linearly separable."""
    rng, lines = random.Random(name), ["a,b,c,kind"]
    for _ in range(400):
        row = [rng.gauss(0, 1) for _ in scales]
        kind = "yes" if row[0] + row[1] - row[2] > 0 else "no"
        numbers = (shift + scale * x for scale, x in zip(scales, row, strict=True))
        lines.append(",".join([*(f"{number:.6g}" for number in numbers), kind]))
    path = folder / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n")
    return {"name": "table", "path": str(path), "target": "kind"}


FOLDER = Path(tempfile.gettempdir()) / "tuilab-bench-diagnosis"
NOISY = {"name": "moons", "noise": 0.15}
FEW = {"name": "moons", "samples": 60, "noise": 0.35}
BATCH = {"name": "circle", "batch_size": 4}
IMAGES = {"name": "glyphs", "samples": 600}


def sgd(lr: float, **options: Any) -> dict[str, Any]:
    """Returns the table of SGD."""
    return {"name": "sgd", "lr": lr, **options}


def adam(lr: float, **options: Any) -> dict[str, Any]:
    """Returns the table of AdamW."""
    return {"name": "adamw", "lr": lr, **options}


def normal(std: float) -> dict[str, Any]:
    """Returns the table of normally distributed weights."""
    return {"weights": "normal", "std": std}


def stack(activation: str, layers: int, outputs: int = 2, width: int = 16) -> tuple[str, ...]:
    """Returns the lines of many layers of the same width."""
    return (*[f"Linear {width}", activation] * layers, f"Linear {outputs}")


SLOW, PLAIN = adam(1e-3), sgd(0.05)
WIDE = stack("ReLU", 2, width=128)


def broken() -> Iterator[Case]:
    """Yields each fault at least twice, on other data and with other networks."""
    high = ("learning_rate_too_high", "loss_not_finite")
    yield Case(high, "circle, adamw 3", classify("circle", MLP, 20, optimizer=adam(3.0)))
    yield Case(high, "spiral, sgd 30", classify("spiral", TANH, 25, optimizer=sgd(30.0)))
    yield Case(high, "plane, sgd 1.5", regress("plane", ("Linear 1",), 10, optimizer=sgd(1.5)))
    yield Case(high, "sine, adamw 1", regress("sine", CURVE, 30, optimizer=adam(1.0)))
    low = ("learning_rate_too_low",)
    yield Case(low, "moons, adamw 1e-6", classify("moons", MLP, 20, optimizer=adam(1e-6)))
    yield Case(low, "sine, sgd 1e-5", regress("sine", CURVE, 20, optimizer=sgd(1e-5)))
    yield Case(low, "glyphs, adam 1e-6", classify(IMAGES, CONV, 4, optimizer=adam(1e-6)))
    exploding = ("exploding_gradients", *high)
    yield Case(
        exploding,
        "moons, deep, std 1",
        classify("moons", stack("ReLU", 6, width=32), 15, initialization=normal(1.0)),
    )
    yield Case(
        exploding,
        "circle, std 6",
        classify("circle", MLP, 15, initialization=normal(6.0), optimizer=adam(1e-3)),
    )
    vanishing = ("vanishing_gradients",)
    yield Case(
        vanishing,
        "moons, 8 sigmoids",
        classify("moons", stack("Sigmoid", 8), 20, optimizer=adam(1e-3)),
    )
    yield Case(vanishing, "sine, 10 sigmoids", regress("sine", stack("Sigmoid", 10, 1), 20))
    yield Case(
        vanishing,
        "rings, 7 sigmoids, sgd",
        classify("rings", stack("Sigmoid", 7, 3), 20, optimizer=sgd(0.1)),
    )
    dead = ("dead_relus", "no_gradient")
    yield Case(
        dead,
        "rings, adamw 0.5",
        classify("rings", stack("ReLU", 3, 3), 20, optimizer=adam(0.5)),
    )
    yield Case(dead, "spiral, adamw 0.7", classify("spiral", MLP, 20, optimizer=adam(0.7)))
    yield Case(
        dead, "blobs, sgd 5", classify("blobs", stack("ReLU", 2, 4, 32), 20, optimizer=sgd(5.0))
    )
    saturated = ("saturation",)
    yield Case(
        saturated,
        "moons, tanh, std 15",
        classify("moons", TANH, 15, initialization=normal(15.0), optimizer=SLOW),
    )
    yield Case(
        saturated,
        "spiral, sigmoid, std 30",
        classify(
            "spiral",
            ("Linear 24", "Sigmoid", "Linear 24", "Sigmoid", "Linear 2"),
            20,
            initialization=normal(30.0),
        ),
    )
    equal = ("symmetric_initialization",)
    yield Case(equal, "xor, zeros", classify("xor", MLP, 15, initialization={"weights": "zeros"}))
    yield Case(
        equal,
        "circle, all 0.1",
        classify("circle", TANH, 15, initialization={"weights": "constant", "value": 0.1}),
    )
    plateau = ("plateau", "vanishing_gradients")
    tiny = normal(0.01)
    yield Case(
        plateau,
        "xor, tiny weights",
        classify("xor", stack("Tanh", 3), 20, initialization=tiny, optimizer=PLAIN),
    )
    yield Case(
        plateau,
        "rings, tiny weights",
        classify("rings", stack("ReLU", 4, 3), 20, initialization=normal(0.02), optimizer=PLAIN),
    )
    yield from _faults_of_data()
    yield from _faults_of_layers()
    yield from _faults_of_knobs()
    yield from _formerly_held_out()


def _faults_of_data() -> Iterator[Case]:
    rare = ("class_imbalance",)
    yield Case(
        rare,
        "gauss, 93 % rarer",
        classify(
            {"name": "gauss", "noise": 1.0, "imbalance": 0.93, "samples": 1500},
            ("Linear 4", "ReLU", "Linear 2"),
            20,
        ),
    )
    yield Case(
        rare,
        "moons, 93 % rarer",
        classify({"name": "moons", "noise": 0.6, "imbalance": 0.93}, ("Linear 2",), 20),
    )
    over = ("overfitting",)
    yield Case(over, "moons, 60 points", classify(FEW, stack("ReLU", 3, width=128), 150))
    yield Case(
        over,
        "multi_gauss, 60 points",
        regress(
            {"name": "multi_gauss", "samples": 60, "noise": 0.5}, stack("ReLU", 3, 1, 128), 200
        ),
    )
    yield Case(
        over,
        "gauss, 50 points",
        classify({"name": "gauss", "samples": 50, "noise": 0.6}, WIDE, 200),
    )
    under = ("underfitting",)
    yield Case(under, "circle by a line", classify("circle", ("Linear 2",), 25))
    yield Case(under, "rings by two units", classify("rings", ("Linear 1", "Tanh", "Linear 3"), 40))
    yield Case(under, "multi_gauss by a plane", regress("multi_gauss", ("Linear 1",), 25))
    raw = ("inputs_not_normalized",)
    FOLDER.mkdir(exist_ok=True)
    wild = write_table(FOLDER, "wild", (1.0, 500.0, 20000.0), 0.0)
    far = write_table(FOLDER, "far", (1.0, 1.0, 1.0), 1000.0)
    yield Case(raw, "table, wild scales", classify({**wild, "normalize": False}, MLP, 15))
    yield Case(raw, "table, far from zero", classify({**far, "normalize": False}, TANH, 15))
    shuffled = ("labels_shuffled",)
    few = {"samples": 160, "validation": 0.3}
    half, quarter = {"label_noise": 0.5, **few}, {"label_noise": 0.75, **few}
    wide = stack("ReLU", 3, 4, 128)
    yield Case(shuffled, "circle, random labels", classify({"name": "circle", **half}, WIDE, 150))
    yield Case(
        shuffled,
        "blobs, random labels",
        classify({"name": "blobs", **quarter}, wide, 250, optimizer=adam(3e-3)),
    )
    yield Case(shuffled, "xor, random labels", classify({"name": "xor", **half}, WIDE, 150))


def _faults_of_layers() -> Iterator[Case]:
    linear = ("no_nonlinearity",)
    yield Case(
        linear,
        "circle, linear",
        classify("circle", ("Linear 32", "Linear 32", "Linear 2"), 15),
    )
    yield Case(
        linear, "sine, linear", regress("sine", ("Linear 32", "Dropout 0.1", "Linear 1"), 15)
    )
    twice = ("softmax_before_cross_entropy",)
    yield Case(twice, "moons, softmax", classify("moons", (*MLP, "Softmax"), 15))
    yield Case(twice, "blobs, softmax", classify("blobs", ("Linear 4", "Softmax"), 15))
    output = ("output_does_not_fit",)
    yield Case(
        output,
        "plane, ends in ReLU",
        regress("plane", ("Linear 16", "Tanh", "Linear 1", "ReLU"), 15),
    )
    yield Case(output, "sine, ends in Sigmoid", regress("sine", (*CURVE, "Sigmoid"), 15))
    yield Case(output, "moons, ends in ReLU", classify("moons", (*MLP, "ReLU"), 15))
    stuck = ("no_gradient",)
    yield Case(stuck, "moons, Step", classify("moons", ("Linear 16", "Step", "Linear 2"), 15))
    yield Case(
        stuck,
        "sine, Step",
        regress("sine", ("Linear 24", "Step", "Linear 24", "Tanh", "Linear 1"), 15),
    )
    small = ("batch_too_small_for_batch_norm",)
    yield Case(
        small,
        "circle, 2 examples",
        classify({"name": "circle", "batch_size": 2, "samples": 300}, NORMED, 5),
    )
    yield Case(
        small,
        "moons, 3 examples",
        classify({"name": "moons", "batch_size": 3, "samples": 300}, NORMED, 6),
    )
    gap = ("batch_norm_gap",)
    slow = ("Linear 32", "BatchNorm1d momentum=0.0001", "ReLU", "Linear 32",
            "BatchNorm1d momentum=0.0001", "ReLU", "Linear 2")  # fmt: skip
    raw = {"name": "circle", "normalize": False, "features": ["x1^2", "x2^2"]}
    yield Case(gap, "circle, momentum 1e-4", classify(raw, slow, 12))
    yield Case(
        gap,
        "spiral, momentum 1e-4",
        classify({"name": "spiral", "normalize": False}, slow, 30),
    )


def _faults_of_knobs() -> Iterator[Case]:
    drop = ("dropout_too_strong",)
    wide = ("Linear 32", "ReLU", "Dropout 0.9", "Linear 32", "ReLU", "Dropout 0.9", "Linear 2")
    yield Case(drop, "moons, dropout 0.9", classify("moons", wide, 20))
    once = ("Linear 32", "ReLU", "Dropout 0.85", "Linear 32", "ReLU", "Linear 2")
    yield Case(drop, "spiral, dropout 0.85", classify("spiral", once, 40))
    decay = ("weight_decay_too_strong",)
    yield Case(
        decay,
        "moons, decay 10",
        classify("moons", MLP, 20, optimizer=adam(1e-2, weight_decay=10.0)),
    )
    yield Case(decay, "circle, l2 1", classify("circle", TANH, 20, regularization={"l2": 1.0}))
    yield Case(
        decay,
        "sine, sgd decay 1",
        regress("sine", CURVE, 30, optimizer=sgd(0.05, weight_decay=1.0)),
    )
    clip = ("clipping_every_step",)
    yield Case(
        clip,
        "moons, limit 1e-3",
        classify("moons", MLP, 20, training={"clip_grad_norm": 1e-3}, optimizer=sgd(0.1)),
    )
    yield Case(
        clip,
        "sine, limit 0.01",
        regress("sine", CURVE, 20, training={"clip_grad_norm": 0.01}, optimizer=sgd(0.05)),
    )


ROLL = {"name": "swiss_roll", "samples": 400}
RINGS = {"name": "rings", "circles": 2, "noise": 0.05}


def _formerly_held_out() -> Iterator[Case]:
    """Yields faults that were held out until they served to correct the rules."""
    kinds: dict[str, dict[str, Any]] = {
        "learning_rate_too_high": regress(ROLL, CURVE, 20, optimizer={"name": "adam", "lr": 2.0}),
        "learning_rate_too_low": classify(
            RINGS, TANH, 20, optimizer={"name": "rmsprop", "lr": 1e-6}),
        "vanishing_gradients": regress(ROLL, stack("Sigmoid", 9, 1, 24), 20, optimizer=SLOW),
        "saturation": classify(RINGS, TANH, 20, initialization=normal(20.0), optimizer=SLOW),
        "overfitting": classify({"name": "circle", "samples": 50, "noise": 0.5}, WIDE, 200),
        "underfitting": classify({"name": "spiral", "samples": 400}, ("Linear 2",), 25),
        "dropout_too_strong": regress(
            ROLL, ("Linear 48", "ReLU", "Dropout 0.9", "Linear 24", "ReLU", "Dropout 0.8",
                   "Linear 1"), 25),
        "weight_decay_too_strong": classify(RINGS, MLP, 25, optimizer=adam(0.02, weight_decay=8.0)),
        "clipping_every_step": regress(
            ROLL, CURVE, 20, training={"clip_grad_norm": 0.005}, optimizer=sgd(0.05)),
        "class_imbalance": classify(
            {"name": "circle", "noise": 0.5, "imbalance": 0.93, "samples": 1000},
            ("Linear 8", "Tanh", "Linear 2"), 20),
    }  # fmt: skip
    for fault, tables in kinds.items():
        yield Case((fault,), f"formerly held out: {fault}", tables)
