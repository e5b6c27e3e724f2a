"""Activation functions, named as in `torch.nn`."""

from typing import Annotated, ClassVar, Literal

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Dim, Layer, Shape, axis_of, format_shape

OptionalDim = Annotated[
    Dim | None,
    knob("The dimension, counted from 1; none: the channels of images, else the last one"),
]


class _Activation(Layer, frozen=True):
    """The base class of activations: functions that act on each value separately."""

    family: ClassVar[str] = "activation"


class Identity(_Activation, frozen=True):
    """Passes the input through unchanged: f(x) = x.

    Formula: f(x) = x
    Use: as the branch of a Parallel that keeps the input, or in place of a layer, to see what
      that layer contributes.
    Pitfall: none in itself; without any other activation the whole network is one Linear.
    Source: torch.nn.Identity
    """

    takes_tokens: ClassVar[bool] = True


class ReLU(_Activation, frozen=True):
    """Zero below zero, x above: f(x) = max(0, x).

    Formula: f(x) = max(0, x)
    Use: the default for hidden layers, with Kaiming initialization.
    Pitfall: a unit whose input is always below zero gets no gradient and never recovers (dead
      unit), mostly after too large a learning rate.
    Source: Nair and Hinton 2010; torch.nn.ReLU
    """


class ReLU6(_Activation, frozen=True):
    """A ReLU that stops at 6: f(x) = min(max(0, x), 6).

    Formula: f(x) = min(max(0, x), 6)
    Use: small networks for phones, as in MobileNet: few bits can represent values up to 6.
    Pitfall: above 6 it is as flat as below zero; without normalization units get stuck at 6.
    Source: Krizhevsky 2010; torch.nn.ReLU6
    """


class LeakyReLU(_Activation, frozen=True):
    """A small slope below zero: f(x) = max(x, slope · x).

    Formula: f(x) = x for x ≥ 0, else slope · x
    Use: instead of ReLU where units die, and in discriminators (slope 0.2).
    Pitfall: a slope of 1 makes it the identity.
    Source: Maas et al. 2013; torch.nn.LeakyReLU
    """

    negative_slope: Annotated[float, knob("Slope below zero", ge=0, le=1)] = 0.01


class PReLU(_Activation, frozen=True):
    """A LeakyReLU that learns its slope.

    Formula: f(x) = x for x ≥ 0, else a x, with a learned
    Use: instead of LeakyReLU, with one slope for all channels or one for each.
    Pitfall: weight decay pulls a toward 0, which makes it a ReLU.
    Source: He et al. 2015; torch.nn.PReLU
    """

    num_parameters: Annotated[int, knob("1, or the number of channels: one slope each", ge=1)] = 1
    init: Annotated[float, knob("Initial slope", ge=-10, le=10)] = 0.25

    def output_shape(self, shape: Shape) -> Shape:
        if self.num_parameters not in (1, shape[0]):
            raise InputError(
                f"num_parameters={self.num_parameters} must be 1 or the number of channels, "
                f"{shape[0]}"
            )
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return self.num_parameters


class ELU(_Activation, frozen=True):
    """Levels off smoothly at −α below zero: f(x) = α(eˣ − 1).

    Formula: f(x) = x for x > 0, else α (eˣ − 1)
    Use: instead of ReLU where units die, or where the mean of the outputs should be near zero.
    Pitfall: slower than ReLU, and its gradient still vanishes far below zero.
    Source: Clevert et al. 2015; torch.nn.ELU
    """

    alpha: Annotated[float, knob("The negative limit, −α", gt=0, le=100)] = 1.0


class CELU(_Activation, frozen=True):
    """An ELU whose slope at zero is 1 for every α: f(x) = α(e^(x/α) − 1) below zero.

    Formula: f(x) = max(0, x) + min(0, α (e^(x/α) − 1))
    Use: instead of ELU with an α other than 1, so that the curve has no corner at zero.
    Pitfall: with α = 1 it is exactly ELU.
    Source: Barron 2017; torch.nn.CELU
    """

    alpha: Annotated[float, knob("The negative limit, −α", gt=0, le=100)] = 1.0


