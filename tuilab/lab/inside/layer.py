"""One layer seen from inside: its weights, gradients, updates and activations."""

from tuilab.lab.inside.view import Seen, Wanted


class LayerWanted(Wanted, frozen=True):
    """The layer at a place of the network, on one example where it matters."""

    layer: str = ""
    "Its label, such as `2 Linear`; empty: the first."
    what: str = "weights"
    example: int = 0
    width: int = 60
    height: int = 20


class LayerSeen(Seen, frozen=True):
    """The statistics and the numbers to draw."""

    layer: str = ""
    what: str = "weights"
    note: str = ""
