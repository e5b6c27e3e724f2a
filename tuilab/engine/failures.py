"""Failures as events: what went wrong, in the user's terms, and ways out."""

import traceback

from tuilab.core.errors import CANNOT_START, GPU_FAULT, InputError
from tuilab.core.format import format_count, format_counted, format_number
from tuilab.core.protocol.commands import AnyCommand, Resume, Rewind, SetKnob
from tuilab.core.protocol.events import Failed, LayerStatsReported, Offer
from tuilab.engine.device import memory
from tuilab.engine.nan_trace import NonFiniteOrigin, find_non_finite
from tuilab.engine.session import Session


def describe_failure(error: BaseException, run: str, session: Session | None) -> Failed:
    """Returns the event of a failure; one that was not foreseen comes with its traceback."""
    step = session.step if session else 0
    if isinstance(error, InputError):
        problem = error.problem[:1].upper() + error.problem[1:]
        where = ": ".join(error.where)
        hint = f"{problem}\n{where}" if where else problem
        return Failed(run, CANNOT_START, hint=hint, step=step)
    if memory.is_out_of_memory(error):
        return _out_of_memory(error, run, session)
    if "device-side assert" in str(error) or "CUDA error" in str(error):
        return Failed(
            run,
            GPU_FAULT,
            hint="CUDA cannot go on in this process; the next run gets a new one. `tuilab train "
            f"--resume {run}` goes on from the last checkpoint; on the CPU (D) the same run gives "
            "a more precise error.",
            detail=str(error),
            step=step,
        )
    return Failed(
        run,
        f"{type(error).__name__}: {error}",
        hint="This is an error in tuilab: please report it with the details below.",
        detail="".join(traceback.format_exception(error)),
        step=step,
        recoverable=session is not None,
        offers=[Offer("Continue", [Resume()])] if session is not None else [],
    )


def _out_of_memory(error: BaseException, run: str, session: Session | None) -> Failed:
    device = str(session.device) if session else "this machine"
    detail = str(error).splitlines()[0] if str(error) else ""
    if session is None:
        hint = "The network and the data do not fit. Try a smaller network or fewer examples."
        return Failed(run, f"Out of memory on {device}", hint=hint, detail=detail)
    experiment, min_batch_size = session.experiment, session.min_batch_size
    batch, parts = experiment.data.batch_size, 2 * experiment.training.accumulation
    offers = []
    if batch // parts >= min_batch_size:
        split = f"Split each batch of {format_count(batch)} into {format_count(parts)} parts"
        label = f"{split}: the same steps, less memory"
        offers.append(Offer(label, [SetKnob("training.accumulation", parts), Resume()]))
    if batch // 2 >= min_batch_size:
        label = f"Halve the batch size to {format_count(batch // 2)}: different steps, less memory"
        offers.append(Offer(label, [SetKnob("data.batch_size", batch // 2), Resume()]))
    return Failed(
        run,
        f"Out of memory on {device}",
        hint=f"A batch of {format_counted(batch, 'example')} does not fit into memory beside the "
        f"network. Nothing is lost: the run is paused at step {format_count(session.step)}.",
        detail=detail,
        step=session.step,
        recoverable=True,
        offers=offers,
    )


MADE_BY = {
    "": "",
    "input": "The data itself has such values, and no knob of training mends them. ",
    "output": "",
    "loss": "The loss made the first such value, from finite outputs. ",
    "gradient": "The backward pass made the first such value, from a finite loss. ",
    "step": "The optimizer made the first such value, from finite gradients. ",
}
"""What made the first value that is not finite; a layer is named in the detail."""


def describe_non_finite_loss(
    session: Session, step: int, loss: float, stats: LayerStatsReported | None
) -> Failed:
    """Returns the event of a loss that became NaN or infinite: where, why, and ways back."""
    kind = "infinite" if loss in (float("inf"), float("-inf")) else "NaN (not a number)"
    good = session.good_state["position"][0] if session.good_state else 0
    origin = find_non_finite(session, step)
    return Failed(
        session.run,
        f"The loss became {kind} at step {format_count(step)}",
        hint=f"{_describe_gradients(stats)}{MADE_BY[origin.source]}"
        f"{_describe_cause(session, origin)} The last good state is at step {format_count(good)}.",
        detail=origin.description,
        step=session.step,
        recoverable=True,
        offers=_offer_ways_back(session, good, origin),
        has_grown=origin.has_grown,
    )


def _describe_cause(session: Session, origin: NonFiniteOrigin) -> str:
    """Says whether the learning rate is to blame: only if something had grown before."""
    rate = f"the learning rate, {format_number(session.experiment.optimizer.lr)}"
    if origin.growth:
        return f"Before that, {origin.growth}: {rate}, is too high."
    if origin.steady:
        return f"Before that, {origin.steady}; nothing had grown, so {rate}, is not the reason."
    return f"Whether {rate}, is the reason is not known: the steps before could not be repeated."


def _offer_ways_back(session: Session, good: int, origin: NonFiniteOrigin) -> list[Offer]:
    """Returns what to do, most promising first: smaller steps only where steps were too large."""
    lr, back = session.experiment.optimizer.lr, f"Go back to step {format_count(good)}"
    wait = Offer(f"{back} and pause there", [Rewind()])
    slower: list[AnyCommand] = [Rewind(), SetKnob("optimizer.lr", lr / 10), Resume()]
    offers = [Offer(f"{back} and continue with lr {format_number(lr / 10)}", slower)]
    if not session.experiment.training.clip_grad_norm:
        clip: list[AnyCommand] = [Rewind(), SetKnob("training.clip_grad_norm", 1.0), Resume()]
        offers.append(Offer(f"{back} and clip the gradient norm at 1", clip))
    return [wait] if origin.has_grown is False else [*offers, wait]


def _describe_gradients(stats: LayerStatsReported | None) -> str:
    """Names the layers whose gradients are not finite, or the one with the largest."""
    layers = stats.layers if stats else []
    bad = [layer.layer for layer in layers if layer.gradient_norm != layer.gradient_norm]
    if bad:
        return f"The gradients of {', '.join(bad[:4])} are not finite. "
    if not layers:
        return ""
    largest = max(layers, key=lambda layer: layer.gradient_norm)
    norm = format_number(largest.gradient_norm, 3)
    return f"The largest gradient norm is that of {largest.layer}: {norm}. "