class SELU(_Activation, frozen=True):
    """ELU scaled so that deep networks keep mean 0 and variance 1 (with LeCun initialization).

    Formula: f(x) = 1.0507 x for x > 0, else 1.0507 · 1.6733 (eˣ − 1)
    Use: deep fully connected networks without normalization, with lecun_normal weights.
    Pitfall: Dropout, other initializations or a Residual break the self-normalization; use
      AlphaDropout.
    Source: Klambauer et al. 2017; torch.nn.SELU
    """


class GELU(_Activation, frozen=True):
    """x times the probability that a standard normal value is below x.

    Formula: f(x) = x Φ(x); tanh: x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
    Use: transformers, and wherever a smooth ReLU is preferred.
    Pitfall: slower than ReLU, especially on a CPU; below zero it is not monotonic.
    Source: Hendrycks and Gimpel 2016; torch.nn.GELU
    """

    approximate: Annotated[
        Literal["none", "tanh"], knob("Exact, or the tanh approximation, as in GPT-2")
    ] = "none"


class SiLU(_Activation, frozen=True):
    """x times its sigmoid, also called Swish.

    Formula: f(x) = x / (1 + e⁻ˣ)
    Use: deep convolutional networks; often a little better than ReLU.
    Pitfall: slower than ReLU; in shallow networks there is nothing to gain.
    Source: Elfwing et al. 2017, Ramachandran et al. 2017; torch.nn.SiLU
    """


class Mish(_Activation, frozen=True):
    """x times the tanh of its softplus: close to SiLU, slightly steeper.

    Formula: f(x) = x tanh(ln(1 + eˣ))
    Use: instead of SiLU in deep convolutional networks.
    Pitfall: the slowest of the smooth activations; measure before you keep it.
    Source: Misra 2019; torch.nn.Mish
    """


class Hardswish(_Activation, frozen=True):
    """A piecewise approximation of SiLU, for speed.

    Formula: f(x) = x · min(max(x + 3, 0), 6) / 6
    Use: small networks for phones, as in MobileNetV3.
    Pitfall: below −3 it is zero with zero gradient, so units can die as with ReLU.
    Source: Howard et al. 2019; torch.nn.Hardswish
    """


class Hardsigmoid(_Activation, frozen=True):
    """A piecewise approximation of Sigmoid, for speed: f(x) = x/6 + ½, cut to 0 … 1.

    Formula: f(x) = min(max(x + 3, 0), 6) / 6
    Use: gates of small networks for phones, as in MobileNetV3.
    Pitfall: below −3 and above 3 its gradient is exactly zero.
    Source: Howard et al. 2019; torch.nn.Hardsigmoid
    """


class Hardtanh(_Activation, frozen=True):
    """The input, cut off below a minimum and above a maximum.

    Formula: f(x) = min(max(x, min_val), max_val)
    Use: a cheap Tanh, and outputs that must stay within a range.
    Pitfall: outside of the range its gradient is zero: units there do not learn.
    Source: Collobert 2004; torch.nn.Hardtanh
    """

    min_val: Annotated[float, knob("The smallest output", ge=-1000, le=1000)] = -1.0
    max_val: Annotated[float, knob("The largest output", ge=-1000, le=1000)] = 1.0

    def output_shape(self, shape: Shape) -> Shape:
        if self.min_val >= self.max_val:
            raise InputError(
                f"min_val={self.min_val:g} must be smaller than max_val={self.max_val:g}"
            )
        return shape


class Softplus(_Activation, frozen=True):
    """A smooth ReLU: f(x) = ln(1 + eˣ).

    Formula: f(x) = ln(1 + e^(β x)) / β
    Use: outputs that must be positive, such as a standard deviation.
    Pitfall: in hidden layers its mean is far above zero; ReLU learns faster there.
    Source: Dugas et al. 2000; torch.nn.Softplus
    """

    beta: Annotated[float, knob("Sharpness of the bend", gt=0, le=100)] = 1.0
    threshold: Annotated[float, knob("β x above which it returns x itself", ge=0, le=1000)] = 20.0


class Tanh(_Activation, frozen=True):
    """An S-shaped function from −1 to 1, centered at zero.

    Formula: f(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    Use: small and recurrent networks, and outputs between −1 and 1; with Xavier initialization.
    Pitfall: far from zero it is flat and its gradient vanishes (saturation).
    Source: torch.nn.Tanh
    """


