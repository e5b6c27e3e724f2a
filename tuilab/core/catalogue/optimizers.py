"""Optimizers, with PyTorch's arguments.

In the formulas w are the weights, g is the gradient of one batch and λ is the weight decay.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

from msgspec import Meta, Struct

from tuilab.core.catalogue.tags import tagged_classes
from tuilab.core.experiment.knobs import knob

LearningRate = Annotated[
    float, knob("Step size: what each update is multiplied by", ge=0, le=1000, live=True, log=True)
]
WeightDecay = Annotated[
    float,
    knob("How strongly each step pulls the weights toward zero", ge=0, le=10, live=True, log=True),
]
Momentum = Annotated[
    float, knob("Fraction of the last update that is added to the next", ge=0, lt=1, live=True)
]
Nesterov = Annotated[
    bool, knob("Nesterov momentum: look ahead along the last update (needs momentum)", live=True)
]
Beta = Annotated[float, Meta(ge=0, lt=1)]
Betas = Annotated[
    tuple[Beta, Beta],
    knob("Decay rates of the running averages of the gradient and of its square", live=True),
]
Epsilon = Annotated[
    float,
    knob("Added to the denominator, to avoid division by zero", gt=0, le=1, live=True, log=True),
]
Amsgrad = Annotated[
    bool, knob("Use the maximum of the squared-gradient averages (Reddi et al. 2018)", live=True)
]
Decoupled = Annotated[
    bool, knob("Decay the weights directly, as AdamW does, not through the gradient", live=True)
]


class Optimizer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """The base class of all optimizers."""

    lr: LearningRate = 1e-3

    is_elementwise: ClassVar[bool] = False
    "Whether it updates each number by itself, whatever tensor that is in."
    needs_closure: ClassVar[bool] = False
    "Whether one step evaluates loss and gradient several times."
    averages_weights: ClassVar[bool] = False
    "Whether it averages the weights itself."

    def arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of the optimizer that the engine builds."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class WeightDecayOptimizer(Optimizer, frozen=True, kw_only=True):
    """The base class of optimizers with weight decay.

    `weights` are matrices and kernels. Biases, norms, embeddings, positions and class tokens do not
    decay: that would harm norms and would hardly reduce overfitting.
    """

    weight_decay: WeightDecay = 0.0
    weight_decay_on: Annotated[
        Literal["weights", "all"], knob("Which parameters decay", live=True)
    ] = "weights"

    def arguments(self) -> dict[str, Any]:
        arguments = super().arguments()
        del arguments["weight_decay_on"]  # decided for each group of parameters
        return arguments


class SGD(WeightDecayOptimizer, frozen=True, kw_only=True, tag="sgd"):
    """Stochastic gradient descent, optionally with momentum.

    Formula: v ← momentum · v + (1 − dampening) · (g + λw),  w ← w − lr · v
    Use: as the simplest optimizer; with momentum 0.9 and a decaying schedule still the best for
      many convolutional networks.
    Pitfall: all weights share one learning rate: too high and the loss diverges, too low and it
      barely falls. Momentum m makes steps 1 ∕ (1 − m) times as long: lower lr when you add it.
    Source: torch.optim.SGD; Nesterov after Sutskever et al. 2013
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 0.1
    momentum: Momentum = 0.0
    nesterov: Nesterov = False
    dampening: Annotated[
        float,
        knob("Fraction of a new gradient that is not added to the momentum", ge=0, le=1, live=True),
    ] = 0.0

    def arguments(self) -> dict[str, Any]:
        # torch refuses this combination, which live knobs can reach.
        nesterov = self.nesterov and self.momentum > 0 and self.dampening == 0
        return super().arguments() | {"nesterov": nesterov}


class Adagrad(WeightDecayOptimizer, frozen=True, kw_only=True, tag="adagrad"):
    """Smaller steps for weights with large past gradients (Duchi et al. 2011).

    Formula: s ← s + g²,  w ← w − lr · g ∕ (√s + eps)
    Use: for sparse inputs, such as words: weights of rare ones keep large steps.
    Pitfall: the sum only grows, so steps keep shrinking and long runs stall.
    Source: torch.optim.Adagrad
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 1e-2
    eps: Epsilon = 1e-10
    initial_accumulator_value: Annotated[
        float, knob("Initial value of the sum of squares", ge=0, le=1000, live=True, log=True)
    ] = 0.0


class Adadelta(WeightDecayOptimizer, frozen=True, kw_only=True, tag="adadelta"):
    """Step sizes from the sizes of past steps, almost without a learning rate (Zeiler 2012).

    Formula: s ← ρs + (1 − ρ)g²,  Δ = √(d + eps) ∕ √(s + eps) · g,  d ← ρd + (1 − ρ)Δ²,
      w ← w − lr · Δ
    Use: when there is no time to search for a learning rate; leave lr at 1.
    Pitfall: it starts very slowly, because its first steps have the size of √eps; a larger eps
      speeds up the start.
    Source: torch.optim.Adadelta
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 1.0
    rho: Annotated[
        float, knob("Decay rate of the running averages of squared gradient and step", ge=0,
                    lt=1, live=True),
    ] = 0.9  # fmt: skip
    eps: Epsilon = 1e-6


