"""Layers that make learning harder, so that what is learned holds for new examples."""

from typing import Annotated, ClassVar

from tuilab.core.catalogue.layers.linear import Constant, Outputs
from tuilab.core.catalogue.layers.window import places
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, show


class _Drop(Layer, frozen=True):
    """By chance, part of what comes in is left out of training."""

    p: Annotated[float, knob("Chance of each value to be dropped", ge=0, lt=1, live=True)] = 0.5

    family: ClassVar[str] = "regularization"


class Dropout(_Drop, frozen=True):
    """In training, set random values to zero and scale up the rest.

    Formula: y = x · m / (1 − p), m = 0 with chance p, else 1; in evaluation y = x
    Use: after wide Linear layers of a network that does well on training data alone.
    Pitfall: a network that is too small gets worse by it; the training loss then stays above the
      validation loss.
    Source: Srivastava et al. 2014; torch.nn.Dropout
    """


class Dropout1d(_Drop, frozen=True):
    """In training, set whole channels of a row to zero and scale up the rest.

    Formula: y[c] = x[c] · m[c] / (1 − p), one m for all of a channel; in evaluation y = x
    Use: after Conv1d, where neighbours are so alike that Dropout takes little away.
    Pitfall: it takes [channels, length]; of a sequence [length, features] it would drop whole
      positions, so put Transpose around it.
    Source: Tompson et al. 2015; torch.nn.Dropout1d
    """

    p: Annotated[float, knob("Chance of each channel to be dropped", ge=0, lt=1, live=True)] = 0.5

    def output(self, shape: Shape) -> Shape:
        places(self, shape, 1)
        return shape


class Dropout2d(_Drop, frozen=True):
    """In training, set whole channels of a picture to zero and scale up the rest.

    Formula: y[c] = x[c] · m[c] / (1 − p), one m for all of a channel; in evaluation y = x
    Use: after Conv2d, where neighbours are so alike that Dropout takes little away.
    Pitfall: 0.5 is much for few channels; 0.1 to 0.2 is usual here.
    Source: Tompson et al. 2015; torch.nn.Dropout2d
    """

    p: Annotated[float, knob("Chance of each channel to be dropped", ge=0, lt=1, live=True)] = 0.5

    def output(self, shape: Shape) -> Shape:
        places(self, shape, 2)
        return shape


class AlphaDropout(_Drop, frozen=True):
    """Dropout for SELU: mean and spread of the values stay what they were.

    Formula: y = a · (x m + α′ (1 − m)) + b, α′ = −1.758, a and b so that mean 0, spread 1 remain
    Use: after SELU in self-normalizing networks.
    Pitfall: after any other activation it shifts the values; take Dropout there.
    Source: Klambauer et al. 2017; torch.nn.AlphaDropout
    """


class DropConnect(Layer, frozen=True):
    """A Linear whose single weights are dropped in training, anew for each example.

    Formula: y = ((W ⊙ M) x + b ⊙ m) / (1 − p), M and m 0 with chance p, else 1
      in evaluation y = W x + b, which is the mean
    Use: instead of a Linear and a Dropout, in the first wide layer after Flatten.
    Pitfall: every example needs a mask as large as the weights, so that it is slow and takes
      much memory; keep it for small layers and small batches.
    Source: Wan et al. 2013
    """

    out_features: Outputs
    p: Annotated[float, knob("Chance of each weight to be dropped", ge=0, lt=1, live=True)] = 0.5
    bias: Constant = True

    family: ClassVar[str] = "regularization"

    def output(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.out_features)

    def parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)


class Reparameterization(Layer, frozen=True):
    """The code of a variational autoencoder: draws from the mean and spread that come in.

    Formula: y = μ + e^(s/2) ε, ε ~ N(0, 1); in evaluation y = μ
      μ: the first half of what comes in; s = ln σ²: the second
    Use: at the end of the Encoder, after Linear with twice as many outputs as the code has
      numbers; the task adds KL(N(μ, σ²) ‖ N(0, 1)) to the loss.
    Pitfall: where that term weighs too much, μ goes to 0 for every example and the code tells
      nothing (posterior collapse); make the task's beta smaller.
    Source: Kingma and Welling 2014
    """

    family: ClassVar[str] = "regularization"

    def output(self, shape: Shape) -> Shape:
        if shape[-1] % 2:
            raise InputError(
                f"Reparameterization takes means and as many spreads, but {show(shape)} comes in: "
                f"put Linear {2 * shape[-1]} before it, for {shape[-1]} numbers"
            )
        return (*shape[:-1], shape[-1] // 2)
