"""Faults of single tasks, of the split and of penalties, each broken on purpose."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.broken import (
    CURVE,
    FOLDER,
    MLP,
    SLOW,
    TANH,
    Case,
    adam,
    deep,
    fit,
    normal,
    of,
    sgd,
)

RING = {"name": "gaussians_ring", "samples": 2000, "batch_size": 128}
GRID = {"name": "gaussians_grid", "samples": 2000, "batch_size": 128, "side": 3}
ADDING = {"name": "adding", "length": 20, "samples": 500}
WAVES = {"name": "waves", "length": 30, "samples": 500}
GENERATOR = ("Linear 64", "ReLU", "Linear 64", "ReLU", "Linear 2")
JUDGE = ("Linear 64", "LeakyReLU 0.2", "Linear 64", "LeakyReLU 0.2", "Linear 1")


def gan(data: Any, epochs: int, discriminator_lr: float, **tables: Any) -> dict[str, Any]:
    """A GAN on clouds, with Adam as the preset has it."""
    network: Any = (["Generator", *GENERATOR], ["Discriminator", *JUDGE])
    task = {"name": "gan", "latent": 8, "discriminator_lr": discriminator_lr}
    optimizer = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
    return of(data, network, epochs, **{
        "task": task, "loss": {"name": "bce"}, "optimizer": optimizer, **tables
    })  # fmt: skip


def twins(folder: Path, name: str, times: int, *, is_number: bool = False) -> dict[str, Any]:
    """A table in which every row stands several times, in any order."""
    chance, rows = random.Random(name), []
    for _ in range(300 // times):
        a, b, c = (chance.gauss(0, 1) for _ in range(3))
        answer = a * b + c + chance.gauss(0, 1)
        told = f"{answer:.4f}" if is_number else ("yes" if answer > 0 else "no")
        rows += [f"{a:.5f},{b:.5f},{c:.5f},{told}"] * times
    chance.shuffle(rows)
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["a,b,c,answer", *rows]) + "\n")
    return {"name": "table", "path": str(path), "target": "answer"}


def clicked_twice(seed: int) -> list[tuple[float, float, int]]:
    """Points drawn by hand, each of them twice."""
    chance = random.Random(seed)
    once = [(chance.uniform(-5, 5), chance.uniform(-5, 5)) for _ in range(60)]
    return [(x, y, int(x * y > 0)) for x, y in once] * 2


def rare() -> Iterator[Case]:
    """Each of these faults at least twice: other data, other networks."""
    leak = ("validation_leaks",)
    yield Case(leak, "table, each row thrice", of(twins(FOLDER, "thrice", 3), MLP, 20))
    yield Case(leak, "table of numbers, each row twice",
               fit(twins(FOLDER, "twice", 2, is_number=True), CURVE, 20))  # fmt: skip
    drawn = {"name": "drawn", "points": clicked_twice(1), "validation": 0.3}
    yield Case(leak, "drawn points, each twice", of(drawn, TANH, 20))
    collapse = ("mode_collapse",)
    yield Case(collapse, "ring, slow judge", gan(RING, 60, 0.05))
    yield Case(collapse, "grid, slow judge", gan(GRID, 60, 0.05))
    yield Case(
        (*collapse, "dead_relus"), "ring, hasty generator", gan(RING, 60, 0.1, optimizer=adam(5e-3))
    )
    state = ("exploding_state",)
    yield Case(state, "adding, relu state", fit(
        ADDING, ("RNN 24 nonlinearity=relu", "Linear 1"), 10, initialization=normal(0.6),
        optimizer=SLOW))  # fmt: skip
    yield Case(state, "waves, relu state", of(
        WAVES, ("RNN 16 nonlinearity=relu", "Linear 3"), 10, initialization=normal(0.7),
        optimizer=SLOW))  # fmt: skip
    held = ("underfitting_by_regularization",)
    yield Case(held, "circle, l1 0.3", of("circle", MLP, 25, regularization={"l1": 0.3}))
    yield Case(held, "sine, l1 0.2", fit("sine", CURVE, 25, regularization={"l1": 0.2}))
    yield Case(held, "circle, weights up to 0.05",
               of("circle", MLP, 25, regularization={"max_norm": 0.05}))  # fmt: skip
    lost = ("loss_not_finite",)
    yield Case(lost, "sine, relu, sgd 30",
               fit("sine", deep("ReLU", 3, 1, 32), 10, optimizer=sgd(30.0)))  # fmt: skip
    yield Case(lost, "multi_gauss, sgd 20",
               fit("multi_gauss", deep("ReLU", 2, 1, 32), 10, optimizer=sgd(20.0)))  # fmt: skip
