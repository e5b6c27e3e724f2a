"""What differs between runs: their settings, the lines of their networks, and their results."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from msgspec import Struct, field

from tuilab.core.catalogue.metrics import is_higher_better
from tuilab.core.format import format_number
from tuilab.core.run.run_settings import diff_network, get_setting, iter_differences
from tuilab.core.run.run_summary import SPLITS, MetricValue, RunSummary
from tuilab.core.run.significance import MeanStd, compare_groups

UNREAD_STATES = ("unreadable", "no history")
"""States of runs of which neither settings nor results are known."""

Repeats = Mapping[str, Sequence[RunSummary]]
"""The runs over several seeds by what they share, their `group`."""


class NetworkLine(Struct, frozen=True):
    """A line of the networks that is not the same in all runs, or how many are the same."""

    lines: tuple[str, ...] = ()
    "The line in each run; empty where a run has no such line."
    same: int = 0
    "Lines that are the same in all runs, in place of one that differs."


class Verdict(Struct, frozen=True):
    """Whether a difference from the base is more than what the seeds do."""

    run: int
    "The index of the run among those that are compared."
    text: str
    is_within_noise: bool | None
    "None where that is not known."


class Result(Struct, frozen=True):
    """One metric in all runs."""

    key: str
    "Its split and its name: `validation.accuracy`."
    values: tuple[MetricValue | None, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def is_higher_better(self) -> bool:
        """Whether the largest value is the best one."""
        return is_higher_better(self.key.partition(".")[2])

    def delta(self, run: int, which: str = "last") -> float | None:
        """Returns how much more a run has than the base; None where that is not a number.

        Args:
            which: `last` or `best`.
        """
        base, value = self.values[0], self.values[run]
        if base is None or value is None or run == 0:
            return None
        delta: float = getattr(value, which) - getattr(base, which)
        return delta if isfinite(delta) else None

    def find_best(self, which: str = "last") -> set[int]:
        """Returns the indices of the runs with the best value; none if all have the same."""
        known = {
            index: getattr(value, which) for index, value in enumerate(self.values)
            if value is not None and isfinite(getattr(value, which))
        }  # fmt: skip
        if len(set(known.values())) < 2:
            return set()
        best = max(known.values()) if self.is_higher_better else min(known.values())
        return {index for index, value in known.items() if value == best}


class RunComparison(Struct, frozen=True):
    """What differs between runs; the first of them is the base of all others."""

    runs: tuple[RunSummary, ...]
    settings: dict[str, list[Any]] = field(default_factory=dict)
    """By key the value in each run, only those that differ; None where the chosen option has no
    such key, or the run is not known."""
    network: tuple[NetworkLine, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The names of the runs; the id where a name is not the only one of its kind."""
        names = [run.name or run.id for run in self.runs]
        return [name if names.count(name) == 1 else run.id
                for name, run in zip(names, self.runs, strict=True)]  # fmt: skip

    def is_known(self, index: int) -> bool:
        """Returns whether settings and results of a run are known."""
        return self.runs[index].state not in UNREAD_STATES


def compare_runs(runs: Sequence[RunSummary], repeats: Repeats | None = None) -> RunComparison:
    """Returns what differs between runs; the first one is the base.

    Args:
        repeats: the runs of the groups that any of them belongs to.
    """
    known = [run for run in runs if run.state not in UNREAD_STATES]
    differing = {key: values for key, values in iter_differences(run.settings for run in known)}
    settings = {
        key: [get_setting(run.settings, key) if run in known else None for run in runs]
        for key in differing
        if key not in ("title", "network")
    }
    network: tuple[NetworkLine, ...] = ()
    if "network" in differing:
        networks = [get_setting(run.settings, "network") or () if run in known else None
                    for run in runs]  # fmt: skip
        network = tuple(align_networks(networks))
    return RunComparison(tuple(runs), settings, network, tuple(_compare_results(runs, repeats)))


# --- networks ---------------------------------------------------------------------------------


def align_networks(networks: Sequence[Sequence[Any] | None]) -> Iterator[NetworkLine]:
    """Yields the lines of networks side by side; those that are the same in all are counted.

    Each network is compared with the first one that there is; None stands for one not known.
    """
    base = next((network for network in networks if network is not None), ())
    aligned = [None if network is None else _align(base, network) for network in networks]
    known = [lines for lines in aligned if lines is not None]
    same = 0
    for index in range(len(known[0].at) + 1 if known else 0):
        extra = max(len(lines.before[index]) for lines in known)
        rows = [tuple("" if lines is None else lines.extra(index, number) for lines in aligned)
                for number in range(extra)]  # fmt: skip
        if index < len(known[0].at):
            rows.append(tuple("" if lines is None else lines.at[index] for lines in aligned))
        for row in rows:
            words = {line for line, lines in zip(row, aligned, strict=True) if lines is not None}
            if len(words) == 1:
                same += 1
                continue
            if same:
                yield NetworkLine(same=same)
            yield NetworkLine(row)
            same = 0
    if same:
        yield NetworkLine(same=same)


