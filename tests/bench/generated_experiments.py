"""Experiments drawn at random: sound ones, and the same ones with one fault.

A kind of task draws a sound experiment: data, network, optimizer, length. A fault changes one thing
in it, by a strength that is drawn as well. Everything follows from the seed of the half.

The rules are tuned on one half and only measured on the other. The halves share no kind of task and
no strength of a fault: strengths lie in six bins from mild to strong, and a half has every second.

What is drawn is a candidate. Whether it counts is decided by training, by validation scores and
never by the diagnosis (`judged_experiments`).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Literal, NamedTuple

from tests.bench.generated_files import write_table, write_text

Half = Literal["tuned", "measured"]
Tables = dict[str, Any]
Draw = Callable[[random.Random], Tables]
BINS = 6
"""Bins of strengths: the halves take turns."""

FILE = "file"
"""The key of what a table's file is made of, which faults can change."""

SEEDS = {"tuned": 20_001, "measured": 90_007}
"""The seed of each half; the half that is measured gets a new one whenever it has served to change
a rule."""


class Drawn(NamedTuple):
    """One experiment, and what is wrong with it."""

    kind: str
    "The kind of task."
    number: int
    "Of the sound experiment that it is made from."
    fault: str
    "Empty for a sound one, `short` for one that ends long before it has learned."
    accepted: tuple[str, ...]
    "Names of findings that are right; empty for a sound one."
    strength: float
    "From 0, mild, to 1, strong."
    tables: Tables


# --- sound experiments --------------------------------------------------------------------------


def _log_uniform(rng: random.Random, low: float, high: float) -> float:
    return float(f"{low * (high / low) ** rng.random():.3g}")


def _optimizer(rng: random.Random, adam: float, sgd: float = 0.0) -> Tables:
    """Draws an optimizer, at a rate within a factor of two of its usual one for the task."""
    name = rng.choice(("adam", "adamw", "adamw", "sgd", "momentum") if sgd else ("adam", "adamw"))
    factor = _log_uniform(rng, 0.5, 2)
    if name == "sgd":
        return {"name": "sgd", "lr": float(f"{sgd * factor:.3g}")}
    if name == "momentum":
        return {"name": "sgd", "lr": float(f"{0.2 * sgd * factor:.3g}"), "momentum": 0.9}
    return {"name": name, "lr": float(f"{adam * factor:.3g}")}


def _hidden(
    rng: random.Random, activations: tuple[str, ...] = ("ReLU", "Tanh", "GELU")
) -> list[Any]:
    width, activation = rng.choice((16, 24, 32, 48)), rng.choice(activations)
    return [f"Linear {width}", activation] * rng.choice((1, 2, 2, 3))


def _extras(rng: random.Random, lines: list[Any]) -> list[Any]:
    """Adds batch norm, layer norm or dropout to some networks."""
    choice = rng.random()
    if choice < 0.15:
        return [lines[0], "BatchNorm1d", *lines[1:]]
    if choice < 0.25:
        return [lines[0], "LayerNorm", *lines[1:]]
    return [*lines, "Dropout 0.2"] if choice < 0.4 else lines


def _schedule(rng: random.Random) -> Tables:
    return {"name": rng.choice(("constant", "constant", "cosine", "one_cycle"))}


def _tables(data: Tables, network: list[Any], epochs: int, **tables: Any) -> Tables:
    return {
        "data": data, "network": network, "training": {"epochs": epochs, "device": "cpu"}, **tables
    }  # fmt: skip


def draw_points(rng: random.Random) -> Tables:
    """Draws a classification of points of the plane."""
    name, outputs = rng.choice(
        [("moons", 2), ("circle", 2), ("xor", 2), ("spiral", 2), ("rings", 3), ("blobs", 4)]
    )
    samples = 600 if name == "spiral" else rng.choice((300, 500))
    data = {"name": name, "samples": samples, "batch_size": rng.choice((16, 32, 64))}
    if name in ("moons", "circle"):
        data["noise"] = rng.choice((0.0, 0.1))
    network = [*_extras(rng, _hidden(rng)), f"Linear {outputs}"]
    epochs = 60 if name == "spiral" else rng.choice((20, 30, 40))
    return _tables(data, network, epochs, optimizer=_optimizer(rng, 8e-3, 0.2),
                   schedule=_schedule(rng))  # fmt: skip


def draw_drawn_points(rng: random.Random) -> Tables:
    """Draws a classification of points on a coarse grid, where some are equal by coincidence."""
    points = [(rng.randint(-6, 6), rng.randint(-6, 6)) for _ in range(250)]
    labeled = [[x, y, int(x + 2 * y > 0)] for x, y in points if x + 2 * y]
    data = {"name": "drawn", "points": labeled, "validation": 0.25, "batch_size": 16}
    return _tables(data, [*_hidden(rng), "Linear 2"], 25, optimizer=_optimizer(rng, 8e-3, 0.1))


