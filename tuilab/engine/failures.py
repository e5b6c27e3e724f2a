"""What went wrong, in the user's terms, and ways out."""

import traceback

from tuilab.core.errors import CANNOT_START, GPU_FAULT, InputError
from tuilab.core.protocol.commands import AnyCommand, Resume, Rewind, Set
from tuilab.core.protocol.events import Failed, LayerStatsReported, Offer
from tuilab.engine.device import memory
from tuilab.engine.nan_trace import first_not_finite
from tuilab.engine.session import Session


def explain(error: BaseException, run: str, session: Session | None) -> Failed:
    """A failure as an event; detail holds the traceback of what nobody foresaw."""
    step = session.step if session else 0
    if isinstance(error, InputError):
        problem = error.problem[:1].upper() + error.problem[1:]
        where = ": ".join(error.where)
        hint = f"{problem}\n{where}" if where else problem
        return Failed(run, CANNOT_START, hint=hint, step=step)
    if memory.is_exhausted(error):
        return _out_of_memory(error, run, session)
    if "device-side assert" in str(error) or "CUDA error" in str(error):
        return Failed(
            run,
            GPU_FAULT,
            hint="CUDA cannot go on in this process; the next run gets a new one. `tuilab train "
            f"--resume {run}` goes on from the last checkpoint; on the CPU (D) the same run says "
            "more precisely what is wrong.",
            detail=str(error),
            step=step,
        )
    return Failed(
        run,
        f"{type(error).__name__}: {error}",
        hint="This is not something you did: please report it, with the details below.",
        detail="".join(traceback.format_exception(error)),
        step=step,
        recoverable=session is not None,
        offers=[Offer("Go on", [Resume()])] if session is not None else [],
    )


def _out_of_memory(error: BaseException, run: str, session: Session | None) -> Failed:
    device = str(session.device) if session else "this machine"
    detail = str(error).splitlines()[0] if str(error) else ""
    if session is None:
        hint = "The network or the data do not fit. Try a smaller network or fewer samples."
        return Failed(run, f"Out of memory on {device}", hint=hint, detail=detail)
    batch, parts = session.experiment.data.batch_size, session.experiment.training.accumulation
    offers = []
    if batch // (parts * 2) >= session.least:
        label = (
            f"Work through each batch of {batch} in {parts * 2} parts: the same steps, less memory"
        )
        offers.append(Offer(label, [Set("training.accumulation", parts * 2), Resume()]))
    if batch // 2 >= session.least:
        label = f"Halve the batch to {batch // 2} examples: other steps, less memory"
        offers.append(Offer(label, [Set("data.batch_size", batch // 2), Resume()]))
    return Failed(
        run,
        f"Out of memory on {device}",
        hint=f"A batch of {batch} examples does not fit beside the network. "
        f"Nothing is lost: the run waits at step {session.step:,}.",
        detail=detail,
        step=session.step,
        recoverable=True,
        offers=offers,
    )


def not_finite(
    session: Session, step: int, loss: float, probe: LayerStatsReported | None
) -> Failed:
    """The loss became NaN or infinite: where, why most likely, and ways back."""
    kind = "infinite" if loss in (float("inf"), float("-inf")) else "NaN (not a number)"
    lr, clip = session.experiment.optimizer.lr, session.experiment.training.clip_grad_norm
    good = session.good["position"][0] if session.good else 0
    back = f"Go back to step {good:,}"
    offers = [
        Offer(
            f"{back} and train on with lr {lr / 10:g}",
            [Rewind(), Set("optimizer.lr", lr / 10), Resume()],
        )
    ]
    if not clip:
        limit: list[AnyCommand] = [Rewind(), Set("training.clip_grad_norm", 1.0), Resume()]
        offers.append(Offer(f"{back} and limit the gradient to length 1", limit))
    offers.append(Offer(f"{back} and wait there", [Rewind()]))
    return Failed(
        session.run,
        f"The loss became {kind} at step {step:,}",
        hint=f"{_largest(probe)}Most often the learning rate is too high; it is {lr:g}. "
        f"The last good state is at step {good:,}.",
        detail=first_not_finite(session, step),
        step=session.step,
        recoverable=True,
        offers=offers,
    )


def _largest(probe: LayerStatsReported | None) -> str:
    """Which layer shows it most: one that is not finite, or the largest gradient."""
    layers = probe.layers if probe else []
    lost = [layer.layer for layer in layers if layer.gradient != layer.gradient]
    if lost:
        return f"The gradients of {', '.join(lost[:4])} are not finite any more. "
    if not layers:
        return ""
    worst = max(layers, key=lambda layer: layer.gradient)
    return f"The largest gradient is that of {worst.layer}: {worst.gradient:.3g}. "
