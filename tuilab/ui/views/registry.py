"""The views that the inspect pane can show, in the order of their tabs."""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from tuilab.core.lessons.link_targets import ViewName
from tuilab.ui.views.view import View


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """One of the views to choose from."""

    title: str
    short_title: str
    "The same where there is little room."
    path: str
    "Its module below this folder, and its class."

    def load(self) -> type[View[Any]]:
        """Imports the view when it is first opened: the first frame does not wait for it."""
        view: type[View[Any]] = resolve_name(f"{__package__}.{self.path}")
        return view


VIEWS: dict[ViewName, ViewEntry] = {
    "units": ViewEntry("Units", "Units", "units.units_view:UnitsView"),
    "layer": ViewEntry("Layer", "Layer", "layer.layer_view:LayerView"),
    "examples": ViewEntry("Examples", "Exam", "examples.examples_view:ExamplesView"),
    "backprop": ViewEntry("Backprop", "Back", "backprop.backprop_view:BackpropView"),
    "landscape": ViewEntry("Landscape", "Land", "landscape.landscape_view:LandscapeView"),
    "diagnosis": ViewEntry("Diagnosis", "Diag", "diagnosis.diagnosis_view:DiagnosisView"),
}