class RMSprop(WeightDecayOptimizer, frozen=True, kw_only=True, tag="rmsprop"):
    """Steps divided by the recent size of the gradient (Hinton 2012).

    Formula: s ← αs + (1 − α)g²,  w ← w − lr · g ∕ (√s + eps)
    Use: recurrent networks and reinforcement learning, where the size of gradients changes.
    Pitfall: the first steps are up to 1 ∕ √(1 − α) = 10 times lr, because s starts at zero: the
      loss may jump. Lower lr, or warm up.
    Source: torch.optim.RMSprop
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 1e-2
    alpha: Annotated[
        float,
        knob("Decay rate of the running average of the squared gradient", ge=0, lt=1, live=True),
    ] = 0.99
    momentum: Momentum = 0.0
    eps: Epsilon = 1e-8
    centered: Annotated[
        bool, knob("Divide by the standard deviation of the gradient, not by its size", live=True)
    ] = False


class AdamOptimizer(WeightDecayOptimizer, frozen=True, kw_only=True):
    """An optimizer with running averages of the gradient and of its square."""

    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8


class Adam(AdamOptimizer, frozen=True, kw_only=True, tag="adam"):
    """Momentum and a step size for each weight, from running averages (Kingma, Ba 2014).

    Formula: m ← β₁m + (1 − β₁)g,  s ← β₂s + (1 − β₂)g²,
      w ← w − lr · m̂ ∕ (√ŝ + eps),  m̂ and ŝ corrected for their start at zero
    Use: the default for almost everything; lr = 1e-3 often works at once.
    Pitfall: its weight decay is part of the gradient, where the division cancels most of it;
      to decay weights, use AdamW.
    Source: torch.optim.Adam
    """

    is_elementwise: ClassVar[bool] = True

    amsgrad: Amsgrad = False


class AdamW(AdamOptimizer, frozen=True, kw_only=True, tag="adamw"):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2017).

    Formula: w ← w − lr · λw − lr · m̂ ∕ (√ŝ + eps),  m̂ and ŝ as in Adam
    Use: transformers, and wherever Adam is used with weight decay.
    Pitfall: the decay is multiplied by lr: halving lr halves it too, and 0.01 has little effect in
      a short run.
    Source: torch.optim.AdamW
    """

    is_elementwise: ClassVar[bool] = True

    weight_decay: WeightDecay = 1e-2
    amsgrad: Amsgrad = False


class NAdam(AdamOptimizer, frozen=True, kw_only=True, tag="nadam"):
    """Adam with Nesterov momentum (Dozat 2016).

    Formula: as Adam, with μ₁m + (1 − μ₀)g in place of m;  μ(t) = β₁ (1 − ½ · 0.96^(t · decay))
    Use: where Adam works but is slow along narrow valleys; recurrent networks.
    Pitfall: its momentum grows from β₁ ∕ 2 over thousands of steps, so short and long runs behave
      differently.
    Source: torch.optim.NAdam
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 2e-3
    momentum_decay: Annotated[
        float, knob("How fast the momentum grows to its final value", ge=0, le=1, live=True,
                    log=True),
    ] = 4e-3  # fmt: skip
    decoupled_weight_decay: Decoupled = False


class RAdam(AdamOptimizer, frozen=True, kw_only=True, tag="radam"):
    """Adam that starts as momentum until its variance estimate is reliable (Liu et al. 2019).

    Formula: plain momentum while the variance of s is unknown (about 5 steps at β₂ = 0.999),
      then Adam times a factor r that grows from 0 to 1
    Use: instead of Adam with warm-up.
    Pitfall: its first few steps are not normalized and are large where gradients are large; if the
      loss jumps in the first five steps, clip the gradient or warm up anyway.
    Source: torch.optim.RAdam
    """

    is_elementwise: ClassVar[bool] = True

    decoupled_weight_decay: Decoupled = False


class Adamax(AdamOptimizer, frozen=True, kw_only=True, tag="adamax"):
    """Adam with the largest recent gradient in place of the mean square (Kingma, Ba 2014).

    Formula: m ← β₁m + (1 − β₁)g,  u ← max(β₂u, |g| + eps),  w ← w − lr ∕ (1 − β₁ᵗ) · m ∕ u
    Use: sparse inputs such as words, where the mean square forgets a rare large gradient.
    Pitfall: one outlier shrinks the steps of its weight for about 1 ∕ (1 − β₂) = 1000 steps.
    Source: torch.optim.Adamax
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 2e-3


