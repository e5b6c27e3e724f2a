"""Blocks: layers that hold others, a list in a file."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, Tokens, show


class _Block(Layer, frozen=True):
    """A layer that holds others."""

    family: ClassVar[str] = "block"
    takes_tokens: ClassVar[bool] = True


class Residual(_Block, frozen=True):
    """A block: its input is added to its output.

    Formula: y = x + f(x)
    Use: in every deep network; the signal and the gradient find a way around each block, so that
      hundreds of layers can learn.
    Pitfall: what goes in and what comes out must have the same shape; keep the channels and use
      padding=same, and pool between blocks instead of inside them.
    Source: He et al. 2015, Deep Residual Learning
    """

    def add(self, before: Shape, after: Shape) -> None:
        """InputError where the two cannot be added."""
        if isinstance(after, Tokens):
            raise InputError("these are token numbers, which cannot be added; put Embedding first")
        if before != after:
            raise InputError(
                f"Residual adds what goes in, {show(before)}, to what comes out, {show(after)}: "
                "make both shapes the same"
            )


class Repeat(_Block, frozen=True):
    """A block: its layers several times in a row, each time with weights of their own.

    Formula: y = fₙ(… f₂(f₁(x)))
    Use: for deep networks of equal parts, written once.
    Pitfall: layers that shrink the picture shrink it every time; deep stacks without Residual or
      normalization lose their gradient.
    """

    times: Annotated[int, knob("How often", ge=1, le=1000)]

    example: ClassVar[str] = "4"


class Parallel(_Block, frozen=True):
    """A block: each line is a branch that sees the input; the outputs stand side by side.

    Formula: y = [f₁(x), f₂(x), …], along the channels of pictures, else along the last size
    Use: to look at the same input in several ways, such as windows of 1, 3 and 5 (Inception), or
      with Identity as one branch to keep the input (DenseNet). Several layers make one branch
      when they stand in a Sequential block.
    Pitfall: all other sizes must agree; give windows padding=same.
    Source: Szegedy et al. 2014, Going Deeper with Convolutions
    """

    def join(self, outputs: Sequence[Shape]) -> Shape:
        """The shape of the branches' outputs side by side; InputError where they do not fit."""
        if any(isinstance(shape, Tokens) for shape in outputs):
            raise InputError("these are token numbers, which cannot be joined; put Embedding first")
        first, axis = outputs[0], 0 if len(outputs[0]) == 3 else len(outputs[0]) - 1
        for number, shape in enumerate(outputs[1:], 2):
            if len(shape) != len(first) or _without(shape, axis) != _without(first, axis):
                which = "channels" if axis == 0 and len(first) == 3 else "last size"
                raise InputError(
                    f"Parallel puts its branches side by side: branch 1 ends in {show(first)}, "
                    f"branch {number} in {show(shape)}; only the {which} may differ"
                )
        joined = sum(shape[axis] for shape in outputs)
        return (*first[:axis], joined, *first[axis + 1 :])


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


class Sequential(_Block, frozen=True):
    """A block: layers one after another, as one group.

    Formula: y = f₂(f₁(x))
    Use: as one branch of Parallel, or to fold and freeze several layers together.
    Pitfall: it changes nothing by itself; outside of Parallel its layers could stand there alone.
    Source: torch.nn.Sequential
    """


class Encoder(_Block, frozen=True):
    """A block: the half of an autoencoder that squeezes the input into a few numbers.

    Formula: z = f(x)
    Use: before a Decoder; what comes out of it is the code, which the lab can show.
    Pitfall: a code as wide as the input lets the network copy instead of learning what matters.
    Source: Hinton and Salakhutdinov 2006
    """


class Decoder(_Block, frozen=True):
    """A block: the half of an autoencoder that makes the input again from the code.

    Formula: x̂ = g(z)
    Use: after an Encoder; it must end in the shape of the data.
    Pitfall: an activation at its end that cannot reach the data's values, such as ReLU where
      inputs are negative, leaves an error that never goes away.
    Source: Hinton and Salakhutdinov 2006
    """


class Generator(_Block, frozen=True):
    """A block: the half of a GAN that makes examples from noise.

    Formula: x̂ = G(z), z ~ N(0, 1)
    Use: before a Discriminator, these two alone; it must end in the shape of the data.
    Pitfall: it may find one example that always deceives and make only that (mode collapse).
    Source: Goodfellow et al. 2014
    """


class Discriminator(_Block, frozen=True):
    """A block: the half of a GAN that tells true examples from made ones.

    Formula: D(x), one number; above 0 means true
    Use: after a Generator; it ends in Linear 1, without Sigmoid, for the loss applies it.
    Pitfall: when it is much better than the Generator, the Generator has nothing to learn from;
      train it less often or make it smaller.
    Source: Goodfellow et al. 2014
    """
