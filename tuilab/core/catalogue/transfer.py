"""Weights that were trained before."""

from typing import Annotated

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Transfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begin with the weights of another run or of a file, wherever layers have the same shape."""

    source: Annotated[
        str, knob("A part of a run's id, a .safetensors file or a checkpoint; empty: none")
    ] = ""
