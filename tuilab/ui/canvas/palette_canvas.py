"""Drawings of the result: they share the colours of the classes and how large a plane is."""

from typing import ClassVar

from tuilab.core.protocol.commands import Probe
from tuilab.ui.canvas.canvas import Canvas
from tuilab.ui.canvas.decision_surface import Hues, size_of_plane
from tuilab.ui.terminal.glyphs import has_shades_of_colour

CLASSES = 8
"""Classes that are told apart by colour; more repeat the colours."""

SAMPLES = 24
"""Sample predictions that are asked for."""


class PaletteCanvas(Canvas):
    """A drawing in the colours of the classes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "result--label", "result--wrong",
        *(f"result--class-{number}" for number in range(1, CLASSES + 1)),
    }  # fmt: skip

    def hues(self) -> Hues:
        """The colours of the theme."""
        numbers = range(1, CLASSES + 1)
        _, _, behind, front = self.colors
        return Hues(
            behind,
            front,
            tuple(self.get_component_styles(f"result--class-{n}").color for n in numbers),
            self.get_component_rich_style("result--label"),
            self.get_component_rich_style("result--wrong"),
            has_shades_of_colour(self.app),
        )

    def probe(self) -> Probe:
        """The picture that would fill the widget."""
        if not self.size:
            return Probe()
        columns, rows = size_of_plane(*self.size)
        height = rows * 2 if has_shades_of_colour(self.app) else rows
        return Probe(columns, height, samples=SAMPLES)
