"""Looks into one layer: its weights, the next step's gradients and updates, its activations."""

import msgspec
import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.histograms import Histories
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    Histogram,
    History,
    Kind,
    LayerRequest,
    LayerResponse,
    Plane,
    Tiles,
)
from tuilab.engine.device import memory
from tuilab.engine.inspect.layer import layer_images as pictures
from tuilab.engine.inspect.layer.labels import features, numbered, said
from tuilab.engine.inspect.layer.layer_activations import activations
from tuilab.engine.inspect.layer.layer_outputs import Watcher
from tuilab.engine.inspect.layer.next_step import NextStep
from tuilab.engine.inspect.layer.tensor_statistics import (
    heat_map,
    histogram,
    matrix,
    row,
    statistics,
)
from tuilab.engine.inspect.module_index import Place, places
from tuilab.engine.session import Session
from tuilab.engine.tasks.perceptron import Perceptron

GATHERED = 500_000
"""Up to so many numbers, the histograms of all layers are kept while one of them is shown."""

FULL = (
    "There is no memory for this look: it needs a copy of the weights and of what the "
    "optimizer remembers."
)

NOTHING = "{} has no weights: its activations are what there is to see."

FROZEN = "{} is frozen: it gets no gradient and no update."

UNTOUCHED = "The loss of this batch does not depend on {}: it gets no gradient."

RULE = "The perceptron rule has no gradient: this is minus its correction."


class LayerInspector:
    """Looks at one session; keeps the histograms of what was looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._places = {place.label: place for place in places(session)}
        every = list(self._places.values())
        self._first = next((place for place in every if place.parameters), every[0])
        self._watcher = Watcher(session)
        self._histories = Histories()

    def inspect(self, wanted: LayerRequest) -> LayerResponse:
        """What the view is to show."""
        place = self._places.get(wanted.layer, self._first)
        session = self._session
        seen = LayerResponse(
            session.run, session.step, place.label, wanted.what, layers=list(self._places)
        )
        try:
            found = self._found(place, wanted)
        except (MemoryError, RuntimeError) as error:
            if not memory.is_exhausted(error):
                raise
            found = {"note": FULL}
        return msgspec.structs.replace(seen, **found)

    def _found(self, place: Place, wanted: LayerRequest) -> dict[str, object]:
        if wanted.what == "activations":
            every = list(self._places.values()) if self._is_small else [place]
            return activations(self._session, self._watcher, every, place, wanted, self._histories)
        if not place.parameters:
            return {"note": NOTHING.format(place.label)}
        return self._numbers(place, wanted)

    @property
    def _is_small(self) -> bool:
        return sum(parameter.numel() for parameter in self._session.parameters) <= GATHERED

    # --- weights, gradients, updates ----------------------------------------------------------

    def _numbers(self, place: Place, wanted: LayerRequest) -> dict[str, object]:
        names = list(place.parameters)
        name = names[wanted.tensor % len(names)]
        parameter = place.parameters[name]
        step = None if wanted.what == "weights" else NextStep(self._session)
        every = self._places.values() if self._is_small else [place]
        shown: Tensor | None = None
        for other in every:
            for own, each in other.parameters.items():
                numbers = _of(each, wanted.what, step)
                if numbers is not None:
                    self._remember((wanted.what, other.label, own), numbers)
                if each is parameter:
                    shown = numbers
        found: dict[str, object] = {"tensor": name, "tensors": names}
        if shown is None:
            note = UNTOUCHED if parameter.requires_grad else FROZEN
            return found | {"note": note.format(place.label)}
        kinds = _kinds(place.module, name, shown)
        kind = next((kind for kind in kinds if kind == wanted.kind), kinds[0])
        is_rule = isinstance(self._session.task, Perceptron) and wanted.what == "gradients"
        return found | {
            "kinds": kinds, "kind": kind, "note": RULE if is_rule else "",
            "statistics": self._statistics(shown, parameter, step, wanted),
            "picture": self._picture(place, name, shown, kind, wanted),
        }  # fmt: skip

    def _remember(self, name: object, numbers: Tensor) -> None:
        self._histories.see(name, row(histogram(numbers), self._session.step))

    def _statistics(
        self, shown: Tensor, parameter: Tensor, step: NextStep | None, wanted: LayerRequest
    ) -> object:
        found = statistics(shown, matrix(shown) if shown.dim() > 1 else None)
        if wanted.what != "updates":
            return found
        size = float(parameter.detach().float().norm())
        return msgspec.structs.replace(found, ratio=found.norm / size if size else None)

    def _picture(
        self, place: Place, name: str, shown: Tensor, kind: Kind, wanted: LayerRequest
    ) -> HeatMap | Tiles | Histogram | History | Plane:
        match kind:
            case "histogram":
                return histogram(shown)
            case "time":
                return History(self._histories.rows((wanted.what, place.label, name)))
            case "filters":
                return pictures.filters(place.module, shown)
            case "plane":
                return pictures.vectors(self._session, shown)
        found = heat_map(shown, (wanted.width, wanted.height))
        down, across, names, heads = self._axes(place, name, shown)
        return msgspec.structs.replace(
            found, down=down, across=across,
            names=names if found.height == found.of[0] == len(names) else [],
            heads=heads if found.width == found.of[1] == len(heads) else [],
        )  # fmt: skip

    def _axes(
        self, place: Place, name: str, shown: Tensor
    ) -> tuple[str, str, list[str], list[str]]:
        """What the rows and columns of a parameter are, and their names where they have some."""
        rows = matrix(shown).shape[0]
        session, module = self._session, place.module
        if isinstance(module, nn.Embedding):
            words = said(session, torch.arange(rows)) or numbered(rows)
            return "tokens", "features", words, []
        if isinstance(module, nn.RNNBase):
            return ("" if shown.dim() < 2 else "gates × units"), "inputs", [], []
        if shown.dim() < 2:
            return "", "units", [], []
        classes = list(session.dataset.classes)
        is_last = module is [p.module for p in self._places.values() if p.parameters][-1]
        is_first = module is next(p.module for p in self._places.values() if p.parameters)
        heads = features(session) if is_first else []
        return "units", "inputs", classes if is_last else [], heads


def _of(parameter: nn.Parameter, what: str, step: NextStep | None) -> Tensor | None:
    """The numbers of a parameter, its gradient, or its update."""
    if step is None:
        return parameter.detach()
    if not parameter.requires_grad:
        return None
    return step.gradients.get(parameter) if what == "gradients" else step.updates[parameter]


def _kinds(module: nn.Module, name: str, shown: Tensor) -> list[Kind]:
    kinds: list[Kind] = ["map", "histogram", "time"]
    if isinstance(module, pictures.CONVOLUTIONS) and name == "weight":
        return ["filters", *kinds]
    if isinstance(module, nn.Embedding):
        return [*kinds, "plane"]
    return kinds
