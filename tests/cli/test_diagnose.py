"""`tuilab diagnose`: in words and as JSON, of runs with a history, without one, and unknown."""

import json

from tests.support.shell import Says
from tuilab.cli.diagnose import Diagnosing
from tuilab.cli.output.lines import happening
from tuilab.core.diagnosis.finding import Diagnosed, Diagnosis, Fix
from tuilab.core.experiment.experiment import from_plain
from tuilab.core.protocol.events import (
    AnyEvent,
    Finished,
    LayerStatsReported,
    Paused,
    Progressed,
    Started,
)
from tuilab.core.protocol.records import LayerStatistics
from tuilab.core.run.run import Run
from tuilab.host import run_store


def store(run: str, losses: list[float]) -> None:
    """A run on the disk whose loss went like this."""
    of = from_plain({"network": ["Linear 8", "ReLU", "Linear 2"], "training": {"epochs": 20}})
    started = Started(run, of, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
    events: list[AnyEvent] = [started]
    for number, loss in enumerate(losses, 1):
        step = 10 * number
        events.append(
            Progressed(run, step, number, loss, loss, loss, {}, 0.01, 1.0, 1.0, 1.0, None)
        )
        events.append(LayerStatsReported(run, step, [LayerStatistics("1 Linear", 0.5, 0.005, 3.0)]))
    path = run_store.path_of(run)
    path.mkdir(parents=True)
    (path / run_store.LOG).write_bytes(b"".join(map(run_store.line, events)))


def test_a_stored_run_is_diagnosed_in_words(says: Says) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])

    code, out, err = says("diagnose", "wild")

    assert (code, err) == (0, "")
    assert out.startswith("The learning rate is too high (97% sure)\n")
    assert "began at 0.7, went up to 9.5 and is" in out
    assert "→ learning rate 0.0001: optimizer.lr = 0.0001 (while it trains)" in out


def test_for_programs_it_is_one_list(says: Says) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])

    (told,) = json.loads(says("diagnose", "wild", "--json")[1])

    assert told["name"] == "learning_rate_too_high"
    assert told["fixes"][0] == {
        "label": "learning rate 0.0001", "key": "optimizer.lr", "value": 1e-4, "live": True
    }  # fmt: skip
    assert told["points"][0] == [10.0, 0.7]


def test_of_a_sound_run_it_says_that_nothing_is_wrong(says: Says) -> None:
    store("good-1", [0.7 * 0.8**n for n in range(20)])

    assert says("diagnose", "good")[1] == (
        "Nothing was found to be wrong with good-1 up to step 200.\n"
    )
    assert says("diagnose", "good", "--json")[1] == "[]\n"


def test_a_run_without_history_is_said_to_have_none(says: Says) -> None:
    store("new-1", [])

    assert says("diagnose", "new")[:2] == (
        0, "new-1 has no history yet: nothing was measured.\n"
    )  # fmt: skip


def test_an_unknown_run_is_bad_input(says: Says) -> None:
    store("new-1", [])

    code, out, err = says("diagnose", "old")

    assert (code, out) == (2, "")
    assert "old: no stored run has this in its id" in err


def wild(step: int) -> list[AnyEvent]:
    """What a run that flies apart tells at a step."""
    loss = 0.7 + step / 20
    return [
        Progressed("wild-1", step, step / 10, loss, loss, loss, {}, 0.01, 1.0, 1.0, 1.0, None),
        LayerStatsReported("wild-1", step, [LayerStatistics("1 Linear", 0.5, 0.005, 3.0)]),
    ]


def told(events: list[AnyEvent]) -> list[AnyEvent]:
    """What somebody is shown who does not look at the lab."""
    run, diagnosing, shown = Run(), Diagnosing(), list[AnyEvent]()
    for event in events:
        run.apply(event)
        shown += diagnosing.beside(event, run)
    return shown


def test_a_finding_is_an_event_before_the_end_of_the_run() -> None:
    of = from_plain({"network": ["Linear 8", "ReLU", "Linear 2"], "training": {"epochs": 20}})
    started = Started("wild-1", of, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
    events = [started, *(event for step in range(10, 210, 10) for event in wild(step))]
    end = Finished("wild-1", "done", 200, 20, 1.0, {})

    *_, found, last = told([*events, end])

    assert last is end
    assert isinstance(found, Diagnosed)
    assert (found.run, found.step, found.come, found.gone) == (
        "wild-1", 200, ["learning_rate_too_high"], []
    )  # fmt: skip
    assert found.found[0].fixes


def test_what_is_told_already_is_not_told_again() -> None:
    of = from_plain({"network": ["Linear 2", "Softmax"], "training": {"epochs": 20}})
    started = Started("wild-1", of, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
    paused = [Paused("wild-1", step) for step in (30, 40)]
    events = [started, *wild(10), *wild(20), paused[0], *wild(30), paused[1]]

    news = [event for event in told(events) if isinstance(event, Diagnosed)]

    assert [event.come for event in news] == [["softmax_before_cross_entropy"]]


def test_in_plain_lines_it_comes_and_goes() -> None:
    fix = Fix("learning rate 0.1", "optimizer.lr", 0.1, True)
    fault = Diagnosis("too_high", "The learning rate is too high", ["9"], "why", 0.97, [fix])

    assert [*happening(Diagnosed("a", 50, [fault], ["too_high"], []))] == [
        "! step 50: The learning rate is too high (97% sure); try learning rate 0.1"
    ]
    assert [*happening(Diagnosed("a", 90, [], [], [fault.title]))] == [
        "step 90: no longer so: The learning rate is too high"
    ]
