"""The length, device, precision and gradient clipping of training."""

from typing import Annotated, Literal

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Training(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of the training loop."""

    epochs: Annotated[
        int,
        knob(
            "Passes over the training set", ge=1, le=10_000_000, unit="epochs", live=True, log=True
        ),
    ] = 10
    pace: Annotated[
        float,
        knob(
            "Steps per second, to watch the network learn; 0: as fast as possible",
            ge=0,
            le=1e6,
            live=True,
            log=True,
        ),
    ] = 0.0
    snapshots: Annotated[
        str,
        knob("Space for earlier states of the run, to go back to: a size or off", live=True),
    ] = "512 MB"
    reseed: Annotated[
        int,
        knob(
            "Other random numbers from here on, with the same data; 0: those of the seed",
            ge=0,
            le=2**31 - 1,
            live=True,
            zero="off",
        ),
    ] = 0
    device: Annotated[str, knob("Device: auto, cpu, cuda, cuda:1, mps")] = "auto"
    clip_grad_norm: Annotated[
        float,
        knob(
            "Largest norm of the gradient; 0: no clipping",
            ge=0,
            le=1e6,
            live=True,
            log=True,
            zero="off",
        ),
    ] = 0.0
    clip_grad_value: Annotated[
        float,
        knob(
            "Largest absolute value of a gradient entry; 0: no clipping",
            ge=0,
            le=1e6,
            live=True,
            log=True,
            zero="off",
        ),
    ] = 0.0
    precision: Annotated[
        Literal["fp32", "bf16", "fp16"],
        knob("Numeric precision of the forward and backward pass; weights stay fp32 (AMP)"),
    ] = "fp32"
    checkpointing: Annotated[
        bool, knob("Recompute activations in the backward pass: less memory, a third more time")
    ] = False
    accumulation: Annotated[
        int,
        knob(
            "Micro-batches per step (gradient accumulation): the same step with less memory",
            ge=1,
            le=4096,
            live=True,
            log=True,
        ),
    ] = 1
    engine: Annotated[
        Literal["torch", "scalar", "matrix"],
        knob("What computes the gradients: torch, or plain Python to read (tuilab/scratch)"),
    ] = "torch"
