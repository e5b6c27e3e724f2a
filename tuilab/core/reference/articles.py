"""What there is to read about a layer, an option, a knob or a metric: one article on each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from tuilab.core.catalogue import metrics
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment.experiment import SECTIONS, Experiment, choice_of, name_of, options
from tuilab.core.experiment.form import helps
from tuilab.core.experiment.knobs import Knob, declared
from tuilab.core.format import compact
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference import docstrings

NOUNS = {"data": "data set", "initialization": "initialisation"}
"""What an option of a section is called, where that is not the section's own name."""


@dataclass(frozen=True, slots=True)
class Article:
    """A name, what kind of thing has it, one line, and what else there is to say."""

    name: str
    kind: str
    summary: str
    parts: tuple[tuple[str, str], ...] = ()
    "Heading and text; a formula may have several lines."


def layer(name: str) -> Article | None:
    """The article on a layer; None where there is none of this name."""
    kind = LAYERS.get(name)
    return None if kind is None else _entry(name, "layer", kind)


def option(section: str, name: str) -> Article:
    """The article on an optimizer, a loss, a schedule ... by its name."""
    kind = next(kind for kind in options(section) if name_of(kind) == name)
    return _entry(name, NOUNS.get(section, section), kind)


def _entry(name: str, noun: str, kind: type[Struct]) -> Article:
    said = docstrings.of(kind)
    return Article(name, noun, said.summary, said.parts)


def knob(knob: Knob, picked: str = "") -> Article:
    """The article on a knob; on what it can be where one of its choices is picked.

    Args:
        picked: one of the choices; empty: what it is now.
    """
    section, _, field = knob.key.partition(".")
    value = picked or str(knob.value)
    if field and field == choice_of(section):
        return option(section, value)
    says = helps(knob).get(value, "")
    facts = (
        (value, says),
        ("Range", "" if says else knob.range),
        ("Unit", knob.unit),
        ("Default", "" if knob.default is None or knob.is_required else _word(knob.default)),
        ("Changes", _when(knob)),
    )
    help_of = knob.help.replace("`", "")
    return Article(knob.key, "knob", help_of, tuple(fact for fact in facts if fact[1]))


def _word(value: Any) -> str:
    return compact(value) or "empty"


def _when(knob: Knob) -> str:
    """Whether a change reaches a run in progress."""
    return "live: they reach a run in progress at once" if knob.live else "wait for a restart"


def find(name: str) -> list[Article]:
    """All articles on a name, in whatever case; InputError offers the nearest one."""
    wanted = name.strip().lower()
    entries: dict[str, list[Article]] = {}
    for article in _all():
        entries.setdefault(article.name.lower(), []).append(article)
    for article in _knobs():
        entries.setdefault(article.name, []).append(article)
        entries.setdefault(article.name.rpartition(".")[2], []).append(article)
    for article in _arguments():
        entries.setdefault(article.name, []).append(article)
    for article in _choices():
        for key in (article.name, article.name.partition(".")[0]):
            entries.setdefault(key, []).append(article)
    if wanted not in entries:
        offer = nearest(name, entries)
        raise InputError(f'there is nothing called "{name}"; {offer}'.rstrip("; "))
    return entries[wanted]


def names() -> list[str]:
    """Every name that has an article of its own, knobs left out."""
    return [article.name for article in _all()]


def _all() -> Iterator[Article]:
    """Layers, then the options of every section, then metrics."""
    for name, layer_kind in LAYERS.items():
        yield _entry(name, "layer", layer_kind)
    for section in SECTIONS:
        for kind in options(section):
            yield option(section, name_of(kind))
    for name, text in metrics.HELP.items():
        yield Article(name, "metric", text)


def _knobs() -> Iterator[Article]:
    """Every knob of every section once."""
    seen = set()
    for section in SECTIONS:
        kinds: tuple[Any, ...] = options(section) or (type(getattr(Experiment(), section)),)
        for kind in kinds:
            for name, declaration in declared(kind).items():
                if (section, name) not in seen:
                    seen.add((section, name))
                    yield _declared(f"{section}.{name}", declaration)


def _choices() -> Iterator[Article]:
    """What chooses among the options of a section, with one line on each."""
    for section in filter(options, SECTIONS):
        key = f"{section}.{choice_of(section)}"
        told = tuple((name_of(kind), docstrings.of(kind).summary) for kind in options(section))
        yield Article(key, "knob", "One of these, each with knobs of its own", told)


def _arguments() -> Iterator[Article]:
    """Every argument of layers, once for each thing it means."""
    found: dict[tuple[str, str], tuple[Knob, list[str]]] = {}
    for layer_name, kind in LAYERS.items():
        for name, declaration in declared(kind).items():
            found.setdefault((name, declaration.help), (declaration, []))[1].append(layer_name)
    for (name, _), (declaration, owners) in found.items():
        article = _declared(name, declaration)
        told = ", ".join(owners) if len(owners) < len(LAYERS) else "every layer"
        yield Article(name, "argument of layers", article.summary, (("Of", told), *article.parts))


def _declared(key: str, declaration: Knob) -> Article:
    article = knob(declaration)
    # Optimizers, say, have defaults of their own.
    parts = (part for part in article.parts if part[0] != "Default")
    return Article(key, "knob", article.summary, tuple(parts))
