"""The parts of the harness: what is done, how often by default, and how often at length."""

from collections.abc import Callable
from typing import NamedTuple

from tests.faults import damaged_files, failing_disk, fuzzed_texts, hostile_peers, kills
from tests.faults.tally import Tally


class Part(NamedTuple):
    """One kind of fault."""

    title: str
    run: Callable[[int, int], Tally]
    "Called with the number of cases and a seed."
    quick: int
    "Number of cases in the default tests."
    full: int
    "Number of cases in the long form."


PARTS = {
    "kills": Part("processes killed at a random moment, then resumed", kills.kill_runs, 1, 200),
    "boundaries": Part(
        "processes killed in each call to the disk, then resumed", kills.kill_at_calls, 2, 300
    ),
    "calls": Part("runs with 2% of all calls to the disk failing", failing_disk.fail_calls, 1, 200),
    "full": Part("runs on a disk without enough space", failing_disk.fill_disks, 1, 100),
    "flips": Part("single bits flipped in the files of a run", damaged_files.flip_bits, 100, 3000),
    "cuts": Part("logs cut at a random byte, then continued", damaged_files.cut_logs, 20, 1000),
    "experiments": Part("experiments changed at random", fuzzed_texts.fuzz_experiments, 60, 10_000),
    "lessons": Part("lessons changed at random", fuzzed_texts.fuzz_lessons, 5, 2000),
    "data": Part("data files of all formats, damaged or odd", fuzzed_texts.fuzz_data, 150, 10_000),
    "peers": Part("frames at random, sent to a host", hostile_peers.send_frames, 200, 20_000),
}
