"""Articles: what is said of a name or a knob, and how it is found."""

import pytest

from tuilab.cli.output import tables
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, knobs, name_of, options
from tuilab.core.reference import articles, docstrings


def test_every_data_set_says_what_it_is_for() -> None:
    assert [name_of(kind) for kind in options("data") if not docstrings.of(kind).use] == []


def test_an_article_is_found_in_any_case_and_a_name_may_have_several() -> None:
    assert [(it.name, it.kind) for it in articles.find("adamw")] == [("adamw", "optimizer")]
    assert [it.kind for it in articles.find("constant")] == ["initialisation", "schedule"]
    assert [it.name for it in articles.find("LINEAR")] == ["Linear", "linear"]
    assert [it.kind for it in articles.find("f1")] == ["metric"]
    assert [it.name for it in articles.find("lr")] == ["optimizer.lr"]


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(InputError, match='nearest to "cosin" is "cosine"'):
        articles.find("cosin")


def test_every_knob_has_an_article_with_its_facts() -> None:
    by_key = {knob.key: articles.knob(knob) for knob in knobs(Experiment())}
    facts = dict(by_key["optimizer.lr"].parts)
    assert facts["Range"].startswith("0 ≤ …") and facts["Default"] == "1e-3"
    assert facts["Changes"].startswith("live")
    assert dict(by_key["data.validation"].parts)["Changes"] == "wait for a restart"
    assert by_key["schedule.name"].name == "constant"


def test_a_choice_that_is_picked_is_what_the_article_is_about() -> None:
    by_key = {knob.key: knob for knob in knobs(Experiment())}
    assert articles.knob(by_key["optimizer.name"], "lion").name == "lion"
    assert "bf16" in dict(articles.knob(by_key["training.precision"], "bf16").parts)


def test_articles_are_printed_with_their_headings() -> None:
    text = tables.explained("adam")
    assert text.startswith("adam (optimizer)\n")
    assert all(
        heading in text for heading in ("  Formula  m ← ", "\n           w ← w − lr", "Source")
    )
    assert "  Pitfall  " in tables.layer("Dropout")


def test_an_argument_of_layers_is_explained_with_the_layers_that_have_it() -> None:
    (frozen,) = articles.find("frozen")
    assert dict(frozen.parts)["Of"] == "every layer"
    of = [dict(article.parts)["Of"] for article in articles.find("out_features")]
    assert of == ["Linear, OwnLinear, DropConnect", "GraphConvolution"]


@pytest.mark.parametrize("name", ["schedule", "schedule.name"])
def test_what_chooses_among_options_tells_them_all(name: str) -> None:
    (article,) = articles.find(name)
    assert {heading for heading, _ in article.parts} == {name_of(k) for k in options("schedule")}
