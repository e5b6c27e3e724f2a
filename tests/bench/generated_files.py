"""Files for experiments that are drawn at random: tables and texts, each the same for its seed."""

import random
import tempfile
from math import sin
from pathlib import Path

FOLDER = Path(tempfile.gettempdir()) / "tuilab-bench-generated"


def write_table(
    seed: int,
    target: str,
    *,
    is_whole: bool = False,
    copies: int = 1,
    scale: float = 1.0,
    target_scale: float = 1.0,
    shuffled: float = 0.0,
) -> str:
    """Writes a table of four measurements and an answer that depends on them; returns its path.

    Args:
        target: `classes` or `numbers`.
        is_whole: whether the measurements are small whole numbers, some rows equal by coincidence.
        copies: how often each row occurs.
        scale: the ratio of the units of two measurements.
        target_scale: the unit of the answers.
        shuffled: the fraction of the answers that belong to another row.
    """
    rng, rows = random.Random(seed), []
    weights = [rng.gauss(0, 1) for _ in range(4)]
    for _ in range(500 // copies):
        values = [rng.gauss(0, 1) for _ in range(4)]
        if is_whole:
            values = [float(rng.randint(0, 3)) for _ in range(4)]
        centered = [value - 1.5 * is_whole for value in values]
        answer = sum(w * v for w, v in zip(weights, centered, strict=True))
        answer += sin(2 * centered[0]) + centered[1] * centered[2] * 0.7 + rng.gauss(0, 0.1)
        rows.append((values, answer))
    if shuffled:
        indices = [index for index in range(len(rows)) if rng.random() < shuffled]
        answers = [rows[index][1] for index in indices]
        rng.shuffle(answers)
        for index, answer in zip(indices, answers, strict=True):
            rows[index] = (rows[index][0], answer)
    middle = sorted(answer for _, answer in rows)[len(rows) // 2]
    lines = []
    for values, answer in rows:
        cells = [f"{value * scale ** (index % 2):.6g}" for index, value in enumerate(values)]
        number = f"{answer * target_scale:.6g}"
        cells.append(number if target == "numbers" else ("yes" if answer > middle else "no"))
        lines += [",".join(cells)] * copies
    rng.shuffle(lines)
    FOLDER.mkdir(exist_ok=True)
    options = f"{is_whole:d}-{copies}-{scale:g}-{target_scale:g}-{shuffled:g}"
    path = FOLDER / f"{target}-{seed}-{options}.csv"
    path.write_text("\n".join(["a,b,c,d,answer", *lines]) + "\n")
    return str(path)


def write_text(seed: int) -> tuple[str, int]:
    """Writes sentences of a few words; returns the path and the number of different characters."""
    rng = random.Random(seed)
    words = ["".join(rng.choice("abdeilmnorstu") for _ in range(rng.randint(2, 6)))
             for _ in range(60)]  # fmt: skip
    following = {word: rng.sample(words, 4) for word in words}
    word, pieces = words[0], []
    for position in range(6000):
        pieces.append(word + (".\n" if position % 11 == 10 else " "))
        word = rng.choice(following[word])
    text = "".join(pieces)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"sentences-{seed}.txt"
    path.write_text(text)
    return str(path), len(set(text))