class Adafactor(WeightDecayOptimizer, frozen=True, kw_only=True, tag="adafactor"):
    """Adam's step sizes from row and column means only: hardly any memory (Shazeer, Stern 2018).

    Formula: s ≈ R Cᵀ ∕ mean(R), with R and C running means of the rows and columns of g²,
      w ← w − max(eps, rms(w)) · min(lr, 1 ∕ √t) · u,  u = g ∕ √s cut to a size of d
    Use: large networks whose optimizer does not fit into memory: a matrix [n, m] needs n + m
      numbers more, not 2nm.
    Pitfall: steps are relative to the size of the weights and shrink with 1 ∕ √t by themselves; it
      has no momentum.
    Source: torch.optim.Adafactor
    """

    lr: LearningRate = 1e-2
    beta2_decay: Annotated[
        float, knob("Exponent of the decay rate of the running means, 1 − t^this", ge=-1, le=0,
                    live=True),
    ] = -0.8  # fmt: skip
    eps: Annotated[
        float, knob("Smallest size of the weights that steps are relative to", gt=0, le=1,
                    live=True, log=True),
    ] = 1e-3  # fmt: skip
    d: Annotated[float, knob("Largest size of an update before the step size", ge=1, le=1000,
                             live=True)] = 1.0  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"eps": (None, self.eps)}  # none: the machine epsilon


class ASGD(WeightDecayOptimizer, frozen=True, kw_only=True, tag="asgd"):
    """SGD with a decaying step size, made for averaging its weights (Polyak, Juditsky 1992).

    Formula: w ← w − η (g + λw) − η · lambd · w,  η = lr ∕ (1 + lambd · lr · t)^alpha
    Use: convex problems and small models, together with an average of the weights:
      averaging.name = "ema" or "swa".
    Pitfall: the weights that are evaluated are not averaged unless averaging is on; with its
      defaults η hardly decays in a short run.
    Source: torch.optim.ASGD
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 1e-2
    lambd: Annotated[
        float, knob("Strength of the decay of weights and step size", ge=0, le=1, live=True,
                    log=True),
    ] = 1e-4  # fmt: skip
    alpha: Annotated[
        float, knob("Exponent of the decay of the step size", ge=0, le=2, live=True)
    ] = 0.75


class Rprop(Optimizer, frozen=True, kw_only=True, tag="rprop"):
    """Steps from the sign of the gradient alone, of a size for each weight (Riedmiller 1993).

    Formula: Δ ← Δ · eta_plus where g keeps its sign, Δ · eta_minus where it changes;
      w ← w − sign(g) · Δ
    Use: small networks with the whole training set as one batch (batch_size = 0).
    Pitfall: with small batches signs change by chance and all steps shrink to nothing. lr is only
      the first step size: a schedule does not change it.
    Source: torch.optim.Rprop
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 1e-2
    eta_minus: Annotated[
        float, knob("Factor of a step size where the sign changes", gt=0, lt=1, live=True)
    ] = 0.5
    eta_plus: Annotated[
        float, knob("Factor of a step size where the sign stays", gt=1, le=10, live=True)
    ] = 1.2
    min_step: Annotated[float, knob("Smallest step size", gt=0, le=1, live=True, log=True)] = 1e-6
    max_step: Annotated[float, knob("Largest step size", gt=0, le=1e4, live=True, log=True)] = 50.0

    def arguments(self) -> dict[str, Any]:
        etas, sizes = (self.eta_minus, self.eta_plus), (self.min_step, self.max_step)
        return {"lr": self.lr, "etas": etas, "step_sizes": sizes}


class ScheduleFreeAdamW(AdamOptimizer, frozen=True, kw_only=True, tag="schedule_free_adamw"):
    """AdamW that averages its weights and needs no schedule (Defazio et al. 2024).

    Formula: y = (1 − β₁) z + β₁ x,  z ← z − lr · (g(y) ∕ (√ŝ + eps) + λy),  x ← mean of all z
      y is trained, x is evaluated and saved
    Use: instead of AdamW with a decaying schedule, where the length of the run is not known; with
      schedule.name = "constant" and an lr 1 to 10 times that of AdamW.
    Pitfall: the training loss is that of y and is higher than that of x; another schedule on top
      works against the average.
    Source: the library schedulefree; arXiv 2405.15682
    """

    lr: LearningRate = 2.5e-3
    warmup_steps: Annotated[
        int, knob("Steps over which the learning rate grows from zero", ge=0, le=1_000_000)
    ] = 0

    averages_weights: ClassVar[bool] = True

    def arguments(self) -> dict[str, Any]:
        # The library computes x from y and z by dividing by β₁.
        return super().arguments() | {"betas": (max(self.betas[0], 1e-3), self.betas[1])}


