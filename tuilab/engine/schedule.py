"""Which steps and epochs of a run are recorded: their numbers alone decide, never the clock.

So the same run has the same history on every machine, with or without a screen. Each schedule is
complete at first and then keeps about the same number of points for every doubling of the run.
"""

EXACT_LOSSES = 512
"""Losses are kept one by one up to twice this step, then this many points per doubling."""

EXACT_PROBES = 4
"""The same for the statistics of the layers, each of which costs about half a step."""

MAX_PROBE_STRIDE = 64
"""Steps between two probes until a run is so long that they are 64 or more per doubling."""

EXACT_EPOCHS = 512
"""The same for the epochs that are evaluated."""


def ends_point(step: int) -> bool:
    """Returns whether a step is the last one of a point of the loss curve."""
    return step % _stride(step, EXACT_LOSSES) == 0


def is_measured(step: int) -> bool:
    """Returns whether the layers and metrics are measured at a step."""
    longest = max(MAX_PROBE_STRIDE, _stride(step, 64))
    return step % min(_stride(step, EXACT_PROBES), longest) == 0


def are_inputs_measured(step: int) -> bool:
    """Returns whether the inputs are measured as well: at powers of two, as they stay alike."""
    return step & (step - 1) == 0


def is_evaluated(epoch: int) -> bool:
    """Returns whether the validation set is evaluated after an epoch."""
    return epoch % _stride(epoch, EXACT_EPOCHS) == 0


def _stride(number: int, exact: int) -> int:
    """Returns the largest power of two that is at most `number / exact`, or 1."""
    return 1 << max(0, (number // exact).bit_length() - 1)
