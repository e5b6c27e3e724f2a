"""Weight initializations, with PyTorch's arguments.

In the formulas n is the number of inputs of a unit (fan in) and m the number of units that an
input reaches (fan out). Norms, positions and class tokens always keep PyTorch's initialization.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Union

from msgspec import Struct

from tuilab.core.catalogue.tags import tagged_classes
from tuilab.core.experiment.knobs import knob

StandardDeviation = Annotated[
    float, knob("Standard deviation of the values", ge=0, le=100, log=True)
]
Nonlinearity = Annotated[
    Literal["auto", "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"],
    knob("Activation that the gain is for; `auto` uses the one that follows each layer"),
]
Mode = Annotated[
    Literal["fan_in", "fan_out"],
    knob("Whether to preserve the variance of activations or of gradients"),
]


class Initialization(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="weights"
):
    """The base class of all initializations."""

    bias: Annotated[Literal["default", "zeros"], knob("Initial biases; `default` is PyTorch's")] = (
        "default"
    )

    follows_fan: ClassVar[bool] = True
    """Whether the standard deviation depends on the size of the layer.

    Then embeddings, whose inputs select single rows, keep their N(0, 1), and the square
    hidden-to-hidden matrices of recurrent layers are orthogonal.
    """


class Default(Initialization, frozen=True, kw_only=True, tag="default"):
    """PyTorch's default for each layer.

    Formula: Linear and convolutions: U(−1 ∕ √n, 1 ∕ √n), weights and biases; Embedding: N(0, 1)
    Use: networks of a few layers, or with norms between the layers.
    Pitfall: the standard deviation is 0.58 ∕ √n, too small for ReLU: after 30 layers without norms
      activations shrink to 10⁻¹² and nothing is learned.
    Source: reset_parameters of each torch.nn class
    """


class XavierUniform(Initialization, frozen=True, kw_only=True, tag="xavier_uniform"):
    """Uniform; preserves the variance of activations through Tanh (Glorot, Bengio 2010).

    Formula: U(−a, a),  a = gain · √(6 ∕ (n + m))
    Use: Tanh and Sigmoid networks, attention, and layers without an activation.
    Pitfall: before ReLU, which zeroes one half, activations shrink by √2 per layer: use kaiming, or
      nonlinearity = "relu".
    Source: torch.nn.init.xavier_uniform_
    """

    nonlinearity: Nonlinearity = "linear"


class XavierNormal(Initialization, frozen=True, kw_only=True, tag="xavier_normal"):
    """Normal; preserves the variance of activations through Tanh (Glorot, Bengio 2010).

    Formula: N(0, σ²),  σ = gain · √(2 ∕ (n + m))
    Use: like xavier_uniform; the shape of the distribution hardly matters.
    Pitfall: through many Tanh layers with gain 1 activations slowly vanish: nonlinearity = "tanh"
      uses 5 ∕ 3.
    Source: torch.nn.init.xavier_normal_
    """

    nonlinearity: Nonlinearity = "linear"


class KaimingUniform(Initialization, frozen=True, kw_only=True, tag="kaiming_uniform"):
    """Uniform; preserves the variance of activations through ReLU (He et al. 2015).

    Formula: U(−a, a),  a = gain · √(3 ∕ n);  m for n with fan_out
    Use: ReLU and its variants, deep networks without norms.
    Pitfall: the last layer, with no ReLU after it, starts √2 too large, and the first loss is high:
      "auto" gives it gain 1. Through tens of layers of SiLU, GELU, Mish or Hardswish no gain holds
      the size: most examples shrink and a few grow; put norms between the layers.
    Source: torch.nn.init.kaiming_uniform_
    """

    mode: Mode = "fan_in"
    nonlinearity: Nonlinearity = "relu"


class KaimingNormal(Initialization, frozen=True, kw_only=True, tag="kaiming_normal"):
    """Normal; preserves the variance of activations through ReLU (He et al. 2015).

    Formula: N(0, σ²),  σ = gain ∕ √n;  m for n with fan_out
    Use: ReLU and its variants, deep networks without norms; fan_out for ResNets.
    Pitfall: in residual networks the sum of the branches grows with depth: put norms into the
      branches.
    Source: torch.nn.init.kaiming_normal_
    """

    mode: Mode = "fan_in"
    nonlinearity: Nonlinearity = "relu"


class LecunUniform(Initialization, frozen=True, kw_only=True, tag="lecun_uniform"):
    """Uniform; preserves the variance of activations in linear layers (LeCun 1998).

    Formula: U(−a, a),  a = √(3 ∕ n)
    Use: SELU networks, and layers without an activation.
    Pitfall: too small for ReLU, which needs values √2 times as large.
    Source: LeCun et al., Efficient BackProp, section 4.6; kaiming_uniform_ with "linear"
    """


class LecunNormal(Initialization, frozen=True, kw_only=True, tag="lecun_normal"):
    """Normal; preserves the variance of activations in linear layers (LeCun 1998).

    Formula: N(0, σ²),  σ = 1 ∕ √n
    Use: SELU networks, which are self-normalizing only with it (Klambauer et al. 2017).
    Pitfall: PyTorch's gain for SELU, 0.75, differs: with it activations vanish with depth.
    Source: LeCun et al., Efficient BackProp, section 4.6; kaiming_normal_ with "linear"
    """


class Orthogonal(Initialization, frozen=True, kw_only=True, tag="orthogonal"):
    """Orthogonal matrices: they rotate activations without changing their length (Saxe 2013).

    Formula: W Wᵀ = gain² · 1 (or Wᵀ W, whichever is smaller), from the QR of a random matrix
    Use: very deep and recurrent networks.
    Pitfall: nonlinearities still shrink activations; for ReLU set gain to √2 ≈ 1.414.
    Source: torch.nn.init.orthogonal_
    """

    gain: Annotated[float, knob("Factor of the orthogonal matrix", gt=0, le=100, log=True)] = 1.0


class TruncatedNormal(Initialization, frozen=True, kw_only=True, tag="truncated_normal"):
    """Normal, truncated at two standard deviations.

    Formula: N(0, std²) within −2 std … 2 std, whose standard deviation is 0.88 · std
    Use: transformers, with std 0.02.
    Pitfall: PyTorch's trunc_normal_ truncates at a = −2 and b = 2 for any std: with 0.02 that
      truncates nothing. Here the limits are two std.
    Source: torch.nn.init.trunc_normal_ with a = −2 std, b = 2 std
    """

    std: StandardDeviation = 0.02

    follows_fan: ClassVar[bool] = False


class Normal(Initialization, frozen=True, kw_only=True, tag="normal"):
    """Normal with a fixed standard deviation, for layers of any size.

    Formula: N(0, std²)
    Use: to see how a wrong standard deviation makes activations vanish or explode.
    Pitfall: 0.01 is too small for every network of more than a few layers: gradients vanish.
    Source: torch.nn.init.normal_
    """

    std: StandardDeviation = 0.01

    follows_fan: ClassVar[bool] = False


class Uniform(Initialization, frozen=True, kw_only=True, tag="uniform"):
    """Uniform from −bound to bound, for layers of any size.

    Formula: U(−bound, bound), with a standard deviation of 0.58 · bound
    Use: to see how a wrong standard deviation makes activations vanish or explode.
    Pitfall: a bound that suits one layer is wrong for a wider one.
    Source: torch.nn.init.uniform_ with a = −bound, b = bound
    """

    bound: Annotated[float, knob("Largest value", ge=0, le=100, log=True)] = 0.1

    follows_fan: ClassVar[bool] = False


class Constant(Initialization, frozen=True, kw_only=True, tag="constant"):
    """The same value everywhere, so that all units stay identical.

    Formula: w = value
    Use: to see symmetry: all units of a layer get the same gradient and stay copies of one.
    Pitfall: the loss falls, but no further than with one unit per layer.
    Source: torch.nn.init.constant_
    """

    value: Annotated[float, knob("Value of every weight", ge=-100, le=100)] = 0.1

    follows_fan: ClassVar[bool] = False


class Zeros(Initialization, frozen=True, kw_only=True, tag="zeros"):
    """All zero: no activation and no gradient except that of the last bias.

    Formula: w = 0
    Use: to see the extreme case of symmetry; a network of a single layer trains well from it.
    Pitfall: with hidden layers only the last bias is trained: the prediction is the majority class.
    Source: torch.nn.init.zeros_
    """

    follows_fan: ClassVar[bool] = False


class Sparse(Initialization, frozen=True, kw_only=True, tag="sparse"):
    """Most weights are zero, the others normal (Martens 2010).

    Formula: in each column the fraction `sparsity` is 0, the rest is N(0, std²)
    Use: Hessian-free and second-order methods: units start as different as possible.
    Pitfall: the zeros are trained like all other weights. The std must fit the few inputs that
      remain.
    Source: torch.nn.init.sparse_
    """

    sparsity: Annotated[float, knob("Fraction of each column that is zero", ge=0, le=1)] = 0.9
    std: StandardDeviation = 0.1

    follows_fan: ClassVar[bool] = False


class LSUV(Initialization, frozen=True, kw_only=True, tag="lsuv"):
    """Layer-sequential unit variance: scaled until each output has variance 1 (Mishkin 2015).

    Formula: W orthogonal, then W ← W ∕ std(output) on a batch, layer by layer, until
      |std − 1| ≤ tolerance
    Use: deep networks with any activations and layers, also where no formula is known.
    Pitfall: it is only as good as the batch that it measures; layers whose output is always 0 have
      no variance to scale, and the log names the layers that did not reach it.
    Source: arXiv 1511.06422 (Mishkin, Matas: All you need is a good init)
    """

    tolerance: Annotated[
        float, knob("Allowed deviation of the standard deviation from 1", gt=0, lt=1, log=True)
    ] = 0.1
    max_iterations: Annotated[
        int, knob("Maximum number of measurements per layer", ge=1, le=1000, log=True)
    ] = 10


INITIALIZATIONS = tagged_classes(globals(), Initialization)
"""Every initialization that a file can name."""

if TYPE_CHECKING:
    AnyInitialization = Initialization
else:
    AnyInitialization = Union[INITIALIZATIONS]  # noqa: UP007 (msgspec reads the members at run time)
