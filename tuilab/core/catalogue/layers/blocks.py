"""Blocks: layers that contain others, written as a list in a file."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, Tokens, format_shape


class _Block(Layer, frozen=True):
    """The base class of blocks: layers that contain other layers."""

    family: ClassVar[str] = "block"
    takes_tokens: ClassVar[bool] = True


class Residual(_Block, frozen=True):
    """A block: its input is added to its output.

    Formula: y = x + f(x)
    Use: in every deep network; the signal and the gradient can bypass each block, so that
      hundreds of layers can be trained.
    Pitfall: input and output must have the same shape; keep the channels and use padding=same,
      and pool between blocks instead of inside them.
    Source: He et al. 2015, Deep Residual Learning
    """

    def add(self, before: Shape, after: Shape) -> None:
        """Raises InputError where the two shapes cannot be added."""
        if isinstance(after, Tokens):
            raise InputError("token numbers cannot be added; put Embedding first")
        if before != after:
            raise InputError(
                f"Residual adds its input, {format_shape(before)}, to its output, "
                f"{format_shape(after)}: make both shapes the same"
            )


class Repeat(_Block, frozen=True):
    """A block: its layers several times in a row, each time with new weights.

    Formula: y = fₙ(… f₂(f₁(x)))
    Use: for deep networks of identical parts, written once.
    Pitfall: layers that shrink the image shrink it every time; in deep stacks without Residual
      or normalization the gradient vanishes.
    """

    times: Annotated[int, knob("Number of repetitions", ge=1, le=1000)]

    example: ClassVar[str] = "4"


class Parallel(_Block, frozen=True):
    """A block: each line is a branch that gets the input; their outputs are concatenated.

    Formula: y = [f₁(x), f₂(x), …], along the channels of images, else along the last dimension
    Use: to process the same input in several ways, such as windows of 1, 3 and 5 (Inception), or
      to keep the input beside the new features (Identity, DenseNet). A branch of several layers is
      a Sequential block.
    Pitfall: all other dimensions must agree; give windows padding=same.
    Source: Szegedy et al. 2014, Going Deeper with Convolutions
    """

    def join(self, outputs: Sequence[Shape]) -> Shape:
        """Returns the shape of the concatenated outputs; InputError where they do not fit."""
        if any(isinstance(shape, Tokens) for shape in outputs):
            raise InputError("token numbers cannot be concatenated; put Embedding first")
        first, axis = outputs[0], 0 if len(outputs[0]) >= 3 else len(outputs[0]) - 1
        for number, shape in enumerate(outputs[1:], 2):
            if len(shape) != len(first) or _without(shape, axis) != _without(first, axis):
                which = "channels" if len(first) >= 3 else "last dimension"
                raise InputError(
                    f"Parallel concatenates its branches: branch 1 ends in {format_shape(first)}, "
                    f"branch {number} in {format_shape(shape)}; only the {which} may differ"
                )
        joined = sum(shape[axis] for shape in outputs)
        return (*first[:axis], joined, *first[axis + 1 :])


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


class Sequential(_Block, frozen=True):
    """A block: layers one after another, as one group.

    Formula: y = f₂(f₁(x))
    Use: as one branch of Parallel, or to fold and freeze several layers together.
    Pitfall: it changes nothing by itself; outside of Parallel its layers do the same without it.
    Source: torch.nn.Sequential
    """


class Encoder(_Block, frozen=True):
    """A block: the half of an autoencoder that compresses the input to a few numbers.

    Formula: z = f(x)
    Use: before a Decoder; its output is the code (latent), which the lab can show.
    Pitfall: with a code as wide as the input the network copies instead of learning features.
    Source: Hinton and Salakhutdinov 2006
    """

    is_separate: ClassVar[bool] = True


class Decoder(_Block, frozen=True):
    """A block: the half of an autoencoder that reconstructs the input from the code.

    Formula: x̂ = g(z)
    Use: after an Encoder; it must end in the shape of the data.
    Pitfall: a final activation that cannot reach the data's values, such as ReLU where inputs
      are negative, leaves an error that never goes away.
    Source: Hinton and Salakhutdinov 2006
    """

    is_separate: ClassVar[bool] = True


class Generator(_Block, frozen=True):
    """A block: the half of a GAN that generates examples from noise.

    Formula: x̂ = G(z), z ~ N(0, 1)
    Use: before a Discriminator, with nothing else; it must end in the shape of the data.
    Pitfall: it may find one example that always deceives and generate only that (mode collapse).
    Source: Goodfellow et al. 2014
    """

    is_separate: ClassVar[bool] = True


class Discriminator(_Block, frozen=True):
    """A block: the half of a GAN that separates real examples from generated ones.

    Formula: D(x), one number; above 0 means real
    Use: after a Generator; it ends in Linear 1, without Sigmoid, which the loss applies.
    Pitfall: when it is much better than the Generator, the Generator has nothing to learn from;
      train it less often or make it smaller.
    Source: Goodfellow et al. 2014
    """

    is_separate: ClassVar[bool] = True
