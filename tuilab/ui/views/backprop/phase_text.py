"""What happens in each phase of a training step: one sentence, and the formula."""

from tuilab.core.protocol.inspect.backprop_messages import Phase
from tuilab.ui.canvas.draw_style import DrawStyle

ACTIVATIONS = {
    "ReLU": ("a = max(0, z)", "f′(z) = 1 where z > 0, else 0"),
    "LeakyReLU": ("a = z, or slope·z below zero", "f′(z) = 1 where z > 0, else the slope"),
    "PReLU": ("a = z, or w·z below zero", "f′(z) = 1 where z > 0, else w"),
    "Tanh": ("a = tanh(z)", "f′(z) = 1 − a²"),
    "Sigmoid": ("a = 1 ∕ (1 + e^−z)", "f′(z) = a·(1 − a)"),
    "SiLU": ("a = z·σ(z)", "f′(z) = σ(z) + a·(1 − σ(z))"),
    "Softplus": ("a = log(1 + e^z)", "f′(z) = σ(z)"),
    "Step": ("a = 1 where z ≥ 0, else 0", "f′(z) = 0 everywhere"),
    **dict.fromkeys(("GELU", "ELU", "CELU", "SELU", "Mish", "Hardswish"),
                    ("a = f(z)", "f′ is its slope")),
    "ReLU6": ("a = z, but at least 0 and at most 6", "f′(z) = 1 between 0 and 6, else 0"),
    "Hardtanh": ("a = z, but at least the minimum and at most the maximum",
                 "f′(z) = 1 between them, else 0"),
    "Hardsigmoid": ("a = z ∕ 6 + ½, but at least 0 and at most 1",
                    "f′(z) = 1 ∕ 6 between −3 and 3, else 0"),
    "Softsign": ("a = z ∕ (1 + |z|)", "f′(z) = 1 ∕ (1 + |z|)²"),
    "LogSigmoid": ("a = −log(1 + e^−z)", "f′(z) = 1 − σ(z)"),
}  # fmt: skip

ATTENTION = ("MultiheadAttention", "SelfAttention", "CausalAttention")

FORWARD = {
    "Linear": "Each unit sums its weighted inputs and adds its bias: z = a·Wᵀ + b",
    "Conv1d": "Each kernel slides over all positions: z = Σ w·a over the window, + b",
    "Conv2d": "Each kernel slides over all positions of the image: z = Σ w·a over the patch, + b",
    "ConvTranspose2d": "Each value is multiplied by the kernels, and what overlaps is added: "
                       "z = Σ w·a, + b",
    "Dropout": "Random values become 0, the others grow by 1 ∕ (1 − p): out = mask ⊙ in",
    "BatchNorm1d": "Each feature is normalized over the batch: "
                   "out = γ·(in − mean) ∕ √(var + ε) + β",
    "LayerNorm": "Each example is normalized by itself: out = γ·(in − mean) ∕ √(var + ε) + β",
    "RMSNorm": "Each example is divided by its own size: out = γ·in ∕ √(mean(in²) + ε)",
    "MaxPool2d": "Keeps the largest value of each patch.",
    "AvgPool2d": "Keeps the mean of each patch.",
    "Flatten": "The same values in one row.",
    "Unflatten": "The same values in another shape.",
    "Transpose": "The same values with rows and columns swapped.",
    "Embedding": "Each token is looked up: out = the row of W with its number.",
    "PositionalEncoding": "The vector of its position is added to each token: out = in + position",
    "Residual": "The input is added to the output of the block: out = inside(in) + in",
    "Parallel": "The outputs of all branches are joined.",
    "Softmax": "Turns all values into probabilities that sum to 1: out = e^in ∕ Σ e^in",
    "LogSoftmax": "Turns all values into log probabilities: out = in − log Σ e^in",
    "RNN": "Position by position: h = tanh(W·a + U·previous h + b); shown as a whole.",
    "LSTM": "Position by position, gates decide what the cell forgets, stores and outputs.",
    "GRU": "Position by position, gates mix the previous state with a new one.",
    "GraphConvolution": "Each node mixes its neighbors, then weighs them: z = A·a·Wᵀ + b",
    "Reparameterization": "The code is sampled: out = mean + e^(log variance ∕ 2)·noise",
    **dict.fromkeys(ATTENTION, "Each position collects from the others: softmax(q·kᵀ ∕ √d)·v"),
}  # fmt: skip

