"""Articles of `tuilab explain` and the help panel: on layers, options, knobs and metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from msgspec import Struct

from tuilab.core.catalogue import metrics
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.experiment import (
    SECTIONS,
    Experiment,
    choice_key,
    name_of,
    option_types,
)
from tuilab.core.experiment.form import describe_choices
from tuilab.core.experiment.knobs import Knob, default_knobs
from tuilab.core.format import format_value
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference import docstrings

NOUNS = {"data": "data set"}
"""What an option of a section is called, if not by the name of the section."""


@dataclass(frozen=True, slots=True)
class Article:
    """A name, its kind, a summary in one line, and parts with headings."""

    name: str
    kind: str
    summary: str
    parts: tuple[tuple[str, str], ...] = ()
    "Headings and texts; a formula can have several lines."


def layer_article(name: str) -> Article | None:
    """Returns the article on a layer; None if there is no such layer."""
    kind = LAYERS.get(name)
    return None if kind is None else _build_article(name, "layer", kind)


def option_article(section: str, name: str) -> Article:
    """Returns the article on an optimizer, a loss, a schedule, ... by its name."""
    kind = next(kind for kind in option_types(section) if name_of(kind) == name)
    return _build_article(name, NOUNS.get(section, section), kind)


def _build_article(name: str, noun: str, kind: type[Struct]) -> Article:
    docstring = docstrings.docstring_of(kind)
    return Article(name, noun, docstring.summary, docstring.parts)


def knob_article(knob: Knob, choice: str = "") -> Article:
    """Returns the article on a knob, or on one of its choices.

    Args:
        choice: one of the choices; empty for the current value.
    """
    section, _, field = knob.key.partition(".")
    value = choice or str(knob.value)
    if field and field == choice_key(section):
        return option_article(section, value)
    description = describe_choices(knob).get(value, "")
    has_default = knob.default is not None and not knob.is_required
    parts = (
        (value, description),
        ("Range", "" if description else knob.range),
        ("Unit", knob.unit),
        ("Default", _format_default(knob.default) if has_default else ""),
        ("Changes", "during training" if knob.is_live else "after a restart"),
    )
    summary = knob.help.replace("`", "")
    return Article(knob.key, "hyperparameter", summary, tuple(part for part in parts if part[1]))


def _format_default(value: Any) -> str:
    return format_value(value) or "empty"


def find_articles(name: str) -> list[Article]:
    """Returns all articles on a name, in any case; InputError suggests the nearest name."""
    key = name.strip().lower()
    entries: dict[str, list[Article]] = {}
    for article in _iter_articles():
        entries.setdefault(article.name.lower(), []).append(article)
    for article in _iter_knob_articles():
        for alias in {article.name, article.name.rpartition(".")[2]}:
            entries.setdefault(alias, []).append(article)
    for article in _iter_argument_articles():
        entries.setdefault(article.name, []).append(article)
    for article in _iter_choice_articles():
        for alias in (article.name, article.name.partition(".")[0]):
            entries.setdefault(alias, []).append(article)
    for article in _iter_section_articles():
        entries.setdefault(article.name, []).append(article)
    if key not in entries:
        raise InputError(with_suggestion(f'there is nothing called "{name}"', name, entries))
    return entries[key]


def article_names() -> list[str]:
    """Returns the names of all articles except those on knobs."""
    return [article.name for article in _iter_articles()]


def _iter_articles() -> Iterator[Article]:
    """Yields articles on layers, then on the options of every section, then on metrics."""
    for name, layer_kind in LAYERS.items():
        yield _build_article(name, "layer", layer_kind)
    for section in SECTIONS:
        for kind in option_types(section):
            yield option_article(section, name_of(kind))
    for name, text in metrics.METRIC_HELP.items():
        yield Article(name, "metric", text)


def _iter_knob_articles() -> Iterator[Article]:
    """Yields an article on the seed and on every knob of every section."""
    declarations: dict[str, Knob] = {"seed": default_knobs(Experiment)["seed"]}
    for section in SECTIONS:
        kinds: tuple[Any, ...] = option_types(section) or (type(getattr(Experiment(), section)),)
        for kind in kinds:
            for name, declaration in default_knobs(kind).items():
                declarations.setdefault(f"{section}.{name}", declaration)
    yield from starmap(_build_knob_article, declarations.items())


def _iter_section_articles() -> Iterator[Article]:
    """Yields an article on every section of the file, with its keys."""
    keys: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
    for article in _iter_knob_articles():
        keys.get(article.name.partition(".")[0], []).append((article.name, article.summary))
    for section, parts in keys.items():
        summary = f"The keys of [{section}] in an experiment file, also for --set"
        if option_types(section):
            summary += "; which of them there are depends on the choice"
        yield Article(section, "section", summary, tuple(parts))


def _iter_choice_articles() -> Iterator[Article]:
    """Yields an article on the knob that chooses the option of a section."""
    for section in filter(option_types, SECTIONS):
        key = f"{section}.{choice_key(section)}"
        parts = tuple(
            (name_of(kind), docstrings.docstring_of(kind).summary) for kind in option_types(section)
        )
        yield Article(
            key, "hyperparameter", "One of these, each with its own hyperparameters", parts
        )


def _iter_argument_articles() -> Iterator[Article]:
    """Yields an article on every argument of layers, once for each of its meanings."""
    meanings: dict[tuple[str, str], tuple[Knob, list[str]]] = {}
    for layer_name, kind in LAYERS.items():
        for name, declaration in default_knobs(kind).items():
            key = (name, declaration.help)
            meanings.setdefault(key, (declaration, []))[1].append(layer_name)
    for (name, _), (declaration, owners) in meanings.items():
        article = _build_knob_article(name, declaration)
        of = ", ".join(owners) if len(owners) < len(LAYERS) else "every layer"
        yield Article(name, "argument of layers", article.summary, (("Of", of), *article.parts))


def _build_knob_article(key: str, declaration: Knob) -> Article:
    article = knob_article(declaration)
    # The default can differ, for example between optimizers.
    parts = (part for part in article.parts if part[0] != "Default")
    return Article(key, "hyperparameter", article.summary, tuple(parts))
