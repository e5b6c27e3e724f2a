"""What a command line names to be trained, as the commands that start it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuilab.core.errors import InputError

if TYPE_CHECKING:  # help must not wait for it
    from tuilab.core.protocol.commands import Start


@dataclass(frozen=True, slots=True)
class Source:
    """Experiments, or a run that is resumed, or one that is branched from."""

    experiments: Sequence[str] = ()
    resume: str = ""
    branch: str = ""

    def check(self) -> None:
        """Raises InputError unless one of the three is named."""
        if [bool(self.experiments), bool(self.resume), bool(self.branch)].count(True) != 1:
            raise InputError(
                "say what to train: a preset, a file, --resume RUN or --branch RUN[@STEP]"
            )

    @property
    def words(self) -> list[list[str]]:
        """The words of the command line that name each of the runs."""
        if self.resume:
            return [["--resume", self.resume]]
        if self.branch:
            return [["--branch", self.branch]]
        return [[name] for name in self.experiments]


def build_starts(
    source: Source, sets: Sequence[str], device: str, *, accepts_changed_data: bool
) -> "list[Start]":
    """Returns what starts the runs; InputError, before any of them has started."""
    from tuilab.cli.branch import build_branch_command
    from tuilab.cli.overrides import load_experiment, sets_pace
    from tuilab.cli.resume import build_start_command
    from tuilab.core.protocol.commands import Start
    from tuilab.core.run.run import make_run_id

    if name := source.resume or source.branch:
        build = build_start_command if source.resume else build_branch_command
        return [build(name, sets, device, accepts_changed_data=accepts_changed_data)]
    loaded = [load_experiment(name, sets, device) for name in source.experiments]
    return [Start(make_run_id(each), each, is_paced=sets_pace(sets)) for each in loaded]
