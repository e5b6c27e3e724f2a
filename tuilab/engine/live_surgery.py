"""Changes the network of a session between two batches; training goes on from there."""

from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from tuilab.core.catalogue.tasks import GAN
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.line import Line
from tuilab.core.network.plan import LinePath, to_tuples
from tuilab.core.network.surgery import SurgeryPlan, plan_surgery
from tuilab.core.protocol.events import NetworkChanged
from tuilab.engine import checkpoint
from tuilab.engine.data.rng import rng_for
from tuilab.engine.device.threads import thread_count
from tuilab.engine.model.initial_network import build_initialized
from tuilab.engine.model.layers.blocks import LayerStack
from tuilab.engine.model.surgery import (
    SHARE_NOISE,
    Sources,
    Tensors,
    fill,
    find_sources,
    find_twins,
    map_tensors,
    zero_added_biases,
)
from tuilab.engine.optim.map_state import map_state
from tuilab.engine.optim.weight_average import averaged_names
from tuilab.engine.preserve import preserving_random_state
from tuilab.engine.session import Session

COMPARED_EXAMPLES = 64
"""Training examples whose outputs before and after are compared."""


def change_network(
    session: Session,
    lines: tuple[Line, ...],
    reset: tuple[LinePath, ...] = (),
    noise: float = SHARE_NOISE,
) -> NetworkChanged:
    """Makes the network one of these lines, with the weights that it has learned.

    Random generators are as before, so that dropout and the order of examples go on as they were.

    Args:
        reset: paths of lines that begin with new weights.
        noise: how far the shares of copied units are from equal ones.

    Raises:
        InputError: it is not possible; nothing is changed then.
    """
    before = session.experiment
    after = replace(before, network=to_tuples(lines))
    _check(session, after)
    plan = _plan(session, after.sized_network, reset)
    session.snapshots.add(checkpoint.capture_state(session))  # a branch from it undoes the change
    old_outputs = _compute_outputs(session)
    old_labels = _label_parameters(session)
    network, sources = _build(session, after, plan, noise)
    content = dict(vars(session))
    try:
        forgotten = _transplant(session, after, network, sources)
    except Exception:
        vars(session).update(content)
        torch.set_num_threads(thread_count(before, session.batch_size))
        raise
    return NetworkChanged(
        session.run,
        session.step,
        network=after.network,
        changes=[surgery.text for surgery in plan.surgeries],
        parameters=sum(parameter.numel() for parameter in session.parameters),
        difference=_compare(old_outputs, _compute_outputs(session)),
        layers=_match_labels(old_labels, _label_parameters(session), sources),
        forgotten=forgotten,
    )


def _build(
    session: Session, after: Experiment, plan: SurgeryPlan, noise: float
) -> tuple[LayerStack, Sources]:
    """Returns the changed network with its weights, and where each of them comes from."""
    before = session.network
    sized = session.experiment.sized_network, after.sized_network
    with preserving_random_state(session.device):
        torch.manual_seed(after.seed * 1_000_003 + session.step + 1)
        network, _ = build_initialized(after, session.dataset, "")
        network.to(session.device, next(before.parameters()).dtype)
        sources = find_sources(before, sized[0], network, sized[1], plan, noise)
        fill(network, sized[1], plan)
        zero_added_biases(network, sources)
    network.load_state_dict(map_tensors(sources, before.state_dict(), network.state_dict()))
    return network, sources


def _match_labels(
    before: dict[str, str], after: dict[str, str], sources: Sources
) -> dict[str, str]:
    """Returns for each label of a layer before the one that the layer has now, if it is there."""
    old_labels = {name: label for label, name in before.items()}
    return {
        old_labels[source.name]: label
        for label, name in after.items()
        if (source := sources[name]) is not None and source.name in old_labels
    }


