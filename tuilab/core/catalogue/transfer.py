"""Transfer learning: starting from trained weights."""

from typing import Annotated

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Transfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Initial weights from another run or a file, for all layers of the same shape."""

    source: Annotated[
        str,
        knob("Part of a run's id, a .safetensors file or a checkpoint; empty: none", path=True),
    ] = ""
