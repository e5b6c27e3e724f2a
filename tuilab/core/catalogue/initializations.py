"""Where the weights begin, by name, with PyTorch's arguments.

In the formulas n is the number of inputs of a unit (fan in) and m the number of units that an
input reaches (fan out). Norms, positions and class tokens always keep PyTorch's own beginning.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Struct

from tuilab.core.experiment.knobs import knob

Spread = Annotated[float, knob("Spread of the values (standard deviation)", ge=0, le=100, log=True)]
Nonlinearity = Annotated[
    Literal["auto", "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"],
    knob("For which activation the gain is; `auto` looks at what follows each layer"),
]
Mode = Annotated[
    Literal["fan_in", "fan_out"], knob("Whether the signal or its gradient keeps its size")
]


class Initialization(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="weights"
):
    """What every way to begin has."""

    bias: Annotated[
        Literal["default", "zeros"], knob("Where the biases begin; `default` is PyTorch's own")
    ] = "default"

    follows_fan: ClassVar[bool] = True
    """Whether the size of a layer decides the spread.

    Then embeddings, whose inputs are single rows, keep their N(0, 1), and the square matrices
    by which a recurrent layer hears itself are orthogonal.
    """


class Default(Initialization, frozen=True, kw_only=True, tag="default"):
    """PyTorch's own for each layer.

    Formula: Linear and convolutions: U(−1 ∕ √n, 1 ∕ √n), weights and biases; Embedding: N(0, 1)
    Use: networks of a few layers, and with norms between the layers.
    Pitfall: the spread is 0.58 ∕ √n, too small for ReLU: after 30 layers without norms the signal
      has a size of 10⁻¹² and nothing is learned.
    Source: reset_parameters of each torch.nn class
    """


class XavierUniform(Initialization, frozen=True, kw_only=True, tag="xavier_uniform"):
    """Keeps the size of the signal through Tanh; evenly spread (Glorot, Bengio 2010).

    Formula: U(−a, a),  a = gain · √(6 ∕ (n + m))
    Use: Tanh and Sigmoid networks, attention, and layers without an activation.
    Pitfall: before ReLU, which drops one half, the signal shrinks by √2 a layer: take kaiming, or
      nonlinearity = "relu".
    Source: torch.nn.init.xavier_uniform_
    """

    nonlinearity: Nonlinearity = "linear"


class XavierNormal(Initialization, frozen=True, kw_only=True, tag="xavier_normal"):
    """Keeps the size of the signal through Tanh; bell-shaped (Glorot, Bengio 2010).

    Formula: N(0, σ²),  σ = gain · √(2 ∕ (n + m))
    Use: as xavier_uniform; the form of the distribution hardly matters.
    Pitfall: through many Tanh layers at gain 1 the signal slowly fades: nonlinearity = "tanh"
      takes 5 ∕ 3.
    Source: torch.nn.init.xavier_normal_
    """

    nonlinearity: Nonlinearity = "linear"


class KaimingUniform(Initialization, frozen=True, kw_only=True, tag="kaiming_uniform"):
    """Keeps the size of the signal through ReLU; evenly spread (He et al. 2015).

    Formula: U(−a, a),  a = gain · √(3 ∕ n);  m for n with fan_out
    Use: ReLU and its relatives, deep networks without norms.
    Pitfall: the last layer, with no ReLU after it, starts √2 too large, and the first loss is high:
      "auto" gives it gain 1.
    Source: torch.nn.init.kaiming_uniform_
    """

    mode: Mode = "fan_in"
    nonlinearity: Nonlinearity = "relu"


class KaimingNormal(Initialization, frozen=True, kw_only=True, tag="kaiming_normal"):
    """Keeps the size of the signal through ReLU; bell-shaped (He et al. 2015).

    Formula: N(0, σ²),  σ = gain ∕ √n;  m for n with fan_out
    Use: ReLU and its relatives, deep networks without norms; fan_out for ResNets.
    Pitfall: in residual blocks every branch adds its own signal, and the sum grows with depth:
      put norms into the branches.
    Source: torch.nn.init.kaiming_normal_
    """

    mode: Mode = "fan_in"
    nonlinearity: Nonlinearity = "relu"


class LecunUniform(Initialization, frozen=True, kw_only=True, tag="lecun_uniform"):
    """Keeps the size of the signal where no activation changes it; evenly spread (LeCun 1998).

    Formula: U(−a, a),  a = √(3 ∕ n)
    Use: SELU networks, and layers without an activation.
    Pitfall: too small for ReLU, which needs √2 times as much.
    Source: LeCun et al., Efficient BackProp, section 4.6; kaiming_uniform_ with "linear"
    """


class LecunNormal(Initialization, frozen=True, kw_only=True, tag="lecun_normal"):
    """Keeps the size of the signal where no activation changes it; bell-shaped (LeCun 1998).

    Formula: N(0, σ²),  σ = 1 ∕ √n
    Use: SELU networks: only with it do they normalize themselves (Klambauer et al. 2017).
    Pitfall: PyTorch's gain for SELU, 0.75, is another one: with it the signal fades with depth.
    Source: LeCun et al., Efficient BackProp, section 4.6; kaiming_normal_ with "linear"
    """


class Orthogonal(Initialization, frozen=True, kw_only=True, tag="orthogonal"):
    """Matrices that only turn the signal: none of its directions grows or fades (Saxe 2013).

    Formula: W Wᵀ = gain² · 1 (or Wᵀ W, whichever is smaller), from the QR of a random matrix
    Use: very deep and recurrent networks.
    Pitfall: activations still shrink the signal; for ReLU set gain to √2 ≈ 1.414.
    Source: torch.nn.init.orthogonal_
    """

    gain: Annotated[float, knob("What the matrix is multiplied by", gt=0, le=100, log=True)] = 1.0


class TruncatedNormal(Initialization, frozen=True, kw_only=True, tag="truncated_normal"):
    """Bell-shaped with the spread `std`, drawn again beyond 2 · std.

    Formula: N(0, std²) within −2 std … 2 std, which leaves a spread of 0.88 · std
    Use: transformers, with std 0.02.
    Pitfall: PyTorch's trunc_normal_ cuts at a = −2 and b = 2, whatever std is: at 0.02 that cuts
      nothing. Here it cuts at two std.
    Source: torch.nn.init.trunc_normal_ with a = −2 std, b = 2 std
    """

    std: Spread = 0.02

    follows_fan: ClassVar[bool] = False


class Normal(Initialization, frozen=True, kw_only=True, tag="normal"):
    """Bell-shaped with the spread `std`, whatever the size of the layer.

    Formula: N(0, std²)
    Use: to see how a wrong spread makes signals fade or explode.
    Pitfall: 0.01 is too small for every network of more than a few layers: gradients vanish.
    Source: torch.nn.init.normal_
    """

    std: Spread = 0.01

    follows_fan: ClassVar[bool] = False


class Uniform(Initialization, frozen=True, kw_only=True, tag="uniform"):
    """Evenly spread from −bound to bound, whatever the size of the layer.

    Formula: U(−bound, bound), with a spread of 0.58 · bound
    Use: to see how a wrong spread makes signals fade or explode.
    Pitfall: a bound that suits one layer is wrong for a wider one.
    Source: torch.nn.init.uniform_ with a = −bound, b = bound
    """

    bound: Annotated[float, knob("The largest value", ge=0, le=100, log=True)] = 0.1

    follows_fan: ClassVar[bool] = False


class Constant(Initialization, frozen=True, kw_only=True, tag="constant"):
    """The same number everywhere, so that units never become different.

    Formula: w = value
    Use: to see symmetry: all units of a layer get the same gradient and stay copies of one.
    Pitfall: it looks as if it learned, but no better than with one unit a layer.
    Source: torch.nn.init.constant_
    """

    value: Annotated[float, knob("What every weight is", ge=-100, le=100)] = 0.1

    follows_fan: ClassVar[bool] = False


class Zeros(Initialization, frozen=True, kw_only=True, tag="zeros"):
    """All zero: no signal, no gradient but for the last bias.

    Formula: w = 0
    Use: to see symmetry at its worst; a network of a single layer learns well from it.
    Pitfall: with hidden layers only the last bias learns: the answer is the most common class.
    Source: torch.nn.init.zeros_
    """

    follows_fan: ClassVar[bool] = False


class Sparse(Initialization, frozen=True, kw_only=True, tag="sparse"):
    """Most weights are zero, the others bell-shaped (Martens 2010).

    Formula: in each column a part `sparsity` is 0, the rest is N(0, std²)
    Use: Hessian-free and second-order methods: units begin as different as can be.
    Pitfall: the zeros are only a beginning: they learn like all others. The std has to suit the
      few inputs that are left.
    Source: torch.nn.init.sparse_
    """

    sparsity: Annotated[float, knob("Part of each column that is zero", ge=0, le=1)] = 0.9
    std: Spread = 0.1

    follows_fan: ClassVar[bool] = False


class LSUV(Initialization, frozen=True, kw_only=True, tag="lsuv"):
    """Measured, not computed: each layer is scaled until its output has spread 1 (Mishkin 2015).

    Formula: W orthogonal, then W ← W ∕ std(output) on a batch, layer by layer, until
      |std − 1| ≤ tolerance
    Use: deep networks of any make: activations that no formula knows, many kinds of layers.
    Pitfall: it is as good as the batch that it measures; units that are always 0 have no spread
      to scale, and the lab tells which layers could not be brought there.
    Source: arXiv 1511.06422 (Mishkin, Matas: All you need is a good init)
    """

    tolerance: Annotated[
        float, knob("How far from 1 the spread may stay", gt=0, lt=1, log=True)
    ] = 0.1
    max_iterations: Annotated[
        int, knob("Measurements of each layer at most", ge=1, le=1000, log=True)
    ] = 10


AnyInitialization = (
    Default | XavierUniform | XavierNormal | KaimingUniform | KaimingNormal | LecunUniform
    | LecunNormal | Orthogonal | TruncatedNormal | Normal | Uniform | Constant | Zeros | Sparse
    | LSUV
)  # fmt: skip
"""Every way to begin by its name in a file."""
