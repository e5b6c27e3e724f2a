"""Articles on names and knobs, how they are found and how they are printed."""

from typing import Any

import pytest

from tests.support.shell import RunCommand
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    SECTIONS,
    Experiment,
    iter_knobs,
    name_of,
    option_types,
)
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.reference import articles, docstrings


def test_every_data_set_has_a_use() -> None:
    assert [
        name_of(kind) for kind in option_types("data") if not docstrings.docstring_of(kind).use
    ] == []


def test_an_article_is_found_in_any_case_and_a_name_can_have_several() -> None:
    def find(name: str) -> list[tuple[str, str]]:
        return [(article.name, article.kind) for article in articles.find_articles(name)]

    assert find("adamw") == [("adamw", "optimizer")]
    assert find("constant") == [("constant", "initialization"), ("constant", "schedule")]
    assert [name for name, _ in find("LINEAR")] == ["Linear", "linear"]
    assert [kind for _, kind in find("f1")] == ["metric"]
    assert [name for name, _ in find("lr")] == ["optimizer.lr"]


def test_the_nearest_name_is_suggested_for_an_unknown_one() -> None:
    with pytest.raises(InputError, match='nearest to "cosin" is "cosine"'):
        articles.find_articles("cosin")


def test_every_knob_has_an_article() -> None:
    by_key = {knob.key: articles.knob_article(knob) for knob in iter_knobs(Experiment())}
    facts = dict(by_key["optimizer.lr"].parts)
    assert facts["Range"].startswith("0 ≤ …") and facts["Default"] == "1e-3"
    assert facts["Changes"] == "during training"
    assert dict(by_key["data.validation"].parts)["Changes"] == "after a restart"
    assert by_key["schedule.name"].name == "constant"


def test_a_choice_has_its_own_article() -> None:
    by_key = {knob.key: knob for knob in iter_knobs(Experiment())}
    assert articles.knob_article(by_key["optimizer.name"], "lion").name == "lion"
    assert "bf16" in dict(articles.knob_article(by_key["training.precision"], "bf16").parts)


def test_articles_are_printed_with_their_headings(run_command: RunCommand) -> None:
    text = run_command("explain", "adam")[1]
    assert text.startswith("adam (optimizer)\n")
    assert all(
        heading in text for heading in ("  Formula  m ← ", "\n           w ← w − lr", "Source")
    )
    assert "  Pitfall  " in run_command("layers", "Dropout")[1]


def test_the_article_on_an_argument_lists_its_layers() -> None:
    (frozen,) = articles.find_articles("frozen")
    assert dict(frozen.parts)["Of"] == "every layer"
    of = [dict(article.parts)["Of"] for article in articles.find_articles("out_features")]
    assert of == ["Linear", "Bilinear, OwnLinear, DropConnect", "GraphConvolution"]


@pytest.mark.parametrize("name", ["schedule", "schedule.name"])
def test_the_article_on_a_section_lists_its_options(name: str) -> None:
    article = articles.find_articles(name)[0]
    assert {heading for heading, _ in article.parts} == {
        name_of(k) for k in option_types("schedule")
    }


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_explained_by_its_keys(section: str) -> None:
    article = next(a for a in articles.find_articles(section) if a.kind == "section")
    kinds: tuple[Any, ...] = option_types(section) or (type(getattr(Experiment(), section)),)
    keys = {f"{section}.{field}" for kind in kinds for field in default_knobs(kind)}
    assert {heading for heading, _ in article.parts} == keys
    assert all(text for _, text in article.parts)


def test_the_seed_is_explained_once() -> None:
    assert [article.name for article in articles.find_articles("seed")] == ["seed"]
