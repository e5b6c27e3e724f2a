"""The activations: functions of each value alone, named as in `torch.nn`."""

from typing import Annotated, ClassVar

from tuilab.lab.knobs import knob
from tuilab.lab.layer import Layer


class Activation(Layer, frozen=True):
    """A function of each value alone."""

    family: ClassVar[str] = "activation"


class Identity(Activation, tag=True, frozen=True):
    """Nothing changes: f(x) = x."""


class ReLU(Activation, tag=True, frozen=True):
    """Zero below zero, x above: f(x) = max(0, x)."""


class LeakyReLU(Activation, tag=True, frozen=True):
    """A small slope below zero: f(x) = max(x, slope · x)."""

    negative_slope: Annotated[float, knob("Slope below zero", ge=0, le=1)] = 0.01


class ELU(Activation, tag=True, frozen=True):
    """Bends smoothly to −α below zero: f(x) = α(eˣ − 1)."""

    alpha: Annotated[float, knob("How far below zero it reaches", gt=0, le=100)] = 1.0


class SELU(Activation, tag=True, frozen=True):
    """ELU scaled so that deep nets keep mean 0 and spread 1 (with LeCun weights)."""


class GELU(Activation, tag=True, frozen=True):
    """x times the chance that a normal value lies below x."""


class SiLU(Activation, tag=True, frozen=True):
    """x times its sigmoid, also called Swish."""


class Tanh(Activation, tag=True, frozen=True):
    """An S from −1 to 1, centred on zero."""


class Sigmoid(Activation, tag=True, frozen=True):
    """An S from 0 to 1: f(x) = 1 / (1 + e⁻ˣ)."""


class Softplus(Activation, tag=True, frozen=True):
    """A smooth ReLU: f(x) = ln(1 + eˣ)."""


class Softmax(Activation, tag=True, frozen=True):
    """Positive numbers that sum to 1. Cross-entropy applies it itself: do not add it before."""
