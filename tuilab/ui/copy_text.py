"""What can be said of an experiment and its run in plain text, to copy or to print."""

from collections.abc import Iterator

from tuilab.core import paths
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.toml_file import to_toml
from tuilab.core.network.plan import Line
from tuilab.core.run.run import Run


def copies(experiment: Experiment, run: Run) -> Iterator[tuple[str, str, str, str]]:
    """Key, label, explanation and text of everything that can be copied."""
    yield "e", "The experiment", "as its TOML file", to_toml(experiment)
    yield "n", "The network", "one line a layer", "\n".join(lines(experiment.network)) + "\n"
    if run.id:
        folder = run.started.folder if run.started is not None else ""
        path = folder or str(paths.runs() / run.id)
        yield "p", "The run's folder", path, path
        yield "i", "The run's id", run.id, run.id
    if text := results(run):
        yield "r", "The results", text.splitlines()[0], text


def lines(network: tuple[Line, ...], depth: int = 0) -> Iterator[str]:
    """A network as text; what stands inside a block is indented."""
    for line in network:
        if isinstance(line, str):
            yield "    " * depth + line
        else:
            yield from lines(line[:1], depth)
            yield from lines(line[1:], depth + 1)


def results(run: Run) -> str:
    """Loss and metric of each part as far as they are known, one line each."""
    if run.finished is not None:
        known = run.finished.results
    elif run.epoch is not None:
        known = {"train": run.epoch.train, "validation": run.epoch.validation}
    else:
        return ""
    rows = [
        f"{part:<11}" + "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
        for part, scores in known.items()
        if scores
    ]
    return "\n".join([f"{run.id} at step {run.step}", *rows]) + "\n" if rows else ""


def pending(keys: list[str]) -> str:
    """What waits for a restart, and how to restart."""
    if not keys:
        return ""
    what = keys[0] if len(keys) == 1 else f"{len(keys)} changes"
    return f"{what}: r restarts to use it" if len(keys) == 1 else f"{what}: r restarts to use them"
