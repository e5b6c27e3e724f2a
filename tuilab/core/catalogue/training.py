"""How long, where and how carefully a network is trained."""

from typing import Annotated, Literal

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Training(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long, where and how carefully."""

    epochs: Annotated[
        int,
        knob(
            "Passes over the training examples",
            ge=1,
            le=10_000_000,
            unit="epochs",
            live=True,
            log=True,
        ),
    ] = 10
    device: Annotated[str, knob("Where to train: auto, cpu, cuda, cuda:1, mps")] = "auto"
    clip_grad_norm: Annotated[
        float,
        knob(
            "Longest gradient that a step may follow; 0 is no limit",
            ge=0,
            le=1e6,
            live=True,
            log=True,
        ),
    ] = 0.0
    clip_grad_value: Annotated[
        float,
        knob(
            "Largest entry of the gradient, either way; 0 is no limit",
            ge=0,
            le=1e6,
            live=True,
            log=True,
        ),
    ] = 0.0
    precision: Annotated[
        Literal["fp32", "bf16", "fp16"],
        knob("Numbers of the forward and backward pass; weights stay fp32 (automatic mixed)"),
    ] = "fp32"
    checkpointing: Annotated[
        bool,
        knob("Forget activations and compute them again backward: less memory, a third more time"),
    ] = False
    accumulation: Annotated[
        int,
        knob(
            "Parts that each batch is worked through in: the same step in less memory",
            ge=1,
            le=4096,
            live=True,
            log=True,
        ),
    ] = 1
    engine: Annotated[
        Literal["torch", "scalar", "matrix"],
        knob("Who works out the gradients: torch, or plain Python to read (tuilab/scratch)"),
    ] = "torch"
