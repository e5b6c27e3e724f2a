"""Examples: which are mistaken for what, how sure the network is, and why."""

from tuilab.lab.inside.view import Seen, Wanted


class ExamplesWanted(Wanted, frozen=True):
    """Examples in an order, or of one cell of the confusion matrix."""

    first: int = 0
    count: int = 12


class ExamplesSeen(Seen, frozen=True):
    """Examples with what the network says of each."""

    note: str = ""
