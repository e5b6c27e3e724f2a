"""Failures as events: what went wrong, in the user's terms, and ways out."""

import traceback

from tuilab.core.errors import CANNOT_START, GPU_FAULT, InputError
from tuilab.core.format import format_count, format_counted, format_number
from tuilab.core.protocol.commands import AnyCommand, Resume, Rewind, SetKnob
from tuilab.core.protocol.events import Failed, LayerStatsReported, Offer
from tuilab.engine.device import memory
from tuilab.engine.nan_trace import find_non_finite
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


def describe_non_finite_loss(
    session: Session, step: int, loss: float, stats: LayerStatsReported | None
) -> Failed:
    """Returns the event of a loss that became NaN or infinite: where, why, and ways back."""
    kind = "infinite" if loss in (float("inf"), float("-inf")) else "NaN (not a number)"
    lr, clip = session.experiment.optimizer.lr, session.experiment.training.clip_grad_norm
    good = session.good_state["position"][0] if session.good_state else 0
    back = f"Go back to step {format_count(good)}"
    offers = [
        Offer(
            f"{back} and continue with lr {format_number(lr / 10)}",
            [Rewind(), SetKnob("optimizer.lr", lr / 10), Resume()],
        )
    ]
    if not clip:
        commands: list[AnyCommand] = [Rewind(), SetKnob("training.clip_grad_norm", 1.0), Resume()]
        offers.append(Offer(f"{back} and clip the gradient norm at 1", commands))
    offers.append(Offer(f"{back} and pause there", [Rewind()]))
    return Failed(
        session.run,
        f"The loss became {kind} at step {format_count(step)}",
        hint=f"{_describe_gradients(stats)}Most often the learning rate is too high; it is "
        f"{format_number(lr)}. The last good state is at step {format_count(good)}.",
        detail=find_non_finite(session, step),
        step=session.step,
        recoverable=True,
        offers=offers,
    )


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