class _Aligned(Struct):
    """A network beside the base."""

    at: list[str]
    "For each line of the base the one in its place; empty where it is missing."
    before: list[list[str]]
    "For each line of the base, and for the end, the lines that are added before it."

    def extra(self, index: int, number: int) -> str:
        """Returns an added line; empty if there are not as many."""
        lines = self.before[index]
        return lines[number] if number < len(lines) else ""


def _align(base: Iterable[Any], network: Iterable[Any]) -> _Aligned:
    aligned = _Aligned([], [[]])
    for old, new in diff_network(base, network):
        if old:
            aligned.at.append(new)
            aligned.before.append([])
        else:
            aligned.before[-1].append(new)
    return aligned


# --- results ----------------------------------------------------------------------------------


def _compare_results(runs: Sequence[RunSummary], repeats: Repeats | None) -> Iterator[Result]:
    """Yields every metric that any run has, those of held-out examples first."""
    keys = dict.fromkeys(key for run in runs for key in run.values)
    rank = {split: -number for number, split in enumerate(SPLITS)}
    for key in sorted(keys, key=lambda key: rank.get(key.partition(".")[0], 1)):
        values = tuple(run.values.get(key) for run in runs)
        judged = (
            _judge(key, runs[0], run, index, repeats or {}) for index, run in enumerate(runs[1:], 1)
        )
        yield Result(key, values, tuple(verdict for verdict in judged if verdict is not None))


def _judge(
    key: str, base: RunSummary, run: RunSummary, index: int, repeats: Repeats
) -> Verdict | None:
    """Returns whether two runs differ by more than their seeds; None where neither is repeated."""
    if base.group and base.group == run.group:
        return None  # they differ by nothing but the seed
    first, second = (_values_by_seed(key, one, repeats) for one in (base, run))
    if not first or not second or max(len(first), len(second)) < 2:
        return None
    if min(len(first), len(second)) > 1:
        comparison = compare_groups(first, second)
        means = f"{MeanStd.of(list(second.values()))} against {MeanStd.of(list(first.values()))}"
        return Verdict(index, f"{means}: {comparison.describe()}", comparison.is_within_noise)
    repeated, single = (first, second) if len(first) > 1 else (second, first)
    (value,), low, high = single.values(), min(repeated.values()), max(repeated.values())
    is_within = low <= value <= high
    text = f"{format_number(value)} of one run is {'within' if is_within else 'outside of'} " \
           f"{format_number(low)} to {format_number(high)} of {len(repeated)} seeds"  # fmt: skip
    return Verdict(index, text, is_within if isfinite(low + high + value) else None)


def _values_by_seed(key: str, run: RunSummary, repeats: Repeats) -> dict[int, float]:
    """Returns the last value of a metric by seed: of all runs of its group, else of itself."""
    group = repeats.get(run.group, ()) if run.group else ()
    values = {}
    for one in group or (run,):
        value = one.values.get(key)
        if value is not None:
            values[int(get_setting(one.settings, "seed") or 0)] = value.last
    return values


def to_builtins(comparison: RunComparison) -> dict[str, Any]:
    """Returns a comparison as dictionaries and lists, for JSON."""
    runs = [{"run": run.id, "name": run.name, "state": run.state, "problem": run.problem}
            for run in comparison.runs]  # fmt: skip
    results = {}
    for result in comparison.results:
        verdicts = {verdict.run: verdict for verdict in result.verdicts}
        results[result.key] = [
            None if value is None else {
                "last": value.last, "best": value.best,
                "delta": result.delta(index), "best_delta": result.delta(index, "best"),
                "within_noise": verdicts[index].is_within_noise if index in verdicts else None,
                "test": verdicts[index].text if index in verdicts else "",
            }
            for index, value in enumerate(result.values)
        ]  # fmt: skip
    network = [{"same": line.same} if line.same else {"lines": list(line.lines)}
               for line in comparison.network]  # fmt: skip
    return {"base": comparison.runs[0].id, "runs": runs, "settings": comparison.settings,
            "network": network, "results": results}  # fmt: skip
