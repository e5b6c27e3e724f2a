"""The optimizers by name, with PyTorch's arguments.

In the formulas w are the weights, g is the gradient of one batch and λ the weight decay.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from tuilab.core.experiment.knobs import knob

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
Nesterov = Annotated[
    bool, knob("Look ahead along the momentum before measuring (needs momentum)", live=True)
]
Beta = Annotated[float, Meta(ge=0, lt=1)]
Betas = Annotated[
    tuple[Beta, Beta],
    knob("Memory of the running means of the gradient and of its square", live=True),
]
Epsilon = Annotated[
    float, knob("Keeps the division by the gradient's size finite", gt=0, le=1, live=True, log=True)
]
Amsgrad = Annotated[
    bool, knob("Never let the running size of a gradient shrink (Reddi et al. 2018)", live=True)
]
Decoupled = Annotated[
    bool, knob("Pull the weights directly, as in AdamW, not through the gradient", live=True)
]


class Optimizer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every optimizer has."""

    lr: LearningRate = 1e-3

    needs_closure: ClassVar[bool] = False
    "Whether one step measures loss and gradient several times."


class Decaying(Optimizer, frozen=True, kw_only=True):
    """What every optimizer has that can pull weights to zero.

    `weights` are matrices and kernels. Biases, gains of norms, embeddings, positions and class
    tokens are left alone: pulling them to zero limits nothing that overfits, and harms norms.
    """

    weight_decay: WeightDecay = 0.0
    weight_decay_on: Annotated[
        Literal["weights", "all"], knob("What the weight decay pulls to zero", live=True)
    ] = "weights"


class SGD(Decaying, frozen=True, kw_only=True, tag="sgd"):
    """Step against the gradient of one batch, optionally with momentum.

    Formula: v ← momentum · v + (1 − dampening) · (g + λw),  w ← w − lr · v
    Use: the plain beginning; with momentum 0.9 and a falling schedule still the best for many
      convolutional networks.
    Pitfall: one learning rate serves all weights: too high and the loss explodes, too low and it
      crawls. Momentum m makes steps 1 ∕ (1 − m) times as long: lower lr when you add it.
    Source: torch.optim.SGD; Nesterov after Sutskever et al. 2013
    """

    lr: LearningRate = 0.1
    momentum: Momentum = 0.0
    nesterov: Nesterov = False
    dampening: Annotated[
        float, knob("How much less a new gradient adds to the momentum", ge=0, le=1, live=True)
    ] = 0.0


class Adagrad(Decaying, frozen=True, kw_only=True, tag="adagrad"):
    """Smaller steps for weights that have moved much (Duchi et al. 2011).

    Formula: s ← s + g²,  w ← w − lr · g ∕ (√s + eps)
    Use: when some inputs are rare, such as words: their weights keep large steps.
    Pitfall: the sum only grows, so steps shrink for good and long runs stand still.
    Source: torch.optim.Adagrad
    """

    lr: LearningRate = 1e-2
    eps: Epsilon = 1e-10
    initial_accumulator_value: Annotated[
        float, knob("Where the sum of squares begins", ge=0, le=1000, live=True, log=True)
    ] = 0.0


class Adadelta(Decaying, frozen=True, kw_only=True, tag="adadelta"):
    """Steps sized by the steps before them, almost without a learning rate (Zeiler 2012).

    Formula: s ← ρs + (1 − ρ)g²,  Δ = √(d + eps) ∕ √(s + eps) · g,  d ← ρd + (1 − ρ)Δ²,
      w ← w − lr · Δ
    Use: when there is no time to look for a learning rate; leave lr at 1.
    Pitfall: it starts very slowly, because its first steps have the size of √eps; a larger eps
      makes it start faster.
    Source: torch.optim.Adadelta
    """

    lr: LearningRate = 1.0
    rho: Annotated[
        float, knob("Memory of the running means of squared gradient and step", ge=0, lt=1,
                    live=True),
    ] = 0.9  # fmt: skip
    eps: Epsilon = 1e-6


