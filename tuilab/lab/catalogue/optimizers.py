"""The optimizers by name, with PyTorch's arguments."""

from typing import Annotated

from msgspec import Meta, Struct

from tuilab.lab.knobs import knob

LearningRate = Annotated[
    float, knob("How far each step moves the weights", ge=0, le=1000, live=True, log=True)
]
WeightDecay = Annotated[
    float,
    knob("How strongly each step pulls the weights to zero", ge=0, le=10, live=True, log=True),
]
Momentum = Annotated[
    float, knob("How much of the last step carries on into the next", ge=0, lt=1, live=True)
]
Beta = Annotated[float, Meta(ge=0, lt=1)]
Betas = Annotated[
    tuple[Beta, Beta],
    knob("Memory of the running means of the gradient and of its square", live=True),
]
Epsilon = Annotated[
    float, knob("Keeps the division by the gradient's size finite", gt=0, le=1, live=True, log=True)
]


class Optimizer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every optimizer has."""

    lr: LearningRate = 1e-3
    weight_decay: WeightDecay = 0.0


class SGD(Optimizer, frozen=True, kw_only=True, tag="sgd"):
    """Step against the gradient of one batch, optionally with momentum."""

    lr: LearningRate = 0.1
    momentum: Momentum = 0.0
    nesterov: Annotated[
        bool, knob("Look ahead along the momentum before measuring (needs momentum)", live=True)
    ] = False


class RMSprop(Optimizer, frozen=True, kw_only=True, tag="rmsprop"):
    """Divide each step by the recent size of its gradient (Hinton 2012)."""

    lr: LearningRate = 1e-2
    alpha: Annotated[
        float, knob("Memory of the running mean of the squared gradient", ge=0, lt=1, live=True)
    ] = 0.99
    momentum: Momentum = 0.0
    eps: Epsilon = 1e-8


class Adam(Optimizer, frozen=True, kw_only=True, tag="adam"):
    """Momentum and a step size for every weight, from running means (Kingma, Ba 2014)."""

    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8


class AdamW(Optimizer, frozen=True, kw_only=True, tag="adamw"):
    """Adam with weight decay kept apart from the gradient (Loshchilov, Hutter 2017)."""

    weight_decay: WeightDecay = 1e-2
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8


AnyOptimizer = SGD | RMSprop | Adam | AdamW
"""Every optimizer by its name in a file."""
