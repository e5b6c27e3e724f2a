"""The tasks by name: what is to be learned, and the knobs of learning it."""

from typing import Annotated, ClassVar

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every task has."""

    loss: ClassVar[str] = "cross_entropy"
    "The name of the loss that suits it when none was chosen."


class Classification(Task, frozen=True, kw_only=True, tag="classification"):
    """Tell which class an example, or each position of it, belongs to.

    Formula: p = softmax(z), the answer is the class with the largest p
    Use: when every example carries one of a few names.
    Pitfall: with rare classes, always naming the common one looks good; compare the accuracy
      with the share of the majority class, and read the confusion matrix.
    """


class Regression(Task, frozen=True, kw_only=True, tag="regression"):
    """Tell a number.

    Formula: R² = 1 − Σ(y − ŷ)² ∕ Σ(y − ȳ)²
    Use: when the answer is a quantity, and being near is worth something.
    Pitfall: targets in large units make large gradients; a few wild targets decide the mean
      squared error, where Huber or L1 would not follow them.
    """

    loss: ClassVar[str] = "mse"


class LanguageModel(Task, frozen=True, kw_only=True, tag="language_model"):
    """Tell the next token of a text at every position, and write text by it.

    Formula: perplexity = exp(mean of −log p(next token))
    Use: for text and other sequences of tokens; the network must not see what comes later.
    Pitfall: an attention layer without causal=true reads the answer: a loss near 0 and
      nonsense for samples.
    """

    temperature: Annotated[
        float, knob("How daring the samples are; below 1 surer, above 1 wilder", gt=0, le=5,
                    live=True),
    ] = 0.8  # fmt: skip
    sample_length: Annotated[
        int, knob("Tokens that are written for a sample", ge=1, le=2000, unit="tokens", live=True)
    ] = 200
    prompt: Annotated[str, knob("Where samples begin; empty: anywhere in the text", live=True)] = ""


class Autoencoder(Task, frozen=True, kw_only=True, tag="autoencoder"):
    """Give the input back through a narrow middle; plain, denoising or variational.

    Formula: loss(decode(encode(x + noise)), x) + beta · KL(q(z|x) ‖ N(0, 1)) ∕ values of x
    Use: to learn what examples have in common without any labels. With a Reparameterization
      layer in the middle it is variational, and new examples can be drawn; with mse, beta = 2
      is the evidence lower bound of Gaussian pixels of variance 1.
    Pitfall: a middle as wide as the input learns to copy; a large beta makes a variational
      one ignore its input (posterior collapse: KL near 0, all outputs alike).
    """

    noise: Annotated[
        float, knob("Spread of the noise added to the input that it must remove", ge=0, le=5,
                    live=True),
    ] = 0.0  # fmt: skip
    beta: Annotated[
        float,
        knob("Weight of the KL term of a variational one, per value of the input", ge=0, le=1000,
             live=True, log=True),
    ] = 1.0  # fmt: skip

    loss: ClassVar[str] = "mse"


class GAN(Task, frozen=True, kw_only=True, tag="gan"):
    """A generator learns to draw examples that a discriminator cannot tell from real ones.

    Formula: min over G, max over D of E log D(x) + E log(1 − D(G(z)))
    Use: to draw new examples when no loss can say how good one looks.
    Pitfall: the generator may draw only a few kinds of example (mode collapse); a
      discriminator that always wins gives it nothing to learn from. Loss curves do not show it:
      look at the samples and the modes covered.
    """

    latent: Annotated[
        int, knob("Random numbers that the generator draws an example from", ge=1, le=4096)
    ] = 8
    discriminator_steps: Annotated[
        int, knob("Steps of the discriminator in each step of the run", ge=1, le=100, live=True)
    ] = 1
    generator_steps: Annotated[
        int, knob("Steps of the generator in each step of the run", ge=1, le=100, live=True)
    ] = 1
    discriminator_lr: Annotated[
        float,
        knob("Learning rate of the discriminator, as a multiple of the generator's", gt=0, le=100,
             live=True, log=True),
    ] = 1.0  # fmt: skip

    loss: ClassVar[str] = "bce"


class Perceptron(Task, frozen=True, kw_only=True, tag="perceptron"):
    """Two classes by Rosenblatt's rule: after each mistake, move towards the right answer.

    Formula: w ← w + lr · (y − ŷ) · x,  b ← b + lr · (y − ŷ),  ŷ = 1 if w·x + b > 0 else 0
    Use: to see learning without any gradient; it ends where a straight line parts the classes.
    Pitfall: where no line parts them (XOR) it never settles; the share of mistakes jumps on.
    """

    loss: ClassVar[str] = "zero_one"


AnyTask = Classification | Regression | LanguageModel | Autoencoder | GAN | Perceptron
"""Every task by its name in a file."""
