"""A line of a network, as the experiment file and the network pane hold it."""

from typing import Any

Line = str | tuple[Any, ...]
"""A layer as text, or a block: a tuple of lines, the first of which names it."""
