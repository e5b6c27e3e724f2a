"""An experiment and its run in plain text, to copy or to print."""

from collections.abc import Iterator

from tuilab.core import paths
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.toml_file import to_toml
from tuilab.core.format import format_count, format_number
from tuilab.core.network.line import Line
from tuilab.core.run.run import Run


def list_copies(experiment: Experiment, run: Run) -> Iterator[tuple[str, str, str, str]]:
    """Yields key, label, description and text of everything that can be copied."""
    yield "e", "The experiment", "as its TOML file", to_toml(experiment)
    network = "".join(f"{line}\n" for line in network_lines(experiment.network))
    yield "n", "The network", "one line per layer", network
    if run.id:
        folder = run.started.folder if run.started is not None else ""
        path = folder or str(paths.runs_dir() / run.id)
        yield "p", "The run's folder", path, path
        yield "i", "The run's ID", run.id, run.id
    if text := describe_results(run):
        yield "r", "The results", text.splitlines()[0], text


def network_lines(network: tuple[Line, ...], depth: int = 0) -> Iterator[str]:
    """Yields a network as text, with the lines of a block indented."""
    for line in network:
        if isinstance(line, str):
            yield "    " * depth + line
        else:
            yield from network_lines(line[:1], depth)
            yield from network_lines(line[1:], depth + 1)


def describe_results(run: Run) -> str:
    """Returns the newest losses and metrics, one line per split; empty if there are none."""
    if run.finished is not None:
        results = run.finished.results
    elif run.epoch is not None:
        results = {"train": run.epoch.train, "validation": run.epoch.validation}
    else:
        return ""
    rows = [
        f"{part:<11}"
        + "  ".join(f"{name} {format_number(value)}" for name, value in scores.items())
        for part, scores in results.items()
        if scores
    ]
    return "\n".join([f"{run.id} at step {format_count(run.step)}", *rows]) + "\n" if rows else ""


def describe_waiting_changes(keys: list[str]) -> str:
    """Returns what waits for a restart, and how to restart; empty if nothing does."""
    if not keys:
        return ""
    if keys == ["network"]:
        return "network: E changes it in the run, r restarts"
    if len(keys) == 1:
        return f"{keys[0]}: r restarts to use it"
    return f"{len(keys)} changes: r restarts to use them"
