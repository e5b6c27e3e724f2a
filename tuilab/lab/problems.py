"""Why an experiment cannot be started, where, and what would be right."""

from collections.abc import Iterator

from tuilab.lab.experiment import Experiment, name_of


def problems(experiment: Experiment) -> list[str]:
    """Why this experiment cannot be started; empty if it can."""
    found = [f"{row.key}: {row.problem}" for row in experiment.plan.rows if row.problem]
    data, loss, task = experiment.data, experiment.loss, name_of(experiment.task)
    if task not in data.tasks:
        found.append(f"task: {data.title} is for {' or '.join(data.tasks)}, not {task}")
    if task not in loss.tasks:
        found.append(f"loss.name: {name_of(loss)} is for {' or '.join(loss.tasks)}, not {task}")
    if not data.shape or 0 in data.shape:
        found.append("data.features: choose at least one feature")
    if not found:
        found.extend(_ending(experiment))
    optimizer = experiment.optimizer
    if getattr(optimizer, "nesterov", False) and not getattr(optimizer, "momentum", 0):
        found.append("optimizer.nesterov: Nesterov needs a momentum above 0")
    return found


def _ending(experiment: Experiment) -> Iterator[str]:
    """Whether the last layer fits the classes and the loss."""
    plan, data, loss = experiment.plan, experiment.data, experiment.loss
    classes = len(data.classes) if name_of(experiment.task) == "classification" else 0
    if name_of(loss) == "bce" and classes != 2:
        yield f"loss.name: bce is for two classes, {data.title} has {classes}; use cross_entropy"
        return
    wanted = loss.outputs(classes)
    if not experiment.network:
        yield f"network: there is no layer yet; add Linear {wanted}"
    elif plan.output != (wanted,):
        ends = "×".join(map(str, plan.output or ()))
        what, need = (f"{classes} classes", "need") if classes else ("one target", "needs")
        yield (
            f"network: it ends in [{ends}], but {what} with {name_of(loss)} {need} [{wanted}]; "
            f"end it with Linear {wanted}"
        )
    elif not plan.parameters:
        yield f"network: no layer here has weights that could learn; add Linear {wanted}"
