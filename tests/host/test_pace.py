"""A pace lets a person watch: a number of steps a second, and commands are answered at once."""

import time
from typing import Any

from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Pause, SetKnob, Start, Step


def paced(pace: float) -> Experiment:
    return with_value(make_long_experiment(), "training.pace", pace)


def start(lab: LinkWatcher, pace: float, **options: Any) -> None:
    lab.send(Start("paced-1", paced(pace), is_paced=True, **options))
    lab.wait_until(lambda: lab.run.id == "paced-1" and lab.run.step >= 1)


def test_a_run_keeps_to_its_pace_and_reports_it(lab: LinkWatcher) -> None:
    start(lab, 40.0)
    began, first = time.monotonic(), lab.run.step
    lab.wait_until(lambda: lab.run.step >= first + 20 and lab.run.progress is not None)
    seconds = time.monotonic() - began
    steps = lab.run.step - first

    assert seconds >= 0.8 * steps / 40  # never faster; how much slower is the machine's affair
    assert lab.run.progress is not None and lab.run.progress.steps_per_second <= 40

    lab.send(Pause())
    lab.wait_for_state("paused")
    assert lab.run.progress.steps_per_second <= 40


def test_a_slow_run_answers_at_once(lab: LinkWatcher) -> None:
    start(lab, 0.01)  # the next step is due in 100 seconds

    lab.send(Pause())
    lab.wait_for_state("paused")

    assert lab.run.step == 1
    lab.send(Step(steps=1))
    lab.wait_until(lambda: lab.run.step == 2 and lab.run.state == "paused")


def test_requests_do_not_speed_a_slow_run_up(lab: LinkWatcher) -> None:
    start(lab, 0.01)
    for _ in range(20):
        lab.send(SetKnob("optimizer.lr", 0.02))

    lab.wait_until(lambda: len(lab.run.marks) == 20)

    assert lab.run.step <= 2


def test_full_speed_is_one_change_away_and_leaves_no_mark(lab: LinkWatcher) -> None:
    start(lab, 0.01)

    lab.send(SetKnob("training.pace", 0.0))
    lab.wait_until(lambda: lab.run.step > 100)

    assert lab.run.marks == []


def test_without_a_screen_the_pace_of_a_file_is_ignored(lab: LinkWatcher) -> None:
    lab.send(Start("headless-1", paced(0.01)))

    lab.wait_until(lambda: lab.run.id == "headless-1" and lab.run.step > 100)


def test_the_history_is_the_same_at_any_pace(lab: LinkWatcher) -> None:
    histories = []
    for name, pace in (("slow-1", 300.0), ("fast-1", 0.0)):
        lab.send(Start(name, paced(pace), paused=True, is_paced=True), Step(steps=60))
        lab.wait_until(lambda: (lab.run.step, lab.run.state) == (60, "paused"))
        histories.append(repr(sorted(lab.run.series.items())))

    assert histories[0] == histories[1]
