"""The glossary: every term of the course, each in one sentence, and how one is found."""

import re
import tomllib
from collections import Counter

import pytest

from tuilab.core.errors import InputError
from tuilab.core.lessons import glossary
from tuilab.core.reference import articles

LESSONS = (
    "neural-networks", "perceptron", "multi-layer-perceptrons", "activation-functions",
    "forward-propagation", "loss-functions", "backpropagation", "optimization", "regularization",
    "initialization", "normalization", "architectures", "real-data", "debugging",
    "convolutional-networks", "sequences", "transformers", "transfer-learning", "evaluation",
    "production",
)  # fmt: skip

COURSE = {
    "neural-networks": "neural network, neuron, weight, layer, activation, deep learning",
    "perceptron": "perceptron, bias, linear separability, step function, learning rate, "
    "convergence",
    "multi-layer-perceptrons": "multi-layer perceptron, hidden layer, feedforward, "
    "universal approximation, width, depth",
    "activation-functions": "activation function, ReLU, sigmoid, tanh, vanishing gradient, "
    "softmax, dying ReLU, probability",
    "forward-propagation": "forward propagation, linear transformation, batch processing, tensor, "
    "input layer, output layer",
    "loss-functions": "loss function, mean squared error, cross-entropy, binary cross-entropy, "
    "categorical cross-entropy, objective function, focal loss",
    "backpropagation": "backpropagation, chain rule, gradient, backward pass, local gradient, "
    "computational graph, automatic differentiation, standard deviation",
    "optimization": "gradient descent, stochastic gradient descent, momentum, Adam, mini-batch, "
    "learning-rate schedule, gradient clipping",
    "regularization": "regularization, overfitting, dropout, L2 regularization, weight decay, "
    "early stopping, data augmentation, bias-variance trade-off, cross-validation, hold-out, split",
    "initialization": "weight initialization, Xavier initialization, He initialization, fan in, "
    "fan out, exploding gradients, LSUV, variance",
    "normalization": "batch normalization, internal covariate shift, running average, "
    "layer normalization, gamma and beta, group normalization",
    "architectures": "fully connected layer, CNN, RNN, LSTM, transformer, attention, "
    "graph neural network, autoencoder, GAN",
    "real-data": "mixed precision, gradient accumulation",
    "debugging": "gradient monitoring",
    "convolutional-networks": "convolution, kernel, stride, padding, pooling, receptive field, "
    "feature map",
    "sequences": "backpropagation through time",
    "transformers": "self-attention, query, key, value, multi-head attention, "
    "positional encoding, causal mask, ViT",
    "transfer-learning": "pre-training, fine-tuning, freezing",
    "evaluation": "precision, recall, F1, calibration, data drift",
    "production": "safetensors, ONNX",
}
"""The terms that the course must teach, by the lesson that introduces each."""

LISTED_NAMES = (
    "Huber, weighted cross-entropy, label smoothing, leaky ReLU, ELU, SELU, GELU, SiLU, Swish, "
    "Nesterov, RMSprop, AdamW, warm-up, one-cycle, L1, DropConnect, spatial dropout, "
    "alpha dropout, LeCun initialization, orthogonal initialization, symmetry breaking, GRU, "
    "residual connection, LeNet, AlexNet, ResNet, EfficientNet, k-means, linear regression, "
    "logistic regression, NaN, dead unit, FLOPs, saturation, logit, one-hot, surprisal, gate, "
    "encoder, decoder, fairness, distribution shift, leakage, seed, bias correction, "
    "linearly separable, SGD, Glorot initialization, Kaiming initialization, epoch, batch, step"
)
"""Other names that it uses; some are synonyms of a term."""

TERMS = glossary.read_glossary(glossary.glossary_file())
BOLD = [(term, lesson) for lesson, terms in COURSE.items() for term in terms.split(", ")]


def test_no_word_names_two_terms() -> None:
    tables = tomllib.loads(glossary.glossary_file().read_text(encoding="utf-8"))["terms"]
    words = Counter(
        word.lower() for table in tables for word in (table["name"], *table.get("also", ()))
    )

    assert len(tables) == len(TERMS)
    assert [word for word, count in words.items() if count > 1] == []


def test_terms_stand_in_alphabetical_order() -> None:
    names = [term.name.casefold() for term in TERMS.values()]

    assert names == sorted(names)


