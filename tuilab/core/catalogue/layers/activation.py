"""The activations: functions of each value alone, named as in `torch.nn`."""

from typing import Annotated, ClassVar, Literal

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape


class _Activation(Layer, frozen=True):
    """A function of each value alone."""

    family: ClassVar[str] = "activation"


class Identity(_Activation, frozen=True):
    """Nothing changes: f(x) = x.

    Formula: f(x) = x
    Use: as the branch of a Parallel that keeps the input, or in the place of a layer to see what
      that one does.
    Pitfall: none in itself; without any other activation the whole network is one Linear.
    Source: torch.nn.Identity
    """

    takes_tokens: ClassVar[bool] = True


class ReLU(_Activation, frozen=True):
    """Zero below zero, x above: f(x) = max(0, x).

    Formula: f(x) = max(0, x)
    Use: the first choice in hidden layers; with weights from Kaiming's rule.
    Pitfall: a unit whose input is always below zero gets no gradient and never comes back (dead
      unit), mostly after a rate that was too large.
    Source: Nair and Hinton 2010; torch.nn.ReLU
    """


class LeakyReLU(_Activation, frozen=True):
    """A small slope below zero: f(x) = max(x, slope · x).

    Formula: f(x) = x for x ≥ 0, else slope · x
    Use: instead of ReLU where units die, and in discriminators (slope 0.2).
    Pitfall: a slope of 1 is no activation at all.
    Source: Maas et al. 2013; torch.nn.LeakyReLU
    """

    negative_slope: Annotated[float, knob("Slope below zero", ge=0, le=1)] = 0.01


class PReLU(_Activation, frozen=True):
    """A LeakyReLU that learns its slope.

    Formula: f(x) = x for x ≥ 0, else a x, with a learned
    Use: instead of LeakyReLU, with one slope for all or one for each channel.
    Pitfall: weight decay pulls a towards 0, which makes it a ReLU.
    Source: He et al. 2015; torch.nn.PReLU
    """

    num_parameters: Annotated[int, knob("1, or one slope for each channel", ge=1)] = 1
    init: Annotated[float, knob("The slope at first", ge=-10, le=10)] = 0.25

    def output(self, shape: Shape) -> Shape:
        if self.num_parameters not in (1, shape[0]):
            raise InputError(
                f"num_parameters={self.num_parameters} must be 1 or the number of channels, "
                f"{shape[0]}"
            )
        return shape

    def parameters(self, shape: Shape) -> int:
        return self.num_parameters


class ELU(_Activation, frozen=True):
    """Bends smoothly to −α below zero: f(x) = α(eˣ − 1).

    Formula: f(x) = x for x > 0, else α (eˣ − 1)
    Use: instead of ReLU where units die or the mean of the outputs should be near zero.
    Pitfall: slower than ReLU, and far below zero its gradient vanishes all the same.
    Source: Clevert et al. 2015; torch.nn.ELU
    """

    alpha: Annotated[float, knob("How far below zero it reaches", gt=0, le=100)] = 1.0


class SELU(_Activation, frozen=True):
    """ELU scaled so that deep nets keep mean 0 and spread 1 (with LeCun weights).

    Formula: f(x) = 1.0507 x for x > 0, else 1.0507 · 1.6733 (eˣ − 1)
    Use: deep plain networks without normalization, with lecun_normal weights.
    Pitfall: Dropout, other weights or a Residual break what it keeps; take AlphaDropout.
    Source: Klambauer et al. 2017; torch.nn.SELU
    """


class GELU(_Activation, frozen=True):
    """x times the chance that a normal value lies below x.

    Formula: f(x) = x Φ(x); tanh: x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
    Use: transformers, and wherever a smooth ReLU is wanted.
    Pitfall: slower than ReLU, mostly on a CPU; below zero it first falls, then rises to zero.
    Source: Hendrycks and Gimpel 2016; torch.nn.GELU
    """

    approximate: Annotated[Literal["none", "tanh"], knob("Exact, or by tanh as in GPT-2")] = "none"


