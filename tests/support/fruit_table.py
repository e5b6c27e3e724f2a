"""Generates the shipped table of fruit; `python -m tests.support.fruit_table` writes it.

Weight follows from diameter as for a ball, with noise; colors overlap between kinds; some cells
are empty. It is invented, so that it may be shipped and its distribution is known.
"""

import math
import random

from tuilab.core import paths

KINDS = {
    "apple": (74, 6, 0.82, 7.5, 12.0, ("red", "green", "yellow")),
    "orange": (78, 6, 0.90, 4.5, 11.0, ("orange",)),
    "pear": (68, 6, 1.00, 6.0, 13.0, ("green", "yellow")),
    "plum": (44, 5, 1.00, 4.0, 14.5, ("blue", "red", "yellow")),
}
"""Diameter in mm and its std, density in g/cm³, firmness in kg/cm², sugar in °Brix, colors."""

ROWS = 320


def make_table() -> str:
    """Returns the table as CSV."""
    rng = random.Random(7)
    lines = ["number,diameter_mm,weight_g,firmness,sugar,color,organic,fruit"]
    for number in range(1, ROWS + 1):
        kind = rng.choices(list(KINDS), (4, 3, 2, 3))[0]
        mean, std, density, firmness, sugar, colors = KINDS[kind]
        diameter_mm = rng.gauss(mean, std)
        weight = density * math.pi / 6 * (diameter_mm / 10) ** 3 * rng.gauss(1, 0.08)
        cells = [
            f"{diameter_mm:.1f}", f"{weight:.0f}", f"{rng.gauss(firmness, 1.2):.1f}",
            f"{rng.gauss(sugar, 1.5):.1f}", rng.choice(colors), rng.choice(("yes", "no")),
        ]  # fmt: skip
        cells = ["" if rng.random() < 0.02 else cell for cell in cells]
        lines.append(",".join([str(number), *cells, kind]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (paths.presets_dir() / "data" / "fruit.csv").write_text(make_table())
