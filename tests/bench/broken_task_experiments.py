"""Experiments that are broken on purpose: faults of single tasks, splits and penalties."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.broken_experiments import (
    CURVE,
    FOLDER,
    MLP,
    SLOW,
    TANH,
    Case,
    adam,
    classify,
    normal,
    regress,
    sgd,
    stack,
)

RING = {"name": "gaussians_ring", "samples": 2000, "batch_size": 128}
GRID = {"name": "gaussians_grid", "samples": 2000, "batch_size": 128, "side": 3}
ADDING = {"name": "adding", "length": 20, "samples": 500}
WAVES = {"name": "waves", "length": 30, "samples": 500}
GENERATOR = ("Linear 64", "ReLU", "Linear 64", "ReLU", "Linear 2")
DISCRIMINATOR = ("Linear 64", "LeakyReLU 0.2", "Linear 64", "LeakyReLU 0.2", "Linear 1")


def gan(data: Any, epochs: int, discriminator_lr: float, **tables: Any) -> dict[str, Any]:
    """Returns the tables of a GAN on clouds, with Adam as in the preset."""
    network: Any = (["Generator", *GENERATOR], ["Discriminator", *DISCRIMINATOR])
    task = {"name": "gan", "latent": 8, "discriminator_lr": discriminator_lr}
    optimizer = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
    return classify(data, network, epochs, **{
        "task": task, "loss": {"name": "bce"}, "optimizer": optimizer, **tables
    })  # fmt: skip


def write_duplicated_table(
    folder: Path, name: str, times: int, *, is_number: bool = False
) -> dict[str, Any]:
    """Writes a table in which every row occurs several times, in random order."""
    rng, rows = random.Random(name), []
    for _ in range(300 // times):
        a, b, c = (rng.gauss(0, 1) for _ in range(3))
        value = a * b + c + rng.gauss(0, 1)
        target = f"{value:.4f}" if is_number else ("yes" if value > 0 else "no")
        rows += [f"{a:.5f},{b:.5f},{c:.5f},{target}"] * times
    rng.shuffle(rows)
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["a,b,c,answer", *rows]) + "\n")
    return {"name": "table", "path": str(path), "target": "answer"}


def draw_each_point_twice(seed: int) -> list[tuple[float, float, int]]:
    """Returns points as drawn by hand, each of them twice."""
    rng = random.Random(seed)
    points = [(rng.uniform(-5, 5), rng.uniform(-5, 5)) for _ in range(60)]
    return [(x, y, int(x * y > 0)) for x, y in points] * 2


def broken_tasks() -> Iterator[Case]:
    """Yields each of these faults at least twice, on other data and with other networks."""
    leak = ("validation_leaks",)
    yield Case(
        leak,
        "table, each row thrice",
        classify(write_duplicated_table(FOLDER, "thrice", 3), MLP, 20),
    )
    yield Case(
        leak,
        "table of numbers, each row twice",
        regress(write_duplicated_table(FOLDER, "twice", 2, is_number=True), CURVE, 20),
    )
    data = {"name": "drawn", "points": draw_each_point_twice(1), "validation": 0.3}
    yield Case(leak, "drawn points, each twice", classify(data, TANH, 20))
    collapse = ("mode_collapse",)
    yield Case(collapse, "ring, slow discriminator", gan(RING, 60, 0.05))
    yield Case(collapse, "grid, slow discriminator", gan(GRID, 60, 0.05))
    yield Case(
        (*collapse, "dead_relus"), "ring, fast generator", gan(RING, 60, 0.1, optimizer=adam(5e-3))
    )
    state = ("exploding_state",)
    yield Case(
        state,
        "adding, relu state",
        regress(
            ADDING,
            ("RNN 24 nonlinearity=relu", "Linear 1"),
            10,
            initialization=normal(0.6),
            optimizer=SLOW,
        ),
    )
    yield Case(
        state,
        "waves, relu state",
        classify(
            WAVES,
            ("RNN 16 nonlinearity=relu", "Linear 3"),
            10,
            initialization=normal(0.7),
            optimizer=SLOW,
        ),
    )
    penalized = ("underfitting_by_regularization",)
    yield Case(penalized, "circle, l1 0.3", classify("circle", MLP, 25, regularization={"l1": 0.3}))
    yield Case(penalized, "sine, l1 0.2", regress("sine", CURVE, 25, regularization={"l1": 0.2}))
    yield Case(
        penalized,
        "circle, weights up to 0.05",
        classify("circle", MLP, 25, regularization={"max_norm": 0.05}),
    )
    diverging = ("loss_not_finite",)
    yield Case(
        diverging,
        "sine, relu, sgd 30",
        regress("sine", stack("ReLU", 3, 1, 32), 10, optimizer=sgd(30.0)),
    )
    yield Case(
        diverging,
        "multi_gauss, sgd 20",
        regress("multi_gauss", stack("ReLU", 2, 1, 32), 10, optimizer=sgd(20.0)),
    )
