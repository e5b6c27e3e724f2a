"""Faults of what a network can see and remember: positions, the answer, old inputs, neighbors."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.attention import (
    DecoderBlock,
    MultiheadAttention,
    TransformerEncoderLayer,
)
from tuilab.core.catalogue.layers.embedding import PositionalEncoding
from tuilab.core.catalogue.layers.graph import GraphConvolution
from tuilab.core.catalogue.layers.sequence import GRU, LSTM, RNN
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import Evidence, chart, late_median
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_count, format_number, format_percent
from tuilab.core.network.layer import Layer

LONG_SEQUENCE: dict[type[Layer], int] = {RNN: 20, GRU: 50, LSTM: 50}
"""Positions over which a recurrent layer can hardly learn to keep something."""

MAX_GRAPH_LAYERS = 4
"""Graph convolutions from which on neighborhoods may cover the whole graph."""


def detect_visible_answer(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a language model in which a position sees the token that it must predict."""
    if evidence.task != "language_model":
        return
    rows = [
        row
        for row in evidence.layer_rows
        if (
            isinstance(row.layer, (MultiheadAttention, TransformerEncoderLayer))
            and not row.layer.causal
        )
        or getattr(row.layer, "bidirectional", False)
    ]
    if not rows:
        return
    perplexities = evidence.get_curve("perplexity/validation")
    perplexities = perplexities or evidence.get_curve("perplexity/train")
    sentences = [f"{rows[0].key} ({rows[0].text}) lets each position see all later ones."]
    if perplexities:
        sentences.append(
            f"The perplexity is {format_number(perplexities[-1][1], 3)}; 1 would be certainty."
        )
    fixed = {
        row.path: f"{row.text.replace(' causal=false', '')} causal=true"
        for row in rows
        if not getattr(row.layer, "bidirectional", False)
    }
    yield make_diagnosis(
        "answer_is_visible",
        "The language model sees the token that it must predict",
        sentences,
        "It learns to copy the next token, which it does not have when it generates text.",
        evidence.propose_lines("causal attention", fixed),
        *chart(perplexities, "perplexity"),
    )


def detect_missing_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects attention that cannot know the order of its inputs."""
    rows = evidence.find_layers(MultiheadAttention, TransformerEncoderLayer, DecoderBlock)
    rows = [row for row in rows if not getattr(row.layer, "causal", True)]
    if not rows or evidence.is_good or evidence.is_short:
        return
    if evidence.find_layers(PositionalEncoding, RNN, GRU, LSTM):
        return
    if evidence.task == "language_model" or evidence.experiment.data.is_graph:
        return
    skill = evidence.skill or 0.0
    first = rows[0]
    yield make_diagnosis(
        "no_positions",
        "Attention does not know the order of its inputs",
        [
            f"No PositionalEncoding comes before {first.key} ({first.text}).",
            f"The skill score on the training set is {format_percent(max(skill, 0))} (0% for a "
            "constant prediction).",
        ],
        "Attention treats its inputs as a set: any order of them gives the same result.",
        evidence.propose_insertion(
            "PositionalEncoding before it", first.path, "PositionalEncoding kind=learned"
        ),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_over_smoothing(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects graph convolutions after which all nodes look alike."""
    rows = evidence.find_layers(GraphConvolution)
    curves = evidence.get_layer_curves("similarity")
    if len(rows) < MAX_GRAPH_LAYERS or evidence.is_good or evidence.is_short:
        return
    similarity = max((late_median(curve) for curve in curves.values() if curve), default=0.0)
    skill = evidence.validation_skill or 0.0
    yield make_diagnosis(
        "over_smoothing",
        "Too many graph convolutions make all nodes alike",
        [
            f"There are {len(rows)} graph convolutions in a row; the features of the nodes after "
            f"them are {format_percent(similarity)} alike.",
            f"The skill score on the validation set is {format_percent(max(skill, 0))} (0% for a "
            "constant prediction).",
        ],
        "Each one averages over neighbors; after several, each node has the average of all.",
        evidence.propose_layer("two graph convolutions fewer", rows[1:3], None),
        *chart(next(iter(curves.values()), []), "similarity of the nodes"),
    )


def detect_short_memory(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a recurrent network that does not learn what lies far back in a long sequence."""
    skill = evidence.skill
    if skill is None or skill > 0.3 or evidence.progress < 0.5 or evidence.is_short:
        return
    for kind, length in LONG_SEQUENCE.items():
        rows = [row for row in evidence.find_layers(kind) if row.input and row.input[0] >= length]
        if rows:
            break
    else:
        return
    row = rows[0]
    positions = row.input[0] if row.input else 0
    name = type(row.layer).__name__
    yield make_diagnosis(
        "memory_too_short",
        f"The {name} forgets what lies far back",
        [
            f"A sequence has {format_count(positions)} positions, and the skill score on the "
            f"training set is {format_percent(max(skill, 0))} (0% for a constant prediction).",
            "The gradient of an early position is multiplied once for every later one.",
        ],
        "So it shrinks to nothing on the way back, and nothing is learned from early positions.",
        (
            evidence.propose_layer("LSTM instead", rows, row.text.replace("RNN", "LSTM", 1))
            if kind is RNN and "nonlinearity" not in row.text
            else []
        )
        + evidence.propose("half as long sequences", "data.length", positions // 2),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_frozen_layers(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects layers with random weights that are not trained."""
    frozen = [row for row in evidence.trained_rows if row.layer is not None and row.layer.frozen]
    is_transferred = bool(evidence.experiment.transfer.source)
    if not frozen or is_transferred or evidence.is_good or evidence.is_short:
        return
    thawed = {
        row.path: " ".join(word for word in row.text.split() if not word.startswith("frozen="))
        for row in frozen
    }
    share = sum(row.parameters for row in frozen) / max(1, evidence.experiment.plan.parameters)
    yield make_diagnosis(
        "frozen_layers",
        "Layers with random weights are frozen",
        [
            f"{frozen[0].key} ({frozen[0].text}) is not trained, and its weights come from no "
            f"other run; {format_percent(share)} of all weights are frozen.",
            f"The training loss is {format_number(late_median(evidence.train_loss), 3)}.",
        ],
        "The layers after them can only use random features of the inputs.",
        evidence.propose_lines("train all layers", thawed),
        *chart(evidence.train_loss, "training loss"),
    )
