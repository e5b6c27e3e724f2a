"""What happens in each phase of a training step: one sentence, and the formula."""

from tuilab.core.protocol.inspect.backprop_messages import Phase
from tuilab.ui.terminal.glyphs import glyphs

PLAIN = str.maketrans({
    "→": "->", "←": "<-", "·": "*", "⊙": "*", "ᵀ": "^T", "−": "-", "′": "'", "Σ": "sum ",
    "√": "sqrt", "λ": "lambda", "μ": "mu", "α": "alpha", "β": "beta", "γ": "gamma", "ε": "eps",
    "²": "^2", "σ": "sigma", "×": "x", "₁": "1", "₂": "2", "▸": ">", "…": "~", "≥": ">=", "∕": "/",
})  # fmt: skip
"""How formulas are written where there is only ASCII."""

ACTIVATIONS = {
    "ReLU": ("a = max(0, z)", "f′(z) = 1 where z > 0, else 0"),
    "LeakyReLU": ("a = z, or slope·z below zero", "f′(z) = 1 where z > 0, else the slope"),
    "PReLU": ("a = z, or w·z below zero", "f′(z) = 1 where z > 0, else w"),
    "Tanh": ("a = tanh(z)", "f′(z) = 1 − a²"),
    "Sigmoid": ("a = 1 ∕ (1 + e^−z)", "f′(z) = a·(1 − a)"),
    "SiLU": ("a = z·σ(z)", "f′(z) = σ(z) + a·(1 − σ(z))"),
    "Softplus": ("a = log(1 + e^z)", "f′(z) = σ(z)"),
    "Step": ("a = 1 where z ≥ 0, else 0", "f′(z) = 0 everywhere"),
    **dict.fromkeys(("GELU", "ELU", "SELU", "Mish", "Hardswish"), ("a = f(z)", "f′ its slope")),
}  # fmt: skip

ATTENTION = ("MultiheadAttention", "SelfAttention", "CausalAttention")

FORWARD = {
    "Linear": "Every unit weighs all that comes in and adds its bias: z = a·Wᵀ + b",
    "Conv1d": "Each kernel is laid on every place: z = Σ w·a over the window, + b",
    "Conv2d": "Each kernel is laid on every place of the picture: z = Σ w·a over the patch, + b",
    "ConvTranspose2d": "Each number is spread out through the kernels: z = Σ w·a, + b",
    "Dropout": "By chance some numbers become 0, the others grow by 1 ∕ (1 − p): out = mask ⊙ in",
    "BatchNorm1d": "Each feature by the batch's own mean and spread: "
                   "out = γ·(in − mean) ∕ √(var + ε) + β",
    "LayerNorm": "Each example by its own mean and spread: out = γ·(in − mean) ∕ √(var + ε) + β",
    "RMSNorm": "Each example by its own size: out = γ·in ∕ √(mean(in²) + ε)",
    "MaxPool2d": "Of every patch the largest number goes on.",
    "AvgPool2d": "Of every patch the mean goes on.",
    "Flatten": "The same numbers, laid in one row.",
    "Unflatten": "The same numbers, laid out in another shape.",
    "Transpose": "The same numbers, rows and columns swapped.",
    "Embedding": "Every token is looked up: out = the row of W with its number.",
    "Residual": "What came in is added to what the block made of it: out = inside(in) + in",
    "Parallel": "The outputs of all branches stand side by side.",
    "Softmax": "All become chances that sum to 1: out = e^in ∕ Σ e^in",
    "LogSoftmax": "All become logarithms of chances: out = in − log Σ e^in",
    "RNN": "Position by position: h = tanh(W·a + U·h before + b); shown as a whole.",
    "LSTM": "Position by position, gates decide what the cell keeps, takes and tells.",
    "GRU": "Position by position, gates mix the state before with a new one.",
    "GraphConvolution": "Every node takes in its neighbours, then weighs: z = A·a·Wᵀ + b",
    "Reparameterization": "The code is drawn: out = mean + e^(log variance ∕ 2)·chance",
    **dict.fromkeys(ATTENTION, "Every position takes from the others: softmax(q·kᵀ ∕ √d)·v"),
}  # fmt: skip

