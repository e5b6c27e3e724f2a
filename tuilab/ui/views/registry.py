"""The views that the inspect pane can show, in the order of their tabs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuilab.core.lessons.link_targets import ViewName
from tuilab.ui.views.view import View


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """One of the views to choose from."""

    title: str
    short_title: str
    "The same where there is little room."
    load: Callable[[], type[View[Any]]]
    "Imports the view when it is first opened, so that the first frame does not wait for it."


def _units() -> type[View[Any]]:
    from tuilab.ui.views.units.units_view import UnitsView

    return UnitsView


def _layer() -> type[View[Any]]:
    from tuilab.ui.views.layer.layer_view import LayerView

    return LayerView


def _examples() -> type[View[Any]]:
    from tuilab.ui.views.examples.examples_view import ExamplesView

    return ExamplesView


def _backprop() -> type[View[Any]]:
    from tuilab.ui.views.backprop.backprop_view import BackpropView

    return BackpropView


def _landscape() -> type[View[Any]]:
    from tuilab.ui.views.landscape.landscape_view import LandscapeView

    return LandscapeView


def _diagnosis() -> type[View[Any]]:
    from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView

    return DiagnosisView


VIEWS: dict[ViewName, ViewEntry] = {
    "units": ViewEntry("Units", "Units", _units),
    "layer": ViewEntry("Layer", "Layer", _layer),
    "examples": ViewEntry("Examples", "Exam", _examples),
    "backprop": ViewEntry("Backprop", "Back", _backprop),
    "landscape": ViewEntry("Landscape", "Land", _landscape),
    "diagnosis": ViewEntry("Diagnosis", "Diag", _diagnosis),
}