def test_related_terms_exist() -> None:
    names = {term.name for term in TERMS.values()}

    assert [(t.name, name) for t in TERMS.values() for name in t.see if name not in names] == []
    assert [t.name for t in TERMS.values() if not 1 <= len(t.see) <= 4 or t.name in t.see] == []


def test_every_term_of_the_course_is_defined() -> None:
    defined = {(term.name, term.lesson) for term in TERMS.values()}

    assert [bold for bold in BOLD if bold not in defined] == []


def test_other_names_of_terms_are_found() -> None:
    words = glossary.load_names()

    assert [name for name in LISTED_NAMES.split(", ") if name.lower() not in words] == []


def _is_one_sentence(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z][^\n]*\.", text)) and not re.search(r"[.!?]\s", text)


def test_a_definition_is_one_short_sentence() -> None:
    definitions = {term.name: term.definition for term in TERMS.values()}

    assert [name for name, text in definitions.items() if not _is_one_sentence(text)] == []
    assert [name for name, text in definitions.items() if len(text) > 240] == []


def test_where_a_term_occurs_is_described_briefly() -> None:
    met = {term.name: term.met for term in TERMS.values()}

    assert [name for name, text in met.items() if not text or text.endswith(".")] == []
    assert [name for name, text in met.items() if len(text) > 120] == []


KNOB = re.compile(
    r"\b(?:averaging|data|initialization|loss|optimizer|regularization|schedule|task|training"
    r"|transfer)\.[a-z_0-9]+"
)
CHOICES = ("averaging.name", "initialization.weights", "loss.name", "optimizer.name",
           "schedule.name")  # fmt: skip
"""Keys that choose one of several parts; the articles of the parts explain them."""


def test_every_knob_at_which_a_term_is_met_exists() -> None:
    keys = {key for term in TERMS.values() for key in KNOB.findall(term.met)}

    assert all(articles.find_articles(key) for key in keys.difference(CHOICES))


def test_every_lesson_is_one_of_the_course_and_introduces_something() -> None:
    assert {term.lesson for term in TERMS.values()} == set(LESSONS)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("perceptron", "perceptron"),
        (" ReLU ", "ReLU"),
        ("relus", "ReLU"),
        ("SGD", "stochastic gradient descent"),
        ("linearly separable", "linear separability"),
        ("Glorot initialization", "Xavier initialization"),
        ("weights", "weight"),
        ("loss functions", "loss function"),
        ("convnets", "CNN"),
        ("biases", "bias"),
        ("losses", "loss function"),
        ("weight initialization".replace("iz", "is"), "weight initialization"),
        ("exploding gradient", "exploding gradients"),
    ],
)
def test_a_term_is_found_by_any_word_for_it(word: str, name: str) -> None:
    assert glossary.find_term(word).name == name


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("perceptorn", "perceptron"),
        ("soft max", "softmax"),
        ("glorott initialization", "Glorot initialization"),
    ],
)
def test_a_typing_error_is_answered_by_the_nearest_word(typed: str, suggestion: str) -> None:
    with pytest.raises(InputError, match=f'nearest to "{typed}" is "{suggestion}"') as error:
        glossary.find_term(typed)

    assert error.value.where == (typed,)


@pytest.mark.parametrize(("old", "name"), glossary.OLD_WORDS.items())
def test_words_of_older_versions_are_still_found(old: str, name: str) -> None:
    assert glossary.find_term(old).name == name
    assert all(old not in (term.name, *term.also) for term in TERMS.values())


def test_a_word_like_no_term_gets_no_suggestion() -> None:
    with pytest.raises(InputError) as error:
        glossary.find_term("qqqq")

    assert error.value.problem == "the glossary has no such term"


def test_searching_for_nothing_shows_everything() -> None:
    assert glossary.search_terms("  ") == list(glossary.load_terms().values())


def test_a_search_returns_the_exact_name_first_then_names_then_definitions() -> None:
    names = [term.name for term in glossary.search_terms("ReLU")]

    assert names[0] == "ReLU"
    assert names.index("leaky ReLU") < names.index("He initialization")
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "first"),
    [("sgd", "stochastic gradient descent"), ("Glo", "Xavier initialization"),
     ("prceptron", "perceptron"), ("backprop", "backpropagation")],
)  # fmt: skip
def test_searching_knows_other_words_and_forgives_typing_errors(text: str, first: str) -> None:
    assert glossary.search_terms(text)[0].name == first


def test_a_search_for_a_word_like_no_term_finds_nothing() -> None:
    assert glossary.search_terms("qqqq") == []