LIKE = {
    "BatchNorm2d": "BatchNorm1d", "MaxPool1d": "MaxPool2d", "AvgPool1d": "AvgPool2d",
    "Dropout1d": "Dropout", "Dropout2d": "Dropout", "AlphaDropout": "Dropout",
    "DropConnect": "Linear", "NonDynamicallyQuantizableLinear": "Linear",
}  # fmt: skip

TO_WEIGHTS = {
    "Linear": "What came back to a unit, times what went in, summed over the batch: "
              "dL/dW = dL/dzᵀ·a, dL/db = Σ dL/dz",
    "Conv2d": "Summed over all places and the batch: dL/dW = Σ dL/dz·patch, dL/db = Σ dL/dz",
    "Embedding": "Only the rows of tokens that were looked up get a gradient: the sum of dL/dout",
}  # fmt: skip

TO_INPUT = {
    "Linear": "Every unit sends its gradient back along its weights: dL/da = dL/dz·W",
    "Conv2d": "Every place sends its gradient back through the kernels: dL/da = Σ w·dL/dz",
    "Dropout": "The same mask as on the way forward: dL/din = mask ⊙ dL/dout",
    "MaxPool2d": "Only the largest number of each patch gets the gradient.",
    "Flatten": "The same gradients, laid out as before.",
    "Unflatten": "The same gradients, laid out as before.",
    "Residual": "The sum lets the gradient through both ways: into the block, and past it.",
    "Parallel": "Every branch gets its part; what they send back adds up.",
}  # fmt: skip

LOSSES = {
    "CrossEntropy": "L = −log p of the right class, p = softmax(z). The way back begins: "
                    "dL/dz = (p − y) ∕ n",
    "BCE": "L = −log p of the right answer, p = σ(z). The way back begins: dL/dz = (p − y) ∕ n",
    "MSE": "L = mean of (z − y)². The way back begins: dL/dz = 2·(z − y) ∕ n",
    "L1": "L = mean of |z − y|. The way back begins: the sign of z − y, ∕ n",
}  # fmt: skip

OPTIMIZERS = {
    "SGD": "Against the gradient, with the momentum of steps before: "
           "v ← μ·v + g + λ·w, w ← w − lr·v",
    "RMSprop": "Each weight by the size of its own gradients: "
               "v ← α·v + (1 − α)·g², w ← w − lr·g ∕ (√v + ε)",
    "Adam": "A running mean, divided by its size (both begin at zero and are corrected for it): "
            "m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w − lr·m ∕ (√v + ε)",
    "AdamW": "As Adam; the decay pulls the weights directly: "
             "m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w − lr·m ∕ (√v + ε) − lr·λ·w",
}  # fmt: skip


def sentence(phase: Phase) -> str:
    """What happens here."""
    kind = LIKE.get(phase.kind, phase.kind)
    match phase.part:
        case "batch":
            return (
                "The next batch is taken. All its examples go through together; "
                "the numbers are those of one."
            )
        case "forward":
            if kind in ACTIVATIONS:
                return f"Each number by itself: {ACTIVATIONS[kind][0]}"
            return FORWARD.get(kind, f"{phase.kind or 'The layer'} makes its output of its input.")
        case "loss":
            return LOSSES.get(
                kind, "One number says how wrong the outputs are. The way back begins."
            )
        case "backward":
            return _back(phase, kind)
        case "optimizer":
            whole = f"{phase.kind} moves the weights by its own rule; shown is the move as a whole."
            return OPTIMIZERS.get(phase.kind, whole)
        case "weights":
            return "All parameters have moved; the next batch meets the new ones."


def _back(phase: Phase, kind: str) -> str:
    if phase.towards == "weights":
        rule = f"How the loss changes with each parameter of {phase.label}, over the batch: dL/dw"
        return TO_WEIGHTS.get(kind, rule)
    if kind in ACTIVATIONS:
        slope = ACTIVATIONS[kind][1]
        return f"Times the slope where it stood: dL/dz = dL/da ⊙ f′(z), {slope}"
    return TO_INPUT.get(kind, f"The chain rule through {phase.kind}: dL/din of dL/dout")


def spoken(text: str) -> str:
    """Text in the signs that the terminal has."""
    if glyphs() == "ascii":
        return text.translate(PLAIN)
    return text.replace("*", "·").replace("f'", "f′")