def draw_curves(rng: random.Random) -> Tables:
    """Draws a regression on points."""
    name = rng.choice(("sine", "plane", "multi_gauss", "swiss_roll"))
    data = {"name": name, "samples": 500, "batch_size": rng.choice((16, 32)),
            "noise": rng.choice((0.0, 0.05))}  # fmt: skip
    network = [*_extras(rng, _hidden(rng, ("ReLU", "Tanh"))), "Linear 1"]
    return _tables(data, network, rng.choice((30, 50)), task="regression", loss={"name": "mse"},
                   optimizer=_optimizer(rng, 8e-3, 0.05), schedule=_schedule(rng))  # fmt: skip


def draw_digits(rng: random.Random) -> Tables:
    """Draws a convolutional network for pictures of digits."""
    norm = ["BatchNorm2d"] if rng.random() < 0.3 else []
    drop = ["Dropout 0.2"] if rng.random() < 0.3 else []
    width = rng.choice((8, 12))
    network = [
        f"Conv2d {width} kernel_size=3 stride=2", *norm, "ReLU", "MaxPool2d 2", "Flatten", *drop,
        *(["Linear 32", "ReLU"] if rng.random() < 0.5 else []), "Linear 10",
    ]  # fmt: skip
    data = {"name": "glyphs", "samples": 800, "batch_size": 32, "shift": 1}
    return _tables(data, network, rng.choice((8, 12)), optimizer=_optimizer(rng, 4e-3, 0.1),
                   schedule=_schedule(rng))  # fmt: skip


def draw_waves(rng: random.Random) -> Tables:
    """Draws a recurrent network that classifies waves."""
    cell = rng.choice(("RNN", "GRU", "LSTM"))
    data = {"name": "waves", "length": 24, "samples": 500, "batch_size": 32}
    return _tables(data, [f"{cell} {rng.choice((16, 24))}", "Linear 3"], 15,
                   optimizer=_optimizer(rng, 8e-3))  # fmt: skip


def draw_copy(rng: random.Random) -> Tables:
    """Draws attention that repeats letters."""
    data = {"name": "copy", "memory": rng.choice((3, 4)), "delay": rng.choice((4, 6)),
            "samples": 1000, "batch_size": 32, "symbols": 6}  # fmt: skip
    block = "TransformerEncoderLayer 4 dim_feedforward=48 dropout=0 norm_first=true"
    network = ["Embedding 32", "PositionalEncoding kind=learned", block, block, "Linear 6"]
    return _tables(data, network, 20, optimizer=_optimizer(rng, 4e-3),
                   schedule={"name": "one_cycle"})  # fmt: skip


def draw_autoencoder(rng: random.Random) -> Tables:
    """Draws an autoencoder of pictures, plain or variational."""
    is_variational = rng.random() < 0.5
    code, hidden = rng.choice((8, 12)), rng.choice((64, 96))
    middle = [f"Linear {2 * code}", "Reparameterization"] if is_variational else [f"Linear {code}"]
    network = [
        ["Encoder", "Flatten", f"Linear {hidden}", "ReLU", *middle],
        ["Decoder", f"Linear {hidden}", "ReLU", "Linear 784", "Unflatten (1,28,28)"],
    ]
    task = {"name": "autoencoder", **({"beta": 0.3} if is_variational else {})}
    data = {"name": "glyphs", "samples": 800, "batch_size": 32, "rotation": 3.0, "shift": 0}
    return _tables(data, network, 15, task=task, loss={"name": "mse"},
                   optimizer=_optimizer(rng, 3e-3))  # fmt: skip