SIMILAR_KINDS = {
    "BatchNorm2d": "BatchNorm1d", "BatchNorm3d": "BatchNorm1d", "MaxPool1d": "MaxPool2d",
    "MaxPool3d": "MaxPool2d", "AvgPool1d": "AvgPool2d", "AvgPool3d": "AvgPool2d",
    "ConvTranspose1d": "ConvTranspose2d", "ConvTranspose3d": "ConvTranspose2d",
    "Dropout1d": "Dropout", "Dropout2d": "Dropout", "Dropout3d": "Dropout",
    "AlphaDropout": "Dropout",
    "DropConnect": "Linear", "NonDynamicallyQuantizableLinear": "Linear",
}  # fmt: skip
"""Layers with the text of another one."""

TO_WEIGHTS = {
    "Linear": "The gradient of each unit times its inputs, summed over the batch: "
              "dL/dW = dL/dzᵀ·a, dL/db = Σ dL/dz",
    "Conv2d": "Summed over all positions and the batch: dL/dW = Σ dL/dz·patch, dL/db = Σ dL/dz",
    "Embedding": "Only the rows of tokens that were looked up get a gradient: the sum of dL/dout",
}  # fmt: skip

TO_INPUT = {
    "Linear": "Each unit sends its gradient back along its weights: dL/da = dL/dz·W",
    "Conv2d": "Each position sends its gradient back through the kernels: dL/da = Σ w·dL/dz",
    "Dropout": "The same mask as in the forward pass: dL/din = mask ⊙ dL/dout",
    "MaxPool2d": "Only the largest value of each patch gets the gradient.",
    "Flatten": "The same gradients in the shape of the input.",
    "Unflatten": "The same gradients in the shape of the input.",
    "Residual": "The gradient goes both ways: into the block, and past it.",
    "Parallel": "Each branch gets its part; the gradients that they send back are added.",
}  # fmt: skip

LOSSES = {
    "CrossEntropy": "L = −log p of the correct class, p = softmax(z). The backward pass begins: "
                    "dL/dz = (p − y) ∕ n",
    "BCE": "L = −log p of the correct answer, p = σ(z). The backward pass begins: "
           "dL/dz = (p − y) ∕ n",
    "MSE": "L = mean of (z − y)². The backward pass begins: dL/dz = 2·(z − y) ∕ n",
    "L1": "L = mean of |z − y|. The backward pass begins: the sign of z − y, ∕ n",
}  # fmt: skip

OPTIMIZERS = {
    "SGD": "Against the gradient, with the momentum of earlier steps: "
           "v ← μ·v + g + λ·w, w ← w − lr·v",
    "RMSprop": "Each gradient is divided by its typical size: "
               "v ← α·v + (1 − α)·g², w ← w − lr·g ∕ (√v + ε)",
    "Adam": "A running mean, divided by its size (both start at zero and are corrected for it): "
            "m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w − lr·m ∕ (√v + ε)",
    "AdamW": "Like Adam, with weight decay applied to the weights directly: "
             "m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w − lr·m ∕ (√v + ε) − lr·λ·w",
}  # fmt: skip


def describe_phase(phase: Phase) -> str:
    """Returns a sentence about what happens in a phase."""
    kind = SIMILAR_KINDS.get(phase.kind, phase.kind)
    match phase.part:
        case "batch":
            return (
                "The next batch is taken. All its examples pass through together; "
                "the numbers are those of one example."
            )
        case "forward":
            if kind in ACTIVATIONS:
                return f"Element by element: {ACTIVATIONS[kind][0]}"
            layer = phase.kind or "The layer"
            return FORWARD.get(kind, f"{layer} computes its output from its input.")
        case "loss":
            return LOSSES.get(
                kind, "One number measures how wrong the outputs are. The backward pass begins."
            )
        case "backward":
            return _describe_backward(phase, kind)
        case "optimizer":
            rule = f"{phase.kind} updates the weights by its own rule; shown is the whole update."
            return OPTIMIZERS.get(phase.kind, rule)
        case "weights":
            return "All parameters have been updated; the next batch meets the new ones."


def _describe_backward(phase: Phase, kind: str) -> str:
    if phase.gradient_of == "weights":
        rule = f"How the loss changes with each parameter of {phase.label}, over the batch: dL/dw"
        return TO_WEIGHTS.get(kind, rule)
    if kind in ACTIVATIONS:
        slope = ACTIVATIONS[kind][1]
        return f"Times the slope at z: dL/dz = dL/da ⊙ f′(z), {slope}"
    return TO_INPUT.get(kind, f"The chain rule through {phase.kind}: dL/din from dL/dout")


def spell_formula(text: str, style: DrawStyle) -> str:
    """Returns a formula with the signs of mathematics, as far as the terminal shows them."""
    return style.spell(text.replace("*", "·").replace("f'", "f′"))