class Lion(WeightDecayOptimizer, frozen=True, kw_only=True, tag="lion"):
    """Steps of equal size for every weight, along the sign of the momentum (Chen et al. 2023).

    Formula: w ← w − lr · (sign(β₁m + (1 − β₁)g) + λw),  m ← β₂m + (1 − β₂)g
    Use: large networks and large batches, with half of Adam's memory.
    Pitfall: steps do not shrink with the gradient: use an lr 3 to 10 times smaller than for AdamW,
      a λ larger by the same factor, and decay lr to the end, or it never settles.
    Source: arXiv 2302.06675, algorithm 2
    """

    is_elementwise: ClassVar[bool] = True

    lr: LearningRate = 1e-4
    betas: Betas = (0.9, 0.99)


class Muon(WeightDecayOptimizer, frozen=True, kw_only=True, tag="muon"):
    """Orthogonalized momentum for the matrices of hidden layers (Jordan 2024).

    Formula: B ← μB + (1 − μ)g,  w ← w − lr · (λw + scale · U Vᵀ),  U S Vᵀ = B
    Use: the matrices of hidden layers. Kernels, embeddings, biases, norms and the last layer are
      updated by AdamW, at lr · adamw_lr.
    Pitfall: a network of two small layers has at most one hidden matrix: there it is mostly AdamW.
      Its lr has another scale than Adam's: about 0.02 with `original`.
    Source: torch.optim.Muon; kellerjordan.github.io/posts/muon
    """

    lr: LearningRate = 2e-2
    weight_decay: WeightDecay = 0.1
    momentum: Momentum = 0.95
    nesterov: Nesterov = True
    ns_steps: Annotated[
        int, knob("Newton–Schulz iterations that orthogonalize the update", ge=1, le=99,
                  live=True),
    ] = 5  # fmt: skip
    adjust_lr_fn: Annotated[
        Literal["original", "match_rms_adamw"],
        knob("How the learning rate depends on the shape of the matrix", live=True),
    ] = "original"
    adamw_lr: Annotated[
        float,
        knob("Learning rate of AdamW for all other parameters, as a multiple of lr", gt=0, le=1000,
             live=True, log=True),
    ] = 0.05  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        arguments = super().arguments()
        del arguments["adamw_lr"]
        return arguments


class LBFGS(Optimizer, frozen=True, kw_only=True, tag="lbfgs"):
    """A quasi-Newton method: steps from a quadratic model of the loss (Liu, Nocedal 1989).

    Formula: w ← w − lr · H g,  H ≈ the inverse Hessian, from the last few steps
    Use: small networks with the whole training set as one batch (batch_size = 0): few, long
      and exact steps.
    Pitfall: with small batches it models the noise, and the loss diverges. Each step evaluates the
      loss max_iter times or more, so dropout misleads it too.
    Source: torch.optim.LBFGS
    """

    lr: LearningRate = 1.0
    max_iter: Annotated[int, knob("Iterations in one step", ge=1, le=1000, live=True, log=True)] = (
        20
    )
    history_size: Annotated[
        int, knob("Past steps that estimate the inverse Hessian", ge=1, le=1000, live=True,
                  log=True),
    ] = 100  # fmt: skip
    line_search_fn: Annotated[
        Literal["strong_wolfe", "none"],
        knob("Line search for the length of each step", live=True),
    ] = "strong_wolfe"

    needs_closure: ClassVar[bool] = True

    def arguments(self) -> dict[str, Any]:
        max_eval = self.max_iter * 5 // 4  # torch's default, which a live max_iter would not move
        line_search = None if self.line_search_fn == "none" else self.line_search_fn
        return super().arguments() | {"max_eval": max_eval, "line_search_fn": line_search}


class LearnerOptimizer(Optimizer, frozen=True, kw_only=True, tag="own"):
    """Your own optimizer, from the exercise `optimizers`.

    Formula: the result of your function; its other arguments have the defaults that you gave them
    Use: after the exercise has passed, to see your own code train a network.
    Pitfall: it updates one parameter tensor at a time, about ten times slower than torch's.
    Source: optimizers.py in your exercises folder; it must pass again after every change
    """

    lr: LearningRate = 1e-2
    step: Annotated[
        Literal["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"],
        knob("Your function that computes the step"),
    ] = "adam"


OPTIMIZERS = tagged_classes(globals(), Optimizer)
"""Every optimizer that a file can name."""

if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer = Union[OPTIMIZERS]  # noqa: UP007 (msgspec reads the members at run time)