class RMSprop(Decaying, frozen=True, kw_only=True, tag="rmsprop"):
    """Divide each step by the recent size of its gradient (Hinton 2012).

    Formula: s ← αs + (1 − α)g²,  w ← w − lr · g ∕ (√s + eps)
    Use: recurrent networks and reinforcement learning, where gradients change their size.
    Pitfall: the first steps are up to 1 ∕ √(1 − α) = 10 times lr, as s begins at zero: the loss
      may jump at the start. Lower lr, or warm up.
    Source: torch.optim.RMSprop
    """

    lr: LearningRate = 1e-2
    alpha: Annotated[
        float, knob("Memory of the running mean of the squared gradient", ge=0, lt=1, live=True)
    ] = 0.99
    momentum: Momentum = 0.0
    eps: Epsilon = 1e-8
    centered: Annotated[
        bool, knob("Divide by the spread of the gradient, not by its size", live=True)
    ] = False


class Adam(Decaying, frozen=True, kw_only=True, tag="adam"):
    """Momentum and a step size for every weight, from running means (Kingma, Ba 2014).

    Formula: m ← β₁m + (1 − β₁)g,  s ← β₂s + (1 − β₂)g²,
      w ← w − lr · m̂ ∕ (√ŝ + eps),  m̂ and ŝ corrected for their start at zero
    Use: the first choice for almost everything; 1e-3 often works at once.
    Pitfall: its weight decay goes through the gradient, where the division undoes most of it;
      to decay weights, take AdamW.
    Source: torch.optim.Adam
    """

    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    amsgrad: Amsgrad = False


class AdamW(Decaying, frozen=True, kw_only=True, tag="adamw"):
    """Adam with weight decay kept apart from the gradient (Loshchilov, Hutter 2017).

    Formula: w ← w − lr · λw − lr · m̂ ∕ (√ŝ + eps),  m̂ and ŝ as in Adam
    Use: transformers, and wherever Adam is used with weight decay.
    Pitfall: the decay is multiplied by lr: halving lr halves it too, and 0.01 is hardly felt in a
      short run.
    Source: torch.optim.AdamW
    """

    weight_decay: WeightDecay = 1e-2
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    amsgrad: Amsgrad = False


class NAdam(Decaying, frozen=True, kw_only=True, tag="nadam"):
    """Adam that looks ahead along its momentum, as Nesterov does (Dozat 2016).

    Formula: as Adam, with μ₁m + (1 − μ₀)g in place of m;  μ(t) = β₁ (1 − ½ · 0.96^(t · decay))
    Use: where Adam works but is slow along narrow valleys; recurrent networks.
    Pitfall: its momentum grows from β₁ ∕ 2 over thousands of steps: short runs with it are not
      like long ones.
    Source: torch.optim.NAdam
    """

    lr: LearningRate = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    momentum_decay: Annotated[
        float, knob("How fast the momentum grows to its full value", ge=0, le=1, live=True,
                    log=True),
    ] = 4e-3  # fmt: skip
    decoupled_weight_decay: Decoupled = False


class RAdam(Decaying, frozen=True, kw_only=True, tag="radam"):
    """Adam that waits until it knows how large gradients are (Liu et al. 2019).

    Formula: plain momentum while the variance of s is unknown (about 5 steps at β₂ = 0.999),
      then Adam times a factor r that grows from 0 to 1
    Use: in place of Adam with warm-up.
    Pitfall: its first few steps divide by nothing: with large gradients they are large; where the
      loss leaps in the first five steps, clip or warm up all the same.
    Source: torch.optim.RAdam
    """

    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    decoupled_weight_decay: Decoupled = False


