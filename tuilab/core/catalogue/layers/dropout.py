"""Regularizing layers, which add noise in training so that the network generalizes."""

from typing import Annotated, ClassVar

from tuilab.core.catalogue.layers.linear import Constant, Outputs
from tuilab.core.catalogue.layers.window import spatial_sizes
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape


class _Drop(Layer, frozen=True):
    """The base class of dropout: in training, random values are set to zero."""

    p: Annotated[float, knob("Probability of dropping each value", ge=0, lt=1, live=True)] = 0.5

    family: ClassVar[str] = "regularization"


class Dropout(_Drop, frozen=True):
    """Sets random values to zero in training and scales up the rest.

    Formula: y = x · m / (1 − p), m = 0 with probability p, else 1; in evaluation y = x
    Use: after wide Linear layers of a network that overfits.
    Pitfall: it makes a network worse that is too small; the training loss then stays above the
      validation loss.
    Source: Srivastava et al. 2014; torch.nn.Dropout
    """


class Dropout1d(_Drop, frozen=True):
    """Sets whole channels of a sequence to zero in training and scales up the rest.

    Formula: y[c] = x[c] · m[c] / (1 − p), one m per channel; in evaluation y = x
    Use: after Conv1d, where neighbors are so similar that Dropout removes little information.
    Pitfall: it takes [channels, length]; in a sequence [length, features] it would drop whole
      positions, so put Transpose around it.
    Source: Tompson et al. 2015; torch.nn.Dropout1d
    """

    p: Annotated[float, knob("Probability of dropping each channel", ge=0, lt=1, live=True)] = 0.5

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 1)
        return shape


class Dropout2d(_Drop, frozen=True):
    """Sets whole channels of an image to zero in training and scales up the rest.

    Formula: y[c] = x[c] · m[c] / (1 − p), one m per channel; in evaluation y = x
    Use: after Conv2d, where neighbors are so similar that Dropout removes little information.
    Pitfall: 0.5 is too much for few channels; 0.1 to 0.2 is usual here.
    Source: Tompson et al. 2015; torch.nn.Dropout2d
    """

    p: Annotated[float, knob("Probability of dropping each channel", ge=0, lt=1, live=True)] = 0.5

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 2)
        return shape


class Dropout3d(_Drop, frozen=True):
    """Sets whole channels of a volume to zero in training and scales up the rest.

    Formula: y[c] = x[c] · m[c] / (1 − p), one m per channel; in evaluation y = x
    Use: after Conv3d, where neighbors are so similar that Dropout removes little information.
    Pitfall: 0.5 is too much for few channels; 0.1 to 0.2 is usual here.
    Source: Tompson et al. 2015; torch.nn.Dropout3d
    """

    p: Annotated[float, knob("Probability of dropping each channel", ge=0, lt=1, live=True)] = 0.5

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 3)
        return shape


class AlphaDropout(_Drop, frozen=True):
    """Dropout for SELU: it keeps the mean and the variance of the values.

    Formula: y = a · (x m + α′ (1 − m)) + b, α′ = −1.758, a and b keep mean 0 and variance 1
    Use: after SELU in self-normalizing networks.
    Pitfall: after any other activation it shifts the values; use Dropout there.
    Source: Klambauer et al. 2017; torch.nn.AlphaDropout
    """


class DropConnect(Layer, frozen=True):
    """A Linear whose individual weights are dropped in training, for each example anew.

    Formula: y = ((W ⊙ M) x + b ⊙ m) / (1 − p), M and m 0 with probability p, else 1
      in evaluation y = W x + b, which is the mean
    Use: instead of a Linear and a Dropout, in the first wide layer after Flatten.
    Pitfall: every example needs a mask as large as the weights, so it is slow and takes much
      memory; use it for small layers and small batches.
    Source: Wan et al. 2013
    """

    out_features: Outputs
    p: Annotated[float, knob("Probability of dropping each weight", ge=0, lt=1, live=True)] = 0.5
    bias: Constant = True

    family: ClassVar[str] = "regularization"

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.out_features)

    def count_parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)


class Reparameterization(Layer, frozen=True):
    """Samples the code of a variational autoencoder from its mean and variance.

    Formula: y = μ + e^(s/2) ε, ε ~ N(0, 1); in evaluation y = μ
      μ: the first half of the input; s = ln σ²: the second half
    Use: at the end of the Encoder, after a Linear with twice as many outputs as the code has
      dimensions; the task adds KL(N(μ, σ²) ‖ N(0, 1)) to the loss.
    Pitfall: where that term weighs too much, μ goes to 0 for every example and the code carries
      no information (posterior collapse); make the task's beta smaller.
    Source: Kingma and Welling 2014
    """

    family: ClassVar[str] = "regularization"

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] % 2:
            raise InputError(
                "Reparameterization expects means and as many log-variances, but got "
                f"{format_shape(shape)}: put Linear {2 * shape[-1]} before it, for a code of "
                f"{shape[-1]} numbers"
            )
        return (*shape[:-1], shape[-1] // 2)
