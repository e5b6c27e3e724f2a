"""Experiments that were written after the rules, and that no rule was mended by."""

from collections.abc import Iterator
from typing import Any

from tests.bench.broken import (
    CURVE,
    FOLDER,
    MLP,
    RINGS,
    ROLL,
    SLOW,
    TANH,
    WIDE,
    Case,
    adam,
    deep,
    fit,
    normal,
    of,
    sgd,
)  # fmt: skip
from tests.bench.broken_rare import ADDING, GRID, RING, WAVES, gan, twins

FORECAST = {"name": "forecast", "length": 20, "samples": 500}
FOUR = {"name": "blobs", "centers": 4, "noise": 0.3}


def broken_later() -> Iterator[Case]:
    """Kept aside at first, until rules were mended by them."""
    kinds: dict[str, dict[str, Any]] = {
        "vanishing_gradients": fit("multi_gauss", deep("Sigmoid", 8, 1, 20), 20, optimizer=SLOW),
        "dropout_too_strong": of(
            "circle", ("Linear 48", "ReLU", "Dropout 0.9", "Linear 48", "ReLU", "Dropout 0.9",
                       "Linear 2"), 25),
        "weight_decay_too_strong": fit(ROLL, (*MLP[:-1], "Linear 1"), 25,
                                       optimizer=adam(0.02, weight_decay=10.0)),
        "batch_norm_gap": of(
            {"name": "moons", "normalize": False, "noise": 0.1},
            ("Linear 24", "BatchNorm1d momentum=0.0002", "Tanh", "Linear 24",
             "BatchNorm1d momentum=0.0002", "Tanh", "Linear 2"), 20),
        "labels_shuffled": of(
            {"name": "moons", "label_noise": 0.5, "samples": 300, "validation": 0.4}, WIDE, 150),
        "overfitting": fit({"name": "sine", "samples": 40, "noise": 0.5},
                           deep("Tanh", 3, 1, 64), 400),
        "validation_leaks": of(twins(FOLDER, "often", 4), TANH, 20),
        "mode_collapse": gan(GRID, 60, 0.05, loss={"name": "mse"}),
        "exploding_state": fit(FORECAST, ("RNN 32 nonlinearity=relu", "Linear 1"), 10,
                               initialization=normal(0.5), optimizer=SLOW),
        "underfitting_by_regularization": of("spiral", MLP, 30, regularization={"l1": 0.5}),
        "loss_not_finite": fit(ROLL, deep("ReLU", 3, 1, 24), 10, optimizer=sgd(50.0)),
        "learning_rate_too_high": of(FOUR, deep("Tanh", 2, 4, 24), 20, optimizer=sgd(40.0)),
        "dead_relus": of(FOUR, deep("ReLU", 3, 4, 24), 20, optimizer=adam(0.8)),
        "saturation": fit("sine", CURVE, 20, initialization=normal(15.0), optimizer=SLOW),
        "clipping_every_step": of(
            "spiral", TANH, 20, training={"clip_grad_norm": 2e-3}, optimizer=sgd(0.1)),
    }  # fmt: skip
    for fault, tables in kinds.items():
        yield Case((fault,), f"later too: {fault}", tables)


def broken_aside() -> Iterator[Case]:
    """One more of each fault that a rule was written or mended for."""
    kinds: dict[str, dict[str, Any]] = {
        "vanishing_gradients": of("circle", deep("Sigmoid", 9, 2, 12), 20, optimizer=SLOW),
        "dropout_too_strong": fit(
            "sine", ("Linear 32", "Tanh", "Dropout 0.9", "Linear 32", "Tanh", "Dropout 0.85",
                     "Linear 1"), 30),
        "weight_decay_too_strong": of(FOUR, deep("ReLU", 2, 4, 24), 20,
                                      optimizer=sgd(0.1, weight_decay=2.0)),
        "batch_norm_gap": of(
            {"name": "blobs", "centers": 4, "noise": 0.3, "normalize": False,
             "features": ["x1^2", "x2^2", "x1", "x2"]},
            ("Linear 24", "BatchNorm1d momentum=0.0003", "ReLU", "Linear 4"), 8),
        "labels_shuffled": of(
            {"name": "gauss", "label_noise": 0.5, "samples": 300, "validation": 0.4}, WIDE, 200),
        "overfitting": of({"name": "xor", "samples": 60, "noise": 0.6},
                          deep("Tanh", 2, 2, 96), 200),
        "validation_leaks": fit(twins(FOLDER, "five", 5, is_number=True), CURVE, 20),
        "mode_collapse": gan(RING, 60, 0.02),
        "exploding_state": of(WAVES, ("RNN 24 nonlinearity=relu", "Linear 8", "ReLU", "Linear 3"),
                              10, initialization=normal(0.5), optimizer=SLOW),
        "underfitting_by_regularization": of(RINGS, MLP, 25, regularization={"l1": 0.2}),
        "loss_not_finite": fit("sine", deep("ReLU", 2, 1, 48), 10,
                               optimizer=sgd(40.0, momentum=0.9)),
        "class_imbalance": of({"name": "spiral", "imbalance": 0.93, "samples": 1200, "noise": 0.5},
                              ("Linear 8", "ReLU", "Linear 2"), 15),
        "underfitting": of("xor", ("Linear 2",), 25),
        "symmetric_initialization": of(FOUR, deep("ReLU", 2, 4, 16), 15, initialization={
            "weights": "constant", "value": 0.2}),
    }  # fmt: skip
    for fault, tables in kinds.items():
        yield Case((fault,), f"aside: {fault}", tables, is_kept_aside=True)


def sound_aside() -> Iterator[Case]:
    """Sound ones near the rules that were written or mended last."""
    kinds: dict[str, dict[str, Any]] = {
        "gan on a ring": gan(RING, 120, 2.0),
        "gan on a grid": gan(GRID, 120, 2.0),
        "adding, gru": fit(ADDING, ("GRU 24", "Linear 1"), 15),
        "adding, relu state": fit(
            ADDING, ("RNN 24 nonlinearity=relu", "Linear 1"), 15, optimizer=adam(3e-3)),
        "waves, lstm": of(WAVES, ("LSTM 16", "Linear 3"), 15),
        "forecast, rnn": fit(FORECAST, ("RNN 16", "Linear 1"), 15, optimizer=adam(5e-3)),
        "moons, weights up to 3": of(
            {"name": "moons", "noise": 0.1}, MLP, 25, regularization={"max_norm": 3.0}),
        "circle, l1 1e-4": of("circle", MLP, 30, regularization={"l1": 1e-4}),
        "table, each row once": of(twins(FOLDER, "once", 1), ("Linear 8", "ReLU", "Linear 2"), 15,
                                   optimizer=adam(3e-3)),
        "rings, sigmoid": of(RINGS, ("Linear 24", "Sigmoid", "Linear 2"), 30),
        "roll, dropout": fit(ROLL, ("Linear 64", "ReLU", "Dropout 0.2", "Linear 1"), 30),
        "circle, decay 0.5": of("circle", MLP, 30, optimizer=adam(5e-3, weight_decay=0.5)),
    }  # fmt: skip
    for name, tables in kinds.items():
        yield Case((), f"aside too: {name}", tables, is_kept_aside=True)