class Lion(Decaying, frozen=True, kw_only=True, tag="lion"):
    """Every weight moves by the same amount; only the sign is learned (Chen et al. 2023).

    Formula: w ← w − lr · (sign(β₁m + (1 − β₁)g) + λw),  m ← β₂m + (1 − β₂)g
    Use: large networks and large batches, with half of Adam's memory.
    Pitfall: each step has full length, however small the gradient: take lr 3 to 10 times smaller
      than for AdamW, λ as much larger, and let lr fall to the end, or it never comes to rest.
    Source: arXiv 2302.06675, algorithm 2
    """

    lr: LearningRate = 1e-4
    betas: Betas = (0.9, 0.99)


class Muon(Decaying, frozen=True, kw_only=True, tag="muon"):
    """Turn the momentum of each hidden matrix into an orthogonal step (Jordan 2024).

    Formula: B ← μB + (1 − μ)g,  w ← w − lr · (λw + scale · U Vᵀ),  U S Vᵀ = B
    Use: the matrices of hidden layers. Kernels, embeddings, biases, norms and the last layer are
      moved by AdamW, at lr · adamw_lr.
    Pitfall: a network of two small layers has one hidden matrix at most: there it is AdamW in the
      main. Its lr means something else than Adam's: near 0.02 with `original`.
    Source: torch.optim.Muon; kellerjordan.github.io/posts/muon
    """

    lr: LearningRate = 2e-2
    weight_decay: WeightDecay = 0.1
    momentum: Momentum = 0.95
    nesterov: Nesterov = True
    ns_steps: Annotated[
        int, knob("Rounds of Newton and Schulz towards the orthogonal step", ge=1, le=99,
                  live=True),
    ] = 5  # fmt: skip
    adjust_lr_fn: Annotated[
        Literal["original", "match_rms_adamw"],
        knob("How the length of a step depends on the shape of its matrix", live=True),
    ] = "original"
    adamw_lr: Annotated[
        float,
        knob("Learning rate of AdamW for all else, as a part of lr", gt=0, le=1000, live=True,
             log=True),
    ] = 0.05  # fmt: skip


class LBFGS(Optimizer, frozen=True, kw_only=True, tag="lbfgs"):
    """Walk towards the bottom of a curved model of the loss (Liu, Nocedal 1989).

    Formula: w ← w − lr · H g,  H ≈ the inverse of the curvature, from the last few steps
    Use: small networks on the whole set as one batch (batch_size as large as the set): few, long
      and exact steps.
    Pitfall: with small batches the curvature is that of noise, and the loss explodes. Each step
      measures the loss up to max_iter times and more, so dropout disturbs it too.
    Source: torch.optim.LBFGS
    """

    lr: LearningRate = 1.0
    max_iter: Annotated[
        int, knob("Iterations inside one step", ge=1, le=1000, live=True, log=True)
    ] = 20
    history_size: Annotated[
        int, knob("Steps that the model of the curvature remembers", ge=1, le=1000, live=True,
                  log=True),
    ] = 100  # fmt: skip
    line_search_fn: Annotated[
        Literal["strong_wolfe", "none"],
        knob("Search along each direction for a good length", live=True),
    ] = "strong_wolfe"

    needs_closure: ClassVar[bool] = True


class Own(Optimizer, frozen=True, kw_only=True, tag="own"):
    """The one that you have written yourself, in the exercise `optimizers`.

    Formula: whatever your function returns; the other arguments have the defaults you gave them
    Use: after the exercise has passed, to see your own code train a network.
    Pitfall: it moves one parameter after the other, in Python: a tenth as fast as torch's.
    Source: your exercises' folder, optimizers.py; it must pass again after every change
    """

    lr: LearningRate = 1e-2
    step: Annotated[
        Literal["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"],
        knob("Which of your functions makes the step"),
    ] = "adam"


AnyOptimizer = (
    SGD | Adagrad | Adadelta | RMSprop | Adam | AdamW | NAdam | RAdam | Lion | Muon | LBFGS | Own
)
"""Every optimizer by its name in a file."""