class Softsign(_Activation, frozen=True):
    """An S-shaped function from −1 to 1 that levels off slowly: f(x) = x / (1 + |x|).

    Formula: f(x) = x / (1 + |x|)
    Use: instead of Tanh, where units saturate: its gradient fades with 1/x², not with e⁻²ˣ.
    Pitfall: it approaches ±1 so slowly that outputs near ±1 need very large inputs.
    Source: Glorot and Bengio 2010; torch.nn.Softsign
    """


class Sigmoid(_Activation, frozen=True):
    """An S-shaped function from 0 to 1: f(x) = 1 / (1 + e⁻ˣ).

    Formula: f(x) = 1 / (1 + e⁻ˣ)
    Use: outputs that are a probability or a brightness from 0 to 1; gates.
    Pitfall: its gradient is at most 1/4, so the first layers of a deep stack hardly learn; and
      bce already applies it: do not end the network with it there.
    Source: torch.nn.Sigmoid
    """


class LogSigmoid(_Activation, frozen=True):
    """The logarithm of Sigmoid, exact where the probability is tiny.

    Formula: f(x) = −ln(1 + e⁻ˣ)
    Use: log-probabilities of one of two classes, and losses that compare scores in pairs.
    Pitfall: all outputs are negative; bce takes logits and contains it already.
    Source: torch.nn.LogSigmoid
    """


class Step(_Activation, frozen=True):
    """1 above zero, else 0: the perceptron's activation, without a gradient.

    Formula: f(x) = 1 for x > 0, else 0; f′(x) = 0
    Use: at the end of a perceptron, with the perceptron task; to see why gradients are needed.
    Pitfall: its gradient is zero, so no layer before it learns by gradient descent.
    Source: Rosenblatt 1958
    """


class Softmax(_Activation, frozen=True):
    """Turns values into probabilities that sum to 1. Cross-entropy already applies it.

    Formula: f(x)ᵢ = e^(xᵢ) / Σ e^(xⱼ), over the features; for images, over the channels
    Use: to read outputs as probabilities; attention already contains it.
    Pitfall: before cross_entropy it is applied twice: the loss then stays high and training slow.
    Source: torch.nn.Softmax
    """

    dim: OptionalDim = None

    def output_shape(self, shape: Shape) -> Shape:
        check_dim(self, shape)
        return shape


class LogSoftmax(_Activation, frozen=True):
    """The logarithm of Softmax, exact where probabilities are tiny.

    Formula: f(x)ᵢ = xᵢ − ln Σ e^(xⱼ), over the features; for images, over the channels
    Use: at the end of a network for the nll loss; before cross_entropy it changes nothing.
    Pitfall: all outputs are negative, which losses other than nll and cross_entropy do not expect.
    Source: torch.nn.LogSoftmax
    """

    dim: OptionalDim = None

    def output_shape(self, shape: Shape) -> Shape:
        check_dim(self, shape)
        return shape


class GLU(_Activation, frozen=True):
    """Half of the features, multiplied by the sigmoid of the other half.

    Formula: y = a ⊙ σ(b), where the input is [a, b]
    Use: after a Linear or convolution with twice as many outputs: the network learns what passes.
    Pitfall: it halves the dimension; for images that is the width, unless dim=1, the channels.
    Source: Dauphin et al. 2017; torch.nn.GLU
    """

    dim: Annotated[
        int, knob("The dimension that is halved, counted from 1; −1: the last one", ge=-8, le=8)
    ] = -1

    def output_shape(self, shape: Shape) -> Shape:
        axis = axis_of(self.dim, shape)
        if shape[axis] % 2:
            raise InputError(
                f"GLU halves dimension {axis + 1} of {format_shape(shape)}, which is odd: give the "
                f"layer before it {2 * shape[axis]} outputs, for {shape[axis]} after it"
            )
        return (*shape[:axis], shape[axis] // 2, *shape[axis + 1 :])


def check_dim(layer: Softmax | LogSoftmax, shape: Shape) -> None:
    """Raises InputError where the input has no such dimension."""
    if layer.dim is not None:
        axis_of(layer.dim, shape)
