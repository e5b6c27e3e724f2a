"""What is said of a layer in words and numbers."""

from tuilab.core.format import grouped
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    LayerResponse,
    Plane,
    Statistics,
    Tiles,
)
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import ASCII, Signs

NAMES = {
    "map": "heat map", "histogram": "histogram", "time": "over time", "filters": "filters",
    "maps": "feature maps", "attention": "attention", "states": "states", "plane": "PCA",
    "": "",
}  # fmt: skip
"""The kinds of picture, as they are called on the screen."""

USUAL = "near 1e-3 is usual"

IN_ASCII = str.maketrans({"×": "x", "–": "-", "·": "|", "…": "~", "↵": "n", "␣": "_", "⇥": "t"})


def plain(text: str, signs: Signs) -> str:
    """A text in the signs that the terminal has."""
    return text.translate(IN_ASCII) if signs is ASCII else text


def subject(seen: LayerResponse) -> str:
    """What the numbers are of: the parameter, or the examples."""
    if seen.what != "activations":
        return seen.tensor
    if not seen.most:
        return ""
    first, last = seen.example + 1, seen.example + seen.examples
    of = f"of {grouped(seen.most)}"
    return f"example {first} {of}" if seen.examples < 2 else f"examples {first}–{last} {of}"


def statistics(seen: LayerResponse) -> list[str]:
    """The statistics, piece by piece."""
    found = seen.statistics
    if found is None:
        return []
    pieces = [
        "×".join(str(size) for size in found.shape) or "1 number",
        f"norm {short(found.norm)}",
        *_units(seen.what, found),
        f"mean {short(found.mean)}",
        f"spread {short(found.spread)}",
        f"from {short(found.smallest)} to {short(found.largest)}",
        f"zeros {found.zeros:.1%}",
    ]
    if found.broken:
        pieces.insert(0, f"{grouped(found.broken)} not finite")
    return pieces + _ranked(found)


def _units(what: str, found: Statistics) -> list[str]:
    pieces = []
    if found.ratio is not None:
        pieces.append(f"update/weights {short(found.ratio)} ({USUAL})")
    if found.silent is not None:
        name = {
            "weights": "units of zeros", "gradients": "units without gradient",
            "updates": "units that stay", "activations": "dead units",
        }[what]  # fmt: skip
        if found.silent or what == "activations":
            pieces.append(f"{name} {found.silent} of {found.units}")
    if found.saturated is not None:
        pieces.append(f"saturated {found.saturated:.1%}")
        pieces.append(f"saturated units {found.stuck or 0} of {found.units}")
    return pieces


def _ranked(found: Statistics) -> list[str]:
    if found.rank is not None:
        return [f"effective rank {short(found.rank)} of {found.full}"]
    return [f"no effective rank: {found.no_rank}"] if found.no_rank else []


def meaning(seen: LayerResponse, shown: int = 0) -> str:
    """What one cell stands for, for the line under the picture."""
    match seen.picture:
        case HeatMap() as drawn:
            return _axes(drawn)
        case Tiles() as tiles:
            inner = tiles.tiles[-1] if tiles.tiles else None
            extra = len(tiles.tiles) > tiles.total
            count = shown - extra
            words = (
                f"{count} of {tiles.total} {tiles.name}s"
                if count < tiles.total
                else (f"{tiles.total} {tiles.name}{'s' if tiles.total > 1 else ''}")
            )
            if seen.kind == "attention":
                words += ", a row looks at columns"
            elif inner is not None and ">" in inner.caption:
                words += ", input>output channel"
            return words + (f", {_block(inner)}" if inner and not inner.is_whole else "")
        case Plane():
            return ""
    return ""


def _axes(drawn: HeatMap) -> str:
    parts = []
    if drawn.down or drawn.across:
        parts.append(f"{drawn.down} down, {drawn.across} across" if drawn.down else drawn.across)
    if not drawn.is_whole:
        parts.append(_block(drawn))
    return ", ".join(parts)


def _block(drawn: HeatMap) -> str:
    rows, columns = drawn.of
    down, across = -(-rows // max(1, drawn.height)), -(-columns // max(1, drawn.width))
    return f"a cell is the largest of {down}×{across}"