def _draw_gan(rng: random.Random, data: Tables) -> Tables:
    network = [
        ["Generator", "Linear 64", "ReLU", "Linear 64", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 64", "LeakyReLU 0.2", "Linear 64", "LeakyReLU 0.2", "Linear 1"],
    ]
    data = {**data, "samples": 2000, "batch_size": 128}
    optimizer = {"name": "adam", "lr": _log_uniform(rng, 7e-4, 2e-3), "betas": [0.5, 0.999]}
    task = {"name": "gan", "latent": 8, "discriminator_lr": 2.0}
    return _tables(data, network, 80, task=task, loss={"name": "bce"}, optimizer=optimizer)


def draw_ring_gan(rng: random.Random) -> Tables:
    """Draws a GAN of clouds on a ring."""
    return _draw_gan(rng, {"name": "gaussians_ring", "modes": rng.choice((6, 8))})


def draw_grid_gan(rng: random.Random) -> Tables:
    """Draws a GAN of clouds on a grid."""
    return _draw_gan(rng, {"name": "gaussians_grid", "side": 3})


def _draw_language(rng: random.Random, data: Tables, vocabulary: int) -> Tables:
    network = [
        "Embedding 32", "PositionalEncoding kind=learned",
        "TransformerEncoderLayer 4 dim_feedforward=64 dropout=0 norm_first=true causal=true",
        "LayerNorm", f"Linear {vocabulary}",
    ]  # fmt: skip
    data = {**data, "length": 24, "stride": 24, "batch_size": 16}
    return _tables(data, network, 3, task={"name": "language_model"},
                   optimizer=_optimizer(rng, 6e-3), schedule={"name": "one_cycle"})  # fmt: skip


def draw_source_code(rng: random.Random) -> Tables:
    """Draws a language model of Python's library."""
    return _draw_language(rng, {"name": "python_source", "size": 60}, 97)


def draw_sentences(rng: random.Random) -> Tables:
    """Draws a language model of sentences made of few words."""
    path, vocabulary = write_text(rng.randrange(10**6))
    return _draw_language(rng, {"name": "text", "path": path}, vocabulary)


def draw_karate(rng: random.Random) -> Tables:
    """Draws a graph convolution of the karate club."""
    data = {"name": "karate", "labelled": rng.choice((3, 4))}
    network = [f"GraphConvolution {rng.choice((8, 16))}", rng.choice(("ReLU", "Tanh")),
               "GraphConvolution 2"]  # fmt: skip
    return _tables(data, network, 100, optimizer=_optimizer(rng, 1e-2))


def draw_communities(rng: random.Random) -> Tables:
    """Draws a graph convolution of communities."""
    data = {"name": "communities", "nodes": rng.choice((200, 300)), "labelled": rng.choice((6, 8))}
    network = [f"GraphConvolution {rng.choice((16, 24))}", "ReLU", "GraphConvolution 4"]
    return _tables(data, network, 120, optimizer=_optimizer(rng, 1e-2))


def draw_table_of_classes(rng: random.Random) -> Tables:
    """Draws a classification of a table, of measurements or of small whole numbers."""
    file = {"seed": rng.randrange(10**6), "target": "classes", "is_whole": rng.random() < 0.3}
    data = {"name": "table", FILE: file, "target": "answer", "batch_size": rng.choice((16, 32))}
    network = [*_extras(rng, _hidden(rng)), "Linear 2"]
    return _tables(data, network, rng.choice((15, 25)), task="classification",
                   optimizer=_optimizer(rng, 4e-3, 0.1), schedule=_schedule(rng))  # fmt: skip


def draw_table_of_numbers(rng: random.Random) -> Tables:
    """Draws a regression of a table."""
    file = {"seed": rng.randrange(10**6), "target": "numbers"}
    data = {"name": "table", FILE: file, "target": "answer", "batch_size": rng.choice((16, 32))}
    network = [*_extras(rng, _hidden(rng, ("ReLU", "Tanh"))), "Linear 1"]
    return _tables(data, network, rng.choice((25, 40)), task="regression", loss={"name": "mse"},
                   optimizer=_optimizer(rng, 5e-3, 0.03), schedule=_schedule(rng))  # fmt: skip


def draw_letters(rng: random.Random) -> Tables:
    """Draws a network for pictures of letters: dense, or attention over patches."""
    data = {"name": "glyphs", "alphabet": "letters", "samples": 1200, "batch_size": 32,
            "shift": 0, "rotation": 5.0}  # fmt: skip
    if rng.random() < 0.4:
        block = "TransformerEncoderLayer 4 dim_feedforward=48 dropout=0 norm_first=true"
        network = ["PatchEmbedding 7 32", "PositionalEncoding kind=learned", block,
                   "MeanOverPositions", "Linear 26"]  # fmt: skip
        return _tables(data, network, 15, optimizer=_optimizer(rng, 4e-3), schedule=_schedule(rng))
    network = ["Flatten", *_extras(rng, ["Linear 64", rng.choice(("ReLU", "GELU", "Tanh"))]),
               "Linear 26"]  # fmt: skip
    return _tables(data, network, rng.choice((8, 12)), optimizer=_optimizer(rng, 3e-3, 0.1),
                   schedule=_schedule(rng))  # fmt: skip


def draw_letter_codes(rng: random.Random) -> Tables:
    """Draws a variational autoencoder of pictures of letters."""
    code, hidden = rng.choice((6, 10)), rng.choice((96, 128))
    network = [
        ["Encoder", "Flatten", f"Linear {hidden}", "Tanh", f"Linear {2 * code}",
         "Reparameterization"],
        ["Decoder", f"Linear {hidden}", "Tanh", "Linear 784", "Unflatten (1,28,28)"],
    ]  # fmt: skip
    data = {"name": "glyphs", "alphabet": "letters", "samples": 900, "batch_size": 32,
            "rotation": 2.0, "shift": 0}  # fmt: skip
    return _tables(data, network, 15, task={"name": "autoencoder", "beta": 0.3},
                   loss={"name": "mse"}, optimizer=_optimizer(rng, 4e-3))  # fmt: skip


def draw_adding(rng: random.Random) -> Tables:
    """Draws a recurrent network that adds two marked numbers, or forecasts a series."""
    cell = rng.choice(("GRU", "LSTM"))
    if rng.random() < 0.5:
        data = {"name": "forecast", "length": 16, "samples": 600, "batch_size": 32}
        cell = rng.choice(("RNN", cell))
    else:
        data = {"name": "adding", "length": 10, "samples": 1500, "batch_size": 32}
    return _tables(data, [f"{cell} {rng.choice((16, 24))}", "Linear 1"], 18, task="regression",
                   loss={"name": "mse"}, optimizer=_optimizer(rng, 1e-2))  # fmt: skip


KINDS: dict[Half, dict[str, tuple[Draw, int]]] = {
    "tuned": {
        "points": (draw_points, 42), "drawn points": (draw_drawn_points, 8),
        "curves": (draw_curves, 26), "digits": (draw_digits, 26), "waves": (draw_waves, 12),
        "copy": (draw_copy, 4), "autoencoder": (draw_autoencoder, 8), "ring": (draw_ring_gan, 6),
        "source code": (draw_source_code, 5), "karate": (draw_karate, 10),
    },
    "measured": {
        "table of classes": (draw_table_of_classes, 42),
        "table of numbers": (draw_table_of_numbers, 28), "letters": (draw_letters, 30),
        "adding": (draw_adding, 16), "grid": (draw_grid_gan, 6), "sentences": (draw_sentences, 8),
        "communities": (draw_communities, 14), "letter codes": (draw_letter_codes, 6),
    },
}  # fmt: skip
"""How each half draws its kinds of tasks, and how many sound experiments of each."""


# --- faults -------------------------------------------------------------------------------------


Change = Callable[[Tables, float, random.Random], bool]
"""Puts a fault of a strength into tables; returns whether it could."""

HIGH = ("learning_rate_too_high", "loss_not_finite")
LARGE = ("exploding_gradients", "saturation", "loss_not_finite", "exploding_state")
SMALL = ("vanishing_gradients", "plateau")
DECAY = ("weight_decay_too_strong", "underfitting_by_regularization")
WRONG_LABELS = ("labels_shuffled",)


def _between(low: float, high: float, strength: float) -> float:
    """Returns a value between two, evenly in the logarithm."""
    return float(f"{low * (high / low) ** strength:.3g}")


def _is_classification(tables: Tables) -> bool:
    return bool(tables.get("task", "classification") == "classification")


def _is_regression(tables: Tables) -> bool:
    return bool(tables.get("task") == "regression")


def _has(tables: Tables, text: str) -> bool:
    return any(text in line for line in _flatten(tables["network"]))


def _flatten(lines: list[Any]) -> Iterator[str]:
    for line in lines:
        if isinstance(line, str):
            yield line
        else:
            yield from _flatten(line)


def _is_dense(tables: Tables) -> bool:
    """Returns whether it is a plain network of linear layers on rows of numbers."""
    return tables["network"][0].startswith("Linear") if _is_flat(tables) else False


def _is_flat(tables: Tables) -> bool:
    return all(isinstance(line, str) for line in tables["network"])


def _outputs(tables: Tables) -> str:
    return str(tables["network"][-1])


def _without_norms(tables: Tables) -> list[Any]:
    return [line for line in tables["network"] if "Norm" not in str(line)]


def _set_rate(tables: Tables, factor: float) -> None:
    optimizer = tables["optimizer"]
    optimizer["lr"] = float(f"{optimizer['lr'] * factor:.3g}")


def high_rate(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Multiplies the learning rate."""
    _set_rate(tables, _between(15, 1500, strength))
    return bool(tables["optimizer"]["lr"] <= 1000)


def low_rate(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Divides the learning rate."""
    _set_rate(tables, 1 / _between(50, 10_000, strength))
    return True


def large_weights(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Starts with weights that are far too large."""
    recurrent = _has(tables, "RNN ") or _has(tables, "GRU ") or _has(tables, "LSTM ")
    if not (_is_dense(tables) or recurrent or _has(tables, "Conv2d")):
        return False
    tables["network"] = _without_norms(tables)
    if recurrent and not _has(tables, "RNN "):
        return False
    tables["initialization"] = {"weights": "normal", "std": _between(2, 20, strength)}
    return True


def exploding_recurrence(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lets a recurrent state grow from position to position."""
    network = tables["network"]
    if not str(network[0]).startswith(("RNN", "GRU", "LSTM")):
        return False
    tables["network"] = ["RNN 24 nonlinearity=relu", *network[1:]]
    tables["initialization"] = {"weights": "normal", "std": _between(0.35, 0.8, strength)}
    return True


def small_weights(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Starts a deep network with weights that are far too small."""
    if not _is_dense(tables):
        return False
    lines = ["Linear 24", rng.choice(("ReLU", "Tanh"))] * (3 + round(2 * strength))
    tables["network"] = [*lines, _outputs(tables)]
    tables["initialization"] = {"weights": "normal", "std": 0.02}
    tables["optimizer"] = {"name": "sgd", "lr": 0.05}
    return True


def equal_weights(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Starts with the same weight everywhere."""
    if not (_is_dense(tables) or _has(tables, "Conv2d")):
        return False
    value = _between(0.02, 0.5, strength)
    tables["initialization"] = (
        {"weights": "zeros"} if strength < 0.3 else {"weights": "constant", "value": value}
    )
    return True


def deep_sigmoids(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Puts many sigmoids in a row."""
    if not _is_dense(tables):
        return False
    layers = 6 + round(5 * strength)
    tables["network"] = [*["Linear 20", "Sigmoid"] * layers, _outputs(tables)]
    return True


def few_examples(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves few, noisy examples to a large network for a long time."""
    data = tables["data"]
    if "samples" not in data or not _is_dense(tables) or data["name"] in ("plane", "swiss_roll"):
        return False
    data |= {"samples": round(_between(90, 40, strength)), "noise": 0.4, "batch_size": 16}
    tables["network"] = ["Linear 128", "ReLU", "Linear 128", "ReLU", _outputs(tables)]
    tables["training"]["epochs"] = 200
    tables["schedule"] = {"name": "constant"}
    return True


def few_rows(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves most rows of a table out, and trains a large network for a long time."""
    if FILE not in tables["data"]:
        return False
    tables["data"] |= {"validation": _between(0.75, 0.88, strength), "batch_size": 16}
    tables["network"] = ["Linear 128", "ReLU", "Linear 128", "ReLU", _outputs(tables)]
    tables["training"]["epochs"] = 200
    tables["schedule"] = {"name": "constant"}
    return True


def few_pictures(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves few pictures to a large network for a long time."""
    if tables["data"]["name"] != "glyphs" or not _is_classification(tables):
        return False
    tables["data"] |= {"samples": round(_between(150, 80, strength)), "noise": 0.4}
    tables["network"] = ["Flatten", "Linear 128", "ReLU", _outputs(tables)]
    tables["training"]["epochs"] = 60
    tables["schedule"] = {"name": "constant"}
    return True


def small_network(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves out the hidden layers, or leaves one or two units in the narrowest."""
    if _has(tables, "GRU ") or _has(tables, "LSTM ") or _has(tables, "RNN "):
        cell = str(tables["network"][0]).split()[0]
        tables["network"] = [f"{cell} 1", *tables["network"][1:]]
        return True
    if not (_is_dense(tables) or _has(tables, "Flatten")) or not _is_flat(tables):
        return False
    front = [] if _is_dense(tables) else ["Flatten"]
    if strength > 0.5 and _is_dense(tables):
        tables["network"] = [_outputs(tables)]
    else:
        units = 1 if strength > 0.25 else 2
        tables["network"] = [*front, f"Linear {units}", "Tanh", _outputs(tables)]
    return True


def wrong_labels(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Gives many examples the label of another class."""
    if not _is_classification(tables) or not _is_flat(tables):
        return False
    data = tables["data"]
    if data["name"] in ("copy", "karate", "communities"):
        return False
    if FILE in data:
        data[FILE]["shuffled"] = _between(0.6, 1.0, strength)
    else:
        classes = int(_outputs(tables).split()[1])
        data["label_noise"] = _between(0.6, 1.0, strength) * (1 - 1 / classes)
        if "samples" in data and data["name"] != "glyphs":
            data |= {"samples": 240, "validation": 0.3}
    if _is_dense(tables):
        tables["network"] = ["Linear 96", "ReLU", "Linear 96", "ReLU", _outputs(tables)]
        tables["training"]["epochs"] = 100
    tables["training"]["epochs"] = max(20, tables["training"]["epochs"])
    return True


def raw_inputs(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves the inputs in units of very different size."""
    if FILE not in tables["data"]:
        return False
    tables["data"]["normalize"] = False
    tables["data"][FILE]["scale"] = _between(50, 30_000, strength)
    tables["network"] = _without_norms(tables)
    return True


def raw_powers(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves powers of the coordinates in their own units, next to small ones."""
    if tables["data"]["name"] not in ("moons", "circle", "xor", "spiral", "blobs", "rings"):
        return False
    tables["data"] |= {"normalize": False, "features": ["x1^2", "x2^2", "x1*x2", "x1", "x2"]}
    tables["network"] = _without_norms(tables)
    tables["optimizer"] = {"name": "sgd", "lr": _between(0.03, 0.3, strength)}
    return True


def raw_targets(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves the targets of a regression in large units."""
    if FILE not in tables["data"] or not _is_regression(tables):
        return False
    tables["data"]["normalize_target"] = False
    tables["data"][FILE]["target_scale"] = _between(100, 100_000, strength)
    return True


def rare_class(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Makes one class rare where the classes overlap."""
    data = tables["data"]
    if data["name"] in ("moons", "circle", "xor", "spiral"):
        data |= {"noise": 0.6, "samples": 1200}
    elif FILE in data and data[FILE]["target"] == "classes":
        data[FILE]["shuffled"] = 0.5
    else:
        return False
    data["imbalance"] = 0.88 + 0.06 * strength
    tables["network"] = [f"Linear {rng.choice((4, 8))}", "ReLU", _outputs(tables)]
    tables["training"]["epochs"] = 15
    return True


def repeated_rows(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Repeats examples, so that the validation set has some of the training set."""
    data = tables["data"]
    if FILE in data:
        data[FILE] |= {"copies": 2 + round(2 * strength), "is_whole": False}
    elif data["name"] == "drawn":
        points = [(rng.uniform(-6, 6), rng.uniform(-6, 6)) for _ in range(120)]
        labeled = [[x, y, int(x + 2 * y > 0)] for x, y in points]
        data["points"] = labeled * (2 + round(2 * strength))
    else:
        return False
    return True


def no_activation(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves out the activations."""
    if not _is_dense(tables):
        return False
    tables["network"] = ["Linear 24"] * (1 + round(2 * strength)) + [_outputs(tables)]
    return True


def second_softmax(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Ends with the softmax that the loss applies as well."""
    if not (_is_classification(tables) and _is_flat(tables)):
        return False
    tables["network"].append("Softmax")
    return True


def wrong_output(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Ends with an activation that the loss does not expect."""
    if not _is_flat(tables) or not (_is_classification(tables) or _is_regression(tables)):
        return False
    tables["network"].append(rng.choice(("ReLU", "Sigmoid")))
    return True


def step_activation(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Uses an activation without a slope."""
    network = tables["network"]
    lines = [i for i, line in enumerate(network) if line in ("ReLU", "Tanh", "GELU")]
    if not lines or not _is_flat(tables):
        return False
    for index in lines:
        network[index] = "Step"
    return True


def tiny_batch(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Trains batch norm on two or three examples at a time."""
    if not _is_dense(tables):
        return False
    tables["network"] = ["Linear 32", "BatchNorm1d", "ReLU", "Linear 32", "BatchNorm1d", "ReLU",
                         _outputs(tables)]  # fmt: skip
    tables["data"]["batch_size"] = 2 if strength > 0.5 else 3
    tables["training"]["epochs"] = 5
    return True


def slow_statistics(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lets the running statistics of batch norm lag far behind."""
    if not (_is_dense(tables) or _has(tables, "Conv2d")) or not _is_flat(tables):
        return False
    momentum = _between(1e-3, 1e-4, strength)
    kind = "BatchNorm2d" if _has(tables, "Conv2d") else "BatchNorm1d"
    first, *rest = _without_norms(tables)
    tables["network"] = [first, f"{kind} momentum={momentum:g}", *rest]
    if _is_dense(tables) and len(rest) > 2:
        tables["network"] = [first, f"{kind} momentum={momentum:g}", rest[0],
                             first, f"{kind} momentum={momentum:g}", *rest]  # fmt: skip
    return True


def strong_dropout(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Drops most units."""
    if not (_is_dense(tables) or _has(tables, "Flatten")) or not _is_flat(tables):
        return False
    p = 0.75 + 0.2 * strength
    front = [] if _is_dense(tables) else ["Flatten"]
    tables["network"] = [*front, "Linear 32", "ReLU", f"Dropout {p:.3g}", "Linear 32", "ReLU",
                         f"Dropout {p:.3g}", _outputs(tables)]  # fmt: skip
    return True


def strong_decay(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lets the weights decay, by an L2 penalty or by the optimizer."""
    kind = rng.choice(("l2", "l1", "optimizer", "max_norm"))
    if kind == "optimizer":
        lr = min(tables["optimizer"]["lr"], 0.02)
        tables["optimizer"] = {"name": "adamw", "lr": lr, "weight_decay": min(
            10.0, float(f"{_between(0.03, 0.2, strength) / lr:.3g}"))}  # fmt: skip
    elif kind == "max_norm":
        tables["regularization"] = {"max_norm": _between(0.2, 0.03, strength)}
    else:
        tables["regularization"] = {kind: _between(0.1, 1.0, strength)}
    return True


def tight_clipping(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Clips every gradient to a tiny length."""
    tables["training"]["clip_grad_norm"] = _between(0.01, 3e-4, strength)
    tables["optimizer"] = {"name": "sgd", "lr": 0.1}
    return _is_flat(tables)


def high_momentum(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Sums up past gradients for so long that the steps never end."""
    if not _is_flat(tables):
        return False
    momentum = float(f"{1 - _between(0.02, 0.002, strength):.4g}")
    tables["optimizer"] = {"name": "sgd", "lr": 0.05, "momentum": momentum}
    return True


def single_examples(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Takes a step of the usual size for every single example."""
    if not (_is_dense(tables) or _has(tables, "Conv2d")) or _has(tables, "BatchNorm"):
        return False
    tables["data"]["batch_size"] = 1
    tables["training"]["epochs"] = 5 if _is_dense(tables) else 2
    if tables["optimizer"]["name"] == "sgd":
        tables["optimizer"] = {"name": "sgd", "lr": _between(0.2, 0.6, strength)}
    else:
        tables["optimizer"] = {"name": "adam", "lr": _between(0.02, 0.06, strength)}
    return True


def spent_schedule(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lowers the learning rate to nearly nothing early in the run."""
    if tables["training"]["epochs"] < 10:
        return False
    tables["schedule"] = {"name": "step", "step_size": 1, "gamma": _between(0.4, 0.08, strength)}
    return True


def many_graph_layers(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Averages over neighbors so often that all nodes look alike."""
    if not _has(tables, "GraphConvolution"):
        return False
    first, activation, last = tables["network"]
    tables["network"] = [*[first, activation] * (5 + round(5 * strength)), last]
    return True


def visible_answer(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lets a language model see the token that it is asked for."""
    network = tables["network"]
    if not any(" causal=true" in str(line) for line in network):
        return False
    tables["network"] = [str(line).replace(" causal=true", "") for line in network]
    return True


def strong_kl(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lets the KL term of a variational autoencoder outweigh the reconstruction."""
    if not _has(tables, "Reparameterization"):
        return False
    tables["task"]["beta"] = _between(20, 200, strength)
    return True


def weak_discriminator(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Lets the discriminator of a GAN learn far more slowly than the generator."""
    if not isinstance(tables.get("task"), dict) or tables["task"]["name"] != "gan":
        return False
    tables["task"]["discriminator_lr"] = _between(0.1, 0.02, strength)
    return True


def long_sequences(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Asks a plain recurrent network for what it has seen long before."""
    if tables["data"]["name"] not in ("adding", "waves", "forecast"):
        return False
    tables["data"] = {"name": "adding", "length": round(_between(40, 80, strength)),
                      "samples": 800, "batch_size": 32}  # fmt: skip
    tables |= {"network": ["RNN 24", "Linear 1"], "task": "regression", "loss": {"name": "mse"},
               "optimizer": {"name": "adam", "lr": 5e-3}}  # fmt: skip
    tables["training"]["epochs"] = 12
    return True


def no_positions(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Leaves out the positions that attention needs."""
    if not _has(tables, "PositionalEncoding") or _has(tables, "causal=true"):
        return False
    tables["network"] = [line for line in tables["network"] if "PositionalEncoding" not in line]
    return True


def frozen_front(tables: Tables, strength: float, rng: random.Random) -> bool:
    """Does not train the first layers."""
    if not (_is_dense(tables) or _has(tables, "Conv2d")) or not _is_flat(tables):
        return False
    if _is_dense(tables):
        units = round(_between(8, 4, strength))
        tables["network"] = [f"Linear {units} frozen=true", "Tanh", f"Linear {units} frozen=true",
                             "Tanh", _outputs(tables)]  # fmt: skip
    else:
        rest = tables["network"][1:]
        tables["network"] = ["Conv2d 2 kernel_size=3 stride=2 frozen=true", *rest]
    return True


FAULTS: dict[str, tuple[tuple[str, ...], Change]] = {
    "high rate": (HIGH, high_rate),
    "low rate": (("learning_rate_too_low",), low_rate),
    "large weights": (LARGE, large_weights),
    "exploding recurrence": (LARGE, exploding_recurrence),
    "small weights": (SMALL, small_weights),
    "equal weights": (("symmetric_initialization",), equal_weights),
    "deep sigmoids": (SMALL, deep_sigmoids),
    "few examples": (("overfitting",), few_examples),
    "few rows": (("overfitting",), few_rows),
    "few pictures": (("overfitting",), few_pictures),
    "small network": (("underfitting",), small_network),
    "wrong labels": (WRONG_LABELS, wrong_labels),
    "raw inputs": (("inputs_not_normalized",), raw_inputs),
    "raw powers": (("inputs_not_normalized",), raw_powers),
    "raw targets": (("targets_not_normalized",), raw_targets),
    "rare class": (("class_imbalance",), rare_class),
    "repeated rows": (("validation_leaks",), repeated_rows),
    "no activation": (("no_nonlinearity",), no_activation),
    "second softmax": (("softmax_before_cross_entropy",), second_softmax),
    "wrong output": (("output_does_not_fit",), wrong_output),
    "step activation": (("no_gradient",), step_activation),
    "tiny batch": (("batch_too_small_for_batch_norm",), tiny_batch),
    "slow statistics": (("batch_norm_gap",), slow_statistics),
    "strong dropout": (("dropout_too_strong",), strong_dropout),
    "strong decay": (DECAY, strong_decay),
    "tight clipping": (("clipping_every_step",), tight_clipping),
    "high momentum": (("momentum_too_high",), high_momentum),
    "single examples": (("batch_too_small", "learning_rate_too_high"), single_examples),
    "spent schedule": (("schedule_ends_early",), spent_schedule),
    "many graph layers": (("over_smoothing",), many_graph_layers),
    "visible answer": (("answer_is_visible",), visible_answer),
    "strong KL": (("posterior_collapse",), strong_kl),
    "weak discriminator": (("mode_collapse",), weak_discriminator),
    "long sequences": (("memory_too_short",), long_sequences),
    "no positions": (("no_positions",), no_positions),
    "frozen front": (("frozen_layers",), frozen_front),
}  # fmt: skip
"""Every fault with the names of findings that are right, and how it is put in."""

FAULTS_PER_EXPERIMENT = 3
"""How many faults are tried in a sound experiment, one at a time."""


def draw(half: Half) -> Iterator[list[Drawn]]:
    """Yields each sound experiment, followed by the same one with one fault each."""
    rng, counts, number = random.Random(SEEDS[half]), Counter[str](), 0
    for kind, (draw_tables, count) in KINDS[half].items():
        for _ in range(count):
            number += 1
            seed = rng.randrange(10_000)
            tables = {"seed": seed, **draw_tables(rng)}
            group = [Drawn(kind, number, "", (), 0.0, _finish(tables))]
            if kind in PICTURES and number % 2:
                short = deepcopy(tables)
                short["training"]["epochs"] = rng.choice((1, 1, 2, 3))
                group.append(Drawn(kind, number, "short", (), 0.0, _finish(short)))
            for fault in sorted(FAULTS, key=lambda name: (counts[name], rng.random())):
                accepted, change = FAULTS[fault]
                broken, strength = deepcopy(tables), _draw_strength(half, rng)
                if change(broken, strength, rng):
                    counts[fault] += 1
                    group.append(Drawn(kind, number, fault, accepted, strength, _finish(broken)))
                if len(group) > FAULTS_PER_EXPERIMENT + (
                    group[1:2] != [] and group[1].fault == "short"
                ):
                    break
            yield group


PICTURES = ("digits", "letters")
"""Kinds of which some experiments also run for one to three epochs only."""


def _draw_strength(half: Half, rng: random.Random) -> float:
    """Draws a strength from the bins of a half."""
    bin_number = 2 * rng.randrange(BINS // 2) + (half == "measured")
    return (bin_number + rng.random()) / BINS


def _finish(tables: Tables) -> Tables:
    """Returns the tables of an experiment, with the file of its data written."""
    tables = deepcopy(tables)
    if (file := tables["data"].pop(FILE, None)) is not None:
        tables["data"]["path"] = write_table(**file)
    return tables
