"""Experiments that were written after the rules and held out from their correction."""

from collections.abc import Iterator
from typing import Any

from tests.bench.broken_experiments import (
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
    classify,
    normal,
    regress,
    sgd,
    stack,
)  # fmt: skip
from tests.bench.broken_task_experiments import (
    ADDING,
    GRID,
    RING,
    WAVES,
    gan,
    write_duplicated_table,
)

FORECAST = {"name": "forecast", "length": 20, "samples": 500}
FOUR = {"name": "blobs", "centers": 4, "noise": 0.3}


def formerly_held_out() -> Iterator[Case]:
    """Yields faults that were held out until they served to correct the rules."""
    kinds: dict[str, dict[str, Any]] = {
        "vanishing_gradients": regress(
            "multi_gauss", stack("Sigmoid", 8, 1, 20), 20, optimizer=SLOW),
        "dropout_too_strong": classify(
            "circle", ("Linear 48", "ReLU", "Dropout 0.9", "Linear 48", "ReLU", "Dropout 0.9",
                       "Linear 2"), 25),
        "weight_decay_too_strong": regress(ROLL, (*MLP[:-1], "Linear 1"), 25,
                                       optimizer=adam(0.02, weight_decay=10.0)),
        "batch_norm_gap": classify(
            {"name": "moons", "normalize": False, "noise": 0.1},
            ("Linear 24", "BatchNorm1d momentum=0.0002", "Tanh", "Linear 24",
             "BatchNorm1d momentum=0.0002", "Tanh", "Linear 2"), 20),
        "labels_shuffled": classify(
            {"name": "moons", "label_noise": 0.5, "samples": 300, "validation": 0.4}, WIDE, 150),
        "overfitting": regress({"name": "sine", "samples": 40, "noise": 0.5},
                           stack("Tanh", 3, 1, 64), 400),
        "validation_leaks": classify(write_duplicated_table(FOLDER, "often", 4), TANH, 20),
        "mode_collapse": gan(GRID, 60, 0.05, loss={"name": "mse"}),
        "exploding_state": regress(FORECAST, ("RNN 32 nonlinearity=relu", "Linear 1"), 10,
                               initialization=normal(0.5), optimizer=SLOW),
        "underfitting_by_regularization": classify("spiral", MLP, 30, regularization={"l1": 0.5}),
        "loss_not_finite": regress(ROLL, stack("ReLU", 3, 1, 24), 10, optimizer=sgd(50.0)),
        "learning_rate_too_high": classify(FOUR, stack("Tanh", 2, 4, 24), 20, optimizer=sgd(40.0)),
        "dead_relus": classify(FOUR, stack("ReLU", 3, 4, 24), 20, optimizer=adam(0.8)),
        "saturation": regress("sine", CURVE, 20, initialization=normal(15.0), optimizer=SLOW),
        "clipping_every_step": classify(
            "spiral", TANH, 20, training={"clip_grad_norm": 2e-3}, optimizer=sgd(0.1)),
    }  # fmt: skip
    for fault, tables in kinds.items():
        yield Case((fault,), f"formerly held out, 2: {fault}", tables)


def broken_held_out() -> Iterator[Case]:
    """Yields one more of each fault that a rule was written or corrected for."""
    kinds: dict[str, dict[str, Any]] = {
        "vanishing_gradients": classify("circle", stack("Sigmoid", 9, 2, 12), 20, optimizer=SLOW),
        "dropout_too_strong": regress(
            "sine", ("Linear 32", "Tanh", "Dropout 0.9", "Linear 32", "Tanh", "Dropout 0.85",
                     "Linear 1"), 30),
        "weight_decay_too_strong": classify(FOUR, stack("ReLU", 2, 4, 24), 20,
                                      optimizer=sgd(0.1, weight_decay=2.0)),
        "batch_norm_gap": classify(
            {"name": "blobs", "centers": 4, "noise": 0.3, "normalize": False,
             "features": ["x1^2", "x2^2", "x1", "x2"]},
            ("Linear 24", "BatchNorm1d momentum=0.0003", "ReLU", "Linear 4"), 8),
        "labels_shuffled": classify(
            {"name": "gauss", "label_noise": 0.5, "samples": 300, "validation": 0.4}, WIDE, 200),
        "overfitting": classify({"name": "xor", "samples": 60, "noise": 0.6},
                          stack("Tanh", 2, 2, 96), 200),
        "validation_leaks": regress(
            write_duplicated_table(FOLDER, "five", 5, is_number=True), CURVE, 20),
        "mode_collapse": gan(RING, 60, 0.02),
        "exploding_state": classify(
            WAVES, ("RNN 24 nonlinearity=relu", "Linear 8", "ReLU", "Linear 3"), 10,
            initialization=normal(0.5), optimizer=SLOW),
        "underfitting_by_regularization": classify(RINGS, MLP, 25, regularization={"l1": 0.2}),
        "loss_not_finite": regress("sine", stack("ReLU", 2, 1, 48), 10,
                               optimizer=sgd(40.0, momentum=0.9)),
        "class_imbalance": classify(
            {"name": "spiral", "imbalance": 0.93, "samples": 1200, "noise": 0.5},
            ("Linear 8", "ReLU", "Linear 2"), 15),
        "underfitting": classify("xor", ("Linear 2",), 25),
        "symmetric_initialization": classify(FOUR, stack("ReLU", 2, 4, 16), 15, initialization={
            "weights": "constant", "value": 0.2}),
    }  # fmt: skip
    for fault, tables in kinds.items():
        yield Case((fault,), f"held out: {fault}", tables, is_held_out=True)


def sound_held_out() -> Iterator[Case]:
    """Yields sound experiments close to the rules that were written or corrected last."""
    kinds: dict[str, dict[str, Any]] = {
        "gan on a ring": gan(RING, 120, 2.0),
        "gan on a grid": gan(GRID, 120, 2.0),
        "adding, gru": regress(ADDING, ("GRU 24", "Linear 1"), 15),
        "adding, relu state": regress(
            ADDING, ("RNN 24 nonlinearity=relu", "Linear 1"), 15, optimizer=adam(3e-3)),
        "waves, lstm": classify(WAVES, ("LSTM 16", "Linear 3"), 15),
        "forecast, rnn": regress(FORECAST, ("RNN 16", "Linear 1"), 15, optimizer=adam(5e-3)),
        "moons, weights up to 3": classify(
            {"name": "moons", "noise": 0.1}, MLP, 25, regularization={"max_norm": 3.0}),
        "circle, l1 1e-4": classify("circle", MLP, 30, regularization={"l1": 1e-4}),
        "table, each row once": classify(
            write_duplicated_table(FOLDER, "once", 1), ("Linear 8", "ReLU", "Linear 2"), 15,
            optimizer=adam(3e-3)),
        "rings, sigmoid": classify(RINGS, ("Linear 24", "Sigmoid", "Linear 2"), 30),
        "roll, dropout": regress(ROLL, ("Linear 64", "ReLU", "Dropout 0.2", "Linear 1"), 30),
        "circle, decay 0.5": classify("circle", MLP, 30, optimizer=adam(5e-3, weight_decay=0.5)),
    }  # fmt: skip
    for name, tables in kinds.items():
        yield Case((), f"held out, 2: {name}", tables, is_held_out=True)