def _check(session: Session, after: Experiment) -> None:
    """Raises InputError where a session cannot change to an experiment's network."""
    if after.training.engine != "torch":
        raise InputError("the engines in plain Python cannot change their network in a run")
    if errors := find_errors(after):
        raise InputError(errors[0])
    norms = torch._foreach_norm([p.detach() for p in session.parameters])
    if not torch.stack(norms).isfinite().all():
        raise InputError("its weights are not finite; go back to the last good state first")


def _plan(session: Session, lines: tuple[Line, ...], reset: tuple[LinePath, ...]) -> SurgeryPlan:
    before, shape = session.experiment.sized_network, session.experiment.input_shape
    plan = plan_surgery(before, lines, shape, reset=reset)
    if plan.is_possible and not plan.preserves_output:
        twins = find_twins(session.network, before)
        plan = plan_surgery(before, lines, shape, reset=reset, twins=twins)
    if plan.obstacles:
        raise InputError("; ".join(map(str, plan.obstacles)))
    if not plan.surgeries:
        raise InputError("the network is the same")
    return plan


def _transplant(
    session: Session, experiment: Experiment, network: LayerStack, sources: Sources
) -> list[str]:
    """Makes a network that of the session, with all that was learned about the weights before.

    Returns the names of parameters whose optimizer state starts anew.
    """
    old_network, old_task, old_optimizer = session.network, session.task, session.optimizer
    stopping = session.early_stopping.state_dict()
    session.experiment = experiment
    torch.set_num_threads(thread_count(experiment, session.batch_size))
    session.use_network(network)
    session.check_data()
    if old_task.scaler is not None:
        session.task.scaler = old_task.scaler
    forgotten = map_state(old_optimizer, session.optimizer, (old_network, network), sources)
    fresh = session.network.state_dict()
    average = old_task.average.state_dict()
    session.task.average.load_state_dict(_map_average(average, old_network, network, sources))
    if stopping["weights"]:
        stopping["weights"] = map_tensors(sources, stopping["weights"], fresh)
        stopping["average"] = _map_average(stopping["average"], old_network, network, sources)
    session.early_stopping.load_state_dict(stopping)
    session.good_state = checkpoint.capture_state(session)
    return forgotten


def _map_average(
    state: dict[str, Any], before: nn.Module, after: nn.Module, sources: Sources
) -> dict[str, Any]:
    """Returns the state of a weight average of the changed network."""
    if not state["mean"]:
        return state
    fresh = after.state_dict(keep_vars=True)
    old: Tensors = dict(zip(averaged_names(before), state["mean"], strict=True))
    names = averaged_names(after)
    own_sources = {name: sources.get(name) for name in names}
    tensors = {**dict(after.named_buffers()), **fresh}
    mapped = map_tensors(own_sources, old, tensors)
    return state | {"mean": [mapped[name] for name in names]}


def _label_parameters(session: Session) -> dict[str, str]:
    """Returns the name of the first parameter of each layer by the layer's label."""
    names = {parameter: name for name, parameter in session.network.named_parameters()}
    return {
        label: names[parameters[0]] for label, parameters in session.parameters_by_layer.items()
    }


@torch.no_grad()
def _compute_outputs(session: Session) -> Tensor:
    """Returns the outputs [examples, ...] for a few inputs, in evaluation mode."""
    task, experiment = session.experiment.task, session.experiment
    if isinstance(task, GAN):
        rng = rng_for(experiment.seed, "initialization")
        inputs = torch.randn(COMPARED_EXAMPLES, task.latent, generator=rng).to(session.device)
    else:
        examples = session.dataset.train.inputs[:COMPARED_EXAMPLES]
        inputs = session.to_memory_format(session.dataset.prepare(examples))
    with preserving_random_state(session.device):
        session.network.eval()
        try:
            outputs: Tensor = session.network(inputs)
        finally:
            session.network.train()
    return outputs


def _compare(before: Tensor, after: Tensor) -> float:
    """Returns the largest difference, relative to the largest output."""
    scale = max(1e-30, float(before.abs().max()))
    return float((before - after).abs().max()) / scale
