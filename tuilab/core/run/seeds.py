"""Seeds to train an experiment with, and the results of their runs."""

from collections.abc import Sequence

from tuilab.core.catalogue.metrics import headline_metrics
from tuilab.core.errors import InputError
from tuilab.core.format import format_number
from tuilab.core.protocol.records import SeedRun
from tuilab.core.run.significance import MeanStd

MAX_SEED = 2**31 - 1

MAX_SEEDS = 256
"""Runs of one group."""

SPLITS = ("test", "validation", "train")
"""The parts of the data by how much their results say, the most first."""


def parse_seeds(text: str, first: int) -> tuple[int, ...]:
    """Returns the seeds of `5`: five from `first` on; or those of a list, `3,7,11`.

    Raises:
        InputError: what is wrong.
    """
    try:
        numbers = [int(part) for part in text.replace("_", "").split(",")]
    except ValueError:
        raise InputError("enter how many seeds, such as 5, or a list such as 3,7,11") from None
    if "," not in text:
        if not 1 <= numbers[0] <= MAX_SEEDS:
            raise InputError(f"enter from 1 to {MAX_SEEDS} seeds")
        return tuple((first + number) % (MAX_SEED + 1) for number in range(numbers[0]))
    return check_seeds(numbers)


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Returns the seeds; InputError if there are too many, the same twice or one out of range."""
    if not 1 <= len(seeds) <= MAX_SEEDS:
        raise InputError(f"enter from 1 to {MAX_SEEDS} seeds")
    for number, seed in enumerate(seeds):
        if not 0 <= seed <= MAX_SEED:
            raise InputError(f"{seed} is not a seed: they are from 0 to {MAX_SEED}")
        if seed in seeds[:number]:
            raise InputError(f"the seed {seed} is there twice")
    return tuple(seeds)


def summarize(runs: Sequence[SeedRun]) -> dict[str, MeanStd]:
    """Returns mean and standard deviation of each metric over the runs that have results.

    The metrics are those that all of these have, those of the test set first.
    """
    results = [run.metrics for run in runs if run.metrics]
    if not results:
        return {}
    names = [name for name in results[0] if all(name in result for result in results)]
    names.sort(key=lambda name: SPLITS.index(name.partition(".")[0]))
    return {name: MeanStd.of([result[name] for result in results]) for name in names}


def choose_headline(summary: dict[str, MeanStd], limit: int) -> dict[str, MeanStd]:
    """Returns the most important metrics of each part of the data, at most `limit` of each."""
    headline: dict[str, MeanStd] = {}
    for split in SPLITS:
        prefix = f"{split}."
        values = {
            name.removeprefix(prefix): one.mean
            for name, one in summary.items()
            if name.startswith(prefix)
        }
        headline |= {f"{prefix}{name}": summary[f"{prefix}{name}"]
                   for name in headline_metrics(values, limit)}  # fmt: skip
    return headline


def format_summary(metrics: dict[str, MeanStd], limit: int = 3) -> list[str]:
    """Returns lines with mean ± standard deviation of the most important metrics, and n."""
    headline = choose_headline(metrics, limit)
    names = max(map(len, headline), default=0)
    values = max((len(str(one)) for one in headline.values()), default=0)
    return [f"{name:{names}}  {one!s:{values}}  n = {one.n}" for name, one in headline.items()]


def format_runs(runs: Sequence[SeedRun], limit: int = 2) -> list[str]:
    """Returns a line for each run: its seed, its id, its state and its first metrics."""
    names = list(choose_headline(summarize(runs), limit))[:limit]
    seeds, ids = (max((len(str(getattr(run, key))) for run in runs), default=0)
                  for key in ("seed", "run"))  # fmt: skip
    lines = []
    for run in runs:
        values = [f"{name} {format_number(run.metrics[name])}" for name in names if run.metrics]
        text = f"seed {run.seed:>{seeds}}  {run.run:{ids}}  {run.state:<8}  {'  '.join(values)}"
        lines.append(f"{text.rstrip()}{f'  {run.problem}' if run.problem else ''}")
    return lines