class SiLU(_Activation, frozen=True):
    """x times its sigmoid, also called Swish.

    Formula: f(x) = x / (1 + e⁻ˣ)
    Use: deep convolutional networks; often a little better than ReLU.
    Pitfall: slower than ReLU; in networks of few layers there is nothing to gain.
    Source: Elfwing et al. 2017, Ramachandran et al. 2017; torch.nn.SiLU
    """


class Mish(_Activation, frozen=True):
    """x times the tanh of its softplus: close to SiLU, a little steeper.

    Formula: f(x) = x tanh(ln(1 + eˣ))
    Use: instead of SiLU in deep convolutional networks.
    Pitfall: the slowest of the smooth ones; measure before you keep it.
    Source: Misra 2019; torch.nn.Mish
    """


class Hardswish(_Activation, frozen=True):
    """SiLU out of straight pieces, for speed.

    Formula: f(x) = x · min(max(x + 3, 0), 6) / 6
    Use: small networks for phones, as in MobileNetV3.
    Pitfall: below −3 it is zero with zero gradient, so that units can die as with ReLU.
    Source: Howard et al. 2019; torch.nn.Hardswish
    """


class Softplus(_Activation, frozen=True):
    """A smooth ReLU: f(x) = ln(1 + eˣ).

    Formula: f(x) = ln(1 + e^(β x)) / β
    Use: outputs that must be above zero, such as a spread.
    Pitfall: in hidden layers it is never zero and its mean is high; ReLU learns faster there.
    Source: Dugas et al. 2000; torch.nn.Softplus
    """

    beta: Annotated[float, knob("How sharp the bend is", gt=0, le=100)] = 1.0
    threshold: Annotated[float, knob("Where β x is taken as it is", ge=0, le=1000)] = 20.0


class Tanh(_Activation, frozen=True):
    """An S from −1 to 1, centred on zero.

    Formula: f(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    Use: small networks, recurrent ones, and outputs between −1 and 1; with Xavier's weights.
    Pitfall: far from zero it is flat and passes no gradient on (saturation).
    Source: torch.nn.Tanh
    """


class Sigmoid(_Activation, frozen=True):
    """An S from 0 to 1: f(x) = 1 / (1 + e⁻ˣ).

    Formula: f(x) = 1 / (1 + e⁻ˣ)
    Use: outputs that are a chance or a brightness from 0 to 1; gates.
    Pitfall: its gradient is at most 1/4, so that deep stacks of it learn nothing in front; and
      bce applies it itself: do not end the network with it there.
    Source: torch.nn.Sigmoid
    """


class Step(_Activation, frozen=True):
    """1 above zero, else 0: the perceptron's own, without a gradient.

    Formula: f(x) = 1 for x > 0, else 0; f′(x) = 0
    Use: at the end of a perceptron, with the perceptron task; to see why gradients are needed.
    Pitfall: no gradient passes it, so that nothing before it learns by gradient descent.
    Source: Rosenblatt 1958
    """


class Softmax(_Activation, frozen=True):
    """Positive numbers that sum to 1. Cross-entropy applies it itself: do not add it before.

    Formula: f(x)ᵢ = e^(xᵢ) / Σ e^(xⱼ), over the features; of pictures, over the channels
    Use: to read outputs as chances; inside attention it is there already.
    Pitfall: before cross_entropy it is applied twice: the loss then stays high and learning slow.
    Source: torch.nn.Softmax
    """


class LogSoftmax(_Activation, frozen=True):
    """The logarithm of Softmax, exact where chances are tiny.

    Formula: f(x)ᵢ = xᵢ − ln Σ e^(xⱼ), over the features; of pictures, over the channels
    Use: to read outputs as logarithms of chances; before cross_entropy it changes nothing.
    Pitfall: the outputs are all below zero, which a loss other than cross_entropy does not expect.
    Source: torch.nn.LogSoftmax
    """
