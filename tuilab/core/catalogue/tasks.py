"""Tasks: what a network learns, with the task's own hyperparameters."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Union

from msgspec import Struct

from tuilab.core.catalogue.tags import tagged_classes
from tuilab.core.experiment.knobs import knob


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """The base class of all tasks."""

    loss: ClassVar[str] = "cross_entropy"
    "The tag of its default loss."


class Classification(Task, frozen=True, kw_only=True, tag="classification"):
    """Predicts the class of each example, or of each of its positions.

    Formula: p = softmax(z), the prediction is the class with the largest p
    Use: when every example has one of a few labels.
    Pitfall: with rare classes, always predicting the common one looks good; compare the accuracy
      with the share of the majority class, and read the confusion matrix.
    """

    top_k: Annotated[
        int, knob("Also report how often the class is among the k most likely; 0: five of ten or "
                  "more", ge=0, le=1000, live=True, zero="auto"),
    ] = 0  # fmt: skip


class MultiLabel(Task, frozen=True, kw_only=True, tag="multi_label"):
    """Predicts for each of several labels whether it applies to an example.

    Formula: p = σ(z) for each label by itself; predicted are all labels with p > ½
    Use: examples with any number of labels, such as the genres of a film: a table with a column of
      0 and 1 for each label (data.target = "comedy, drama"), or with a column of lists
      (data.label_separator = ";").
    Pitfall: where most labels are absent, predicting none of them already has a high accuracy of
      labels; look at F1 and the average precision.
    """

    loss: ClassVar[str] = "multi_label_bce"


class SoftLabels(Task, frozen=True, kw_only=True, tag="soft_labels"):
    """Predicts a distribution over classes from targets that are probabilities.

    Formula: L = −Σ q log softmax(z), with the target distribution q
    Use: labels on which annotators disagree, or the outputs of another network (distillation): a
      table with a column of probabilities for each class (data.target = "cat, dog").
    Pitfall: the loss cannot fall below the entropy of the targets; accuracy compares with their
      most likely class only.
    """

    top_k: Annotated[
        int, knob("Also report how often the class is among the k most likely; 0: five of ten or "
                  "more", ge=0, le=1000, live=True, zero="auto"),
    ] = 0  # fmt: skip

    loss: ClassVar[str] = "soft_cross_entropy"


class Regression(Task, frozen=True, kw_only=True, tag="regression"):
    """Predicts a number.

    Formula: R² = 1 − Σ(y − ŷ)² ∕ Σ(y − ȳ)²
    Use: when the target is a quantity, and being close counts.
    Pitfall: targets in large units make large gradients; a few outliers dominate the mean squared
      error, where Huber and L1 are more robust.
    """

    loss: ClassVar[str] = "mse"


class LanguageModel(Task, frozen=True, kw_only=True, tag="language_model"):
    """Predicts the next token of a text at every position, and generates text.

    Formula: perplexity = exp(mean of −log p(next token))
    Use: text and other sequences of tokens; the network must not see later tokens.
    Pitfall: an attention layer without causal=true sees the target: a loss near 0 and
      nonsense samples.
    """

    temperature: Annotated[
        float, knob("Randomness of the samples: below 1 more likely tokens, above 1 more variety",
                    gt=0, le=5, live=True),
    ] = 0.8  # fmt: skip
    sample_length: Annotated[
        int, knob("Length of a sample", ge=1, le=2000, unit="tokens", live=True)
    ] = 200
    prompt: Annotated[
        str, knob("Start of the samples; empty: random places in the text", live=True)
    ] = ""


class Autoencoder(Task, frozen=True, kw_only=True, tag="autoencoder"):
    """Reconstructs the input through a bottleneck; plain, denoising or variational.

    Formula: loss(decode(encode(x + noise)), x) + beta · KL(q(z|x) ‖ N(0, 1)) ∕ values of x
    Use: learning the structure of examples without labels. With a Reparameterization layer in
      the middle it is variational (VAE), and new examples can be sampled; with mse, beta = 2
      gives the evidence lower bound of Gaussian pixels with variance 1.
    Pitfall: a bottleneck as wide as the input learns to copy; with a large beta a VAE ignores
      its input (posterior collapse: KL near 0, all outputs alike).
    """

    noise: Annotated[
        float, knob("Standard deviation of the input noise that it must remove", ge=0, le=5,
                    live=True),
    ] = 0.0  # fmt: skip
    beta: Annotated[
        float,
        knob("Weight of the KL term of a variational autoencoder, per input value", ge=0, le=1000,
             live=True, log=True),
    ] = 1.0  # fmt: skip

    loss: ClassVar[str] = "mse"


class GAN(Task, frozen=True, kw_only=True, tag="gan"):
    """Trains a generator whose samples a discriminator cannot distinguish from real examples.

    Formula: min over G, max over D of E log D(x) + E log(1 − D(G(z)))
    Use: to generate examples when no loss can measure how realistic one is.
    Pitfall: the generator may produce only a few kinds of example (mode collapse); a
      discriminator that always wins gives it no useful gradient. Loss curves do not show this:
      look at the samples and the modes covered.
    """

    latent: Annotated[
        int, knob("Size of the latent vector that the generator maps to an example", ge=1, le=4096)
    ] = 8
    discriminator_steps: Annotated[
        int, knob("Discriminator steps per training step", ge=1, le=100, live=True)
    ] = 1
    generator_steps: Annotated[
        int, knob("Generator steps per training step", ge=1, le=100, live=True)
    ] = 1
    discriminator_lr: Annotated[
        float,
        knob("Learning rate of the discriminator, as a multiple of the generator's", gt=0, le=100,
             live=True, log=True),
    ] = 1.0  # fmt: skip

    loss: ClassVar[str] = "bce"


class Perceptron(Task, frozen=True, kw_only=True, tag="perceptron"):
    """Separates two classes by Rosenblatt's rule: only mistakes change the weights.

    Formula: w ← w + lr · (y − ŷ) · x,  b ← b + lr · (y − ŷ),  ŷ = 1 if w·x + b > 0 else 0
    Use: to see learning without gradients; it converges if a straight line separates the classes.
    Pitfall: where no line separates them (XOR) it never converges; the error rate keeps jumping.
    """

    loss: ClassVar[str] = "zero_one"


LABEL_TASKS = ("multi_label", "soft_labels")
"""The tasks whose targets are one number for each class."""

CLASS_TASKS = ("classification", *LABEL_TASKS)
"""The tasks whose network has an output for each class."""

TASKS = tagged_classes(globals(), Task)
"""Every task that a file can name."""

if TYPE_CHECKING:
    AnyTask = Task
else:
    AnyTask = Union[TASKS]  # noqa: UP007 (msgspec reads the members at run time)
