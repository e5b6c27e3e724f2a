"""Text with SGR escapes (colours and styles) to styled runs."""

import re
from collections.abc import Iterator, Mapping

from rich.color import Color
from rich.style import Style

_SGR = re.compile(r"\x1b\[([\d;]*)m")


def runs(line: str, base: Style, palette: Mapping[int, Style]) -> Iterator[tuple[str, Style]]:
    """The pieces of one line, each with its style.

    Args:
        base: the style of what has no colour.
        palette: what the 256-colour numbers mean; others keep their usual colour.
    """
    style, position = base, 0
    for escape in _SGR.finditer(line):
        if escape.start() > position:
            yield line[position : escape.start()], style
        style = _after(escape[1], style, base, palette)
        position = escape.end()
    if position < len(line):
        yield line[position:], style


def _after(codes: str, style: Style, base: Style, palette: Mapping[int, Style]) -> Style:
    """The style after an escape."""
    numbers = [int(code or 0) for code in codes.split(";")]
    while numbers:
        match numbers:
            case [38, 5, number, *rest]:
                style = palette.get(number) or style + Style(color=Color.from_ansi(number))
            case [48, 5, number, *rest]:
                style += Style(bgcolor=Color.from_ansi(number))
            case [38, 2, red, green, blue, *rest]:
                style += Style(color=Color.from_rgb(red, green, blue))
            case [48, 2, red, green, blue, *rest]:
                style += Style(bgcolor=Color.from_rgb(red, green, blue))
            case [0, *rest]:
                style = base
            case [1, *rest]:
                style += Style(bold=True)
            case [_, *rest]:
                pass
        numbers = rest
    return style
