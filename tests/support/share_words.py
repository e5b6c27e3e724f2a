"""Writes the words of a new format of shared strings: `python -m tests.support.share_words`.

Run it once for each number: a string can be read only with the words that it was made with.
"""

import sys
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import (
    SECTIONS,
    Experiment,
    choice_key,
    experiment_to_dict,
    name_of,
    option_types,
)
from tuilab.core.experiment.knobs import Knob, default_knobs
from tuilab.core.experiment.merge_toml import remove_defaults
from tuilab.core.experiment.share_string import VERSION
from tuilab.core.network.registry import LAYERS


def list_words() -> Iterator[str]:
    """Yields layers, then choices with their keys, then the shipped experiments.

    What is last is nearest to what is shortened, and costs least.
    """
    for name, kind in LAYERS.items():
        arguments = " ".join(f"{field}=" for field in kind.__struct_fields__ if field != "frozen")
        yield f'"{name} {kind.example} {arguments}'
    yield 'frozen=true"'
    for section in SECTIONS:
        yield from _list_choices(section)
    folder = paths.presets_dir() / "experiments"
    for path in sorted(folder.glob("*.toml"), key=lambda path: (path.stem == "spiral", path.stem)):
        experiment = toml_file.read(path)
        tables = remove_defaults(experiment_to_dict(experiment), experiment)
        yield msgspec.json.encode(tables).decode()


def _list_choices(section: str) -> Iterator[str]:
    kinds = option_types(section)
    seen_keys: set[str] = set()
    plain: tuple[type[Struct], ...] = (type(getattr(Experiment(), section)),)
    for kind in kinds or plain:
        choice = [f'"{choice_key(section)}":"{name_of(kind)}"'] if kinds else []
        knobs = [k for name, k in default_knobs(kind).items() if name not in seen_keys]
        seen_keys |= {knob.key for knob in knobs}
        values = [f'"{knob.key}":{_sample_value(knob)}' for knob in knobs]
        yield f'"{section}":{{' + ",".join([*choice, *values])


def _sample_value(knob: Knob) -> str:
    """Returns how a value that is not the default is likely to begin."""
    if knob.kind == "choice":
        others = [choice for choice in knob.choices if choice != knob.default]
        return ",".join(msgspec.json.encode(choice).decode() for choice in others)
    beginnings = {"bool": "false" if knob.default else "true", "float": "0.0", "text": '"'}
    return beginnings.get(knob.kind, "")


if __name__ == "__main__":
    path = paths.presets_dir() / "share" / f"words-{VERSION}.txt"
    if path.exists():
        sys.exit(f"{path} exists: strings of users depend on it. Raise VERSION first.")
    path.write_text("".join(f"{line}\n" for line in list_words()))
