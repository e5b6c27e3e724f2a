"""What a shell offers for the arguments and options of the commands."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tuilab.core.errors import InputError

if TYPE_CHECKING:
    from tuilab.core.experiment.experiment import Experiment
    from tuilab.core.experiment.knobs import Knob

Offers = list[tuple[str, str]]
"""Words, each with its help; Typer keeps those that begin with what is typed."""

SPLIT_AT = "=:"
"""Where bash splits words, so that it completes only what follows."""


def complete_experiments(incomplete: str) -> Offers:
    """Completes PRESET|FILE."""
    from tuilab.core.experiment import toml_file
    from tuilab.core.experiment.from_file import DATA_SUFFIXES

    presets = toml_file.find_presets().values()
    offers = [(preset.name, preset.title) for preset in presets]
    folder, start = (Path(incomplete), "") if incomplete.endswith("/") else (
        Path(incomplete).parent, Path(incomplete).name,
    )  # fmt: skip
    paths = [path for path in sorted(folder.glob(f"{start}*")) if not path.name.startswith(".")]
    files = [(str(path), "") for path in paths if path.suffix.lower() in (".toml", *DATA_SUFFIXES)]
    folders = [(f"{path}/", "") for path in paths if path.is_dir()]
    return offers + files + folders


def complete_layers() -> Offers:
    """Completes the name of a layer."""
    from tuilab.core.experiment.knobs import summarize
    from tuilab.core.network.registry import LAYERS

    return [(name, summarize(kind)) for name, kind in LAYERS.items()]


def complete_articles() -> Offers:
    """Completes a name that `tuilab explain` knows."""
    from tuilab.core.experiment.experiment import SECTIONS
    from tuilab.core.reference.articles import article_names

    return [(name, "") for name in dict.fromkeys((*SECTIONS, *article_names()))]


def complete_lessons() -> Offers:
    """Completes the name of a lesson."""
    from tuilab.core.lessons import library

    return [(name, "") for name in library.list_folders()]


def complete_terms() -> Offers:
    """Completes a term of the glossary."""
    from tuilab.core.lessons import glossary

    return [(term.name, term.definition) for term in glossary.load_terms().values()]


def complete_quantities() -> Offers:
    """Completes what `tuilab find` can find."""
    return [("lr", "learning rate"), ("batch_size", "batch size")]


def complete_stored_runs() -> Offers:
    """Completes the id of a stored run."""
    from tuilab.host import run_store

    return [(path.name, "") for path in run_store.list_runs()]


def complete_deleted_runs() -> Offers:
    """Completes the id of a run in the trash."""
    from tuilab.host.run_library import RunLibrary

    return [(run.id, "") for run in RunLibrary().list_trash()]


def complete_tags(incomplete: str) -> Offers:
    """Completes +TAG and -TAG with the tags that runs have."""
    sign = incomplete[:1] if incomplete[:1] in ("+", "-") else "+"
    return [(sign + tag, "") for tag in _known_tags()]


def _known_tags() -> list[str]:
    from tuilab.host.run_library import RunLibrary

    return sorted({tag for run in RunLibrary().list_summaries() for tag in run.tags})


def complete_run_keys() -> Offers:
    """Completes what runs can be sorted by."""
    from tuilab.core.run.run_keys import complete_key

    return [(key, "") for key in complete_key("")]


def complete_filter(incomplete: str) -> Offers:
    """Completes a term of a filter: its key, or after `tag:` and `state:` what they can be."""
    from tuilab.core.run.run_filter import STATES

    key, colon, _ = incomplete.partition(":")
    if colon and key in ("tag", "state"):
        words = _known_tags() if key == "tag" else STATES
        return [(f"{key}:{word}", "") for word in words]
    return [("tag:", ""), ("state:", ""), *complete_run_keys()]


def complete_active_runs() -> Offers:
    """Completes the id of a run in progress."""
    from tuilab.host import discovery

    return [(host.run, host.title) for host in discovery.list_hosts() if host.run]


def complete_queue() -> Offers:
    """Completes the id of a run in the queue."""
    from tuilab.host import run_queue

    with suppress(InputError):
        return [(entry.run, entry.title) for entry in run_queue.list_entries()]
    return []


def complete_runs() -> Offers:
    """Completes the id of a run in progress or of one that has ended."""
    return list((dict(complete_stored_runs()) | dict(complete_active_runs())).items())


def complete_shared(incomplete: str) -> Offers:
    """Completes PRESET|FILE|RUN."""
    return complete_experiments(incomplete) + complete_stored_runs()


def complete_conditions() -> Offers:
    """Completes what can be asked for after `--notify`."""
    from tuilab.core.catalogue.metrics import METRIC_HELP
    from tuilab.core.run.condition import COUNTERS, END
    from tuilab.core.run.run_summary import SPLITS

    metrics = [(f"{split}.{name}", text) for split in SPLITS for name, text in METRIC_HELP.items()]
    return [(END, "the run ends or fails"), *metrics, *((name, "") for name in COUNTERS)]


def complete_devices() -> Offers:
    """Completes a device, without loading PyTorch to ask which of them can be used."""
    gpus = sorted(Path("/dev").glob("nvidia[0-9]*"))
    names = ["auto", "cpu", *(["mps"] if sys.platform == "darwin" else ["cuda"])]
    names += [f"cuda:{gpu.name.removeprefix('nvidia')}" for gpu in gpus]
    return [(name, "") for name in names]


def complete_changes(context: typer.Context, incomplete: str) -> Offers:
    """Completes KEY=VALUE: a key of the chosen experiment, after `=` its choices or its value."""
    from tuilab.core.experiment.experiment import iter_knobs

    # An option without its value ends Typer's parsing; the arguments before it are left over.
    names = context.params.get("experiments") or [context.params.get("experiment")]
    experiment_text = names[0] or (context.args[-1] if context.args else "")
    experiment = _read_chosen(
        experiment_text, context.params.get("resume"), context.params.get("sets")
    )
    knobs = {knob.key: knob for knob in iter_knobs(experiment)}
    keys = {key: knob.help for key, knob in knobs.items()}
    lines = [(n, line) for n, line in enumerate(experiment.network) if isinstance(line, str)]
    keys |= {"title": "Its title", **{f"network[{number}]": line for number, line in lines}}
    key, equals, _ = incomplete.partition("=")
    matches = [key] if equals else [known for known in keys if known.startswith(key)]
    if len(matches) == 1 and matches[0] in knobs:
        return [(f"{matches[0]}={value}", text) for value, text in _list_values(knobs[matches[0]])]
    return [] if equals else [(f"{known}=", keys[known]) for known in matches]


def _read_chosen(name: str, run: str | None, changes: list[str] | None) -> "Experiment":
    """Returns a preset, a file or the experiment of a run, with changes."""
    from tuilab.cli.overrides import apply_overrides
    from tuilab.cli.short_form import DEFAULT_PRESET
    from tuilab.core.experiment import toml_file
    from tuilab.core.experiment.experiment import Experiment
    from tuilab.host import run_store

    experiment = Experiment()
    with suppress(InputError):
        if run:
            experiment = toml_file.read(run_store.find_run(run) / run_store.EXPERIMENT)
        else:
            experiment = toml_file.read(toml_file.find(name or DEFAULT_PRESET))
    for text in changes or ():
        with suppress(InputError):
            experiment = apply_overrides(experiment, [text])
    return experiment


def _list_values(knob: "Knob") -> Iterator[tuple[str, str]]:
    """Yields the choices of a knob, or its present value."""
    from tuilab.core.experiment.form import DEVICE, describe_choices

    if knob.key == DEVICE:
        yield from complete_devices()
    elif knob.kind == "choice":
        texts = describe_choices(knob)
        yield from ((str(choice), texts.get(str(choice), "")) for choice in knob.choices)
    elif knob.kind == "bool":
        yield from (("true", ""), ("false", ""))
    elif knob.kind in ("int", "float") and knob.value is not None:
        yield str(knob.value), f"{knob.help} ({knob.range})" if knob.range else knob.help


def complete_in_bash(complete: Callable[[], object]) -> None:
    """Completes a word that bash has split, such as `optimizer.name=adam`.

    bash passes the parts on in COMP_WORDS, one a line, and keeps all but the last of them.

    Args:
        complete: prints the completions of the word in COMP_WORDS, one a line, and exits.
    """
    words, current = _join_words(
        os.environ.get("COMP_WORDS", ""), int(os.environ.get("COMP_CWORD", "0"))
    )
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(words), str(current)
    word = words[current] if current < len(words) else ""
    value = word.partition("=")[2] if word.startswith("-") else word
    start = 1 + max(value.rfind(sign) for sign in SPLIT_AT)
    output = StringIO()
    try:
        with redirect_stdout(output):
            complete()
    finally:
        for line in output.getvalue().splitlines():
            print(line[start:])


def _join_words(text: str, current: int) -> tuple[list[str], int]:
    """Joins split words; returns them and the index of the one that is completed."""
    split = text.split("\n") if "\n" in text else text.split()
    joined: list[str] = []
    index = current
    for number, word in enumerate(split):
        is_after_sign = number > 0 and not split[number - 1].strip(SPLIT_AT)
        if joined and word and (is_after_sign or not word.strip(SPLIT_AT)):
            joined[-1] += word
            index -= number <= current
        else:
            joined.append(word)
    return joined, index
