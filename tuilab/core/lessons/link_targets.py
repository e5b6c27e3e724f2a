"""The panes, views and actions of the lab that a link of a lesson can name."""

from typing import Literal, get_args

PaneName = Literal["network", "knobs", "charts", "result", "log", "inside", "lesson"]
ViewName = Literal["units", "layer", "examples", "backprop", "landscape", "diagnosis"]
LinkedAction = Literal[
    "run", "step", "epoch", "restart", "restart_reseeded", "stop", "undo", "draw", "diagnosis"
]

PANES: tuple[PaneName, ...] = get_args(PaneName)
"""In the order of their number keys."""

PANE_TITLES: dict[str, str] = {
    "network": "Network", "knobs": "Hyperparameters", "charts": "Charts", "result": "Result",
    "log": "Log", "inside": "Inspect", "lesson": "Lesson",
}  # fmt: skip
"""What the screen calls each pane."""

VIEWS: tuple[ViewName, ...] = get_args(ViewName)
ACTIONS: tuple[LinkedAction, ...] = get_args(LinkedAction)

LAYER_VIEWS: tuple[ViewName, ...] = ("layer", "backprop")
"""Views that a link can open at a layer, such as `view:backprop/2 Linear`."""
