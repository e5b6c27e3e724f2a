"""What is measured, by name: one line on each, and which of them come first."""

HELP = {
    "loss": "What training follows down; on held-back examples without smoothing and weights",
    "accuracy": "Share of right answers",
    "majority": "Accuracy of always naming the most frequent class: the least to beat",
    "top_5": "Share of examples whose class is among the five likeliest",
    "precision": "Of what was taken for a class, the share that is it; mean, or the second of two",
    "recall": "Of what is of a class, the share that was found; mean, or the second of two",
    "f1": "Harmonic mean of precision and recall of a class; mean, or the second of two",
    "auroc": "Chance that an example of a class is ranked above one of another",
    "ece": "Calibration error: how far certainty is from the share of right answers",
    "worst_class": "Share of right answers in the class that is told worst (worst-group accuracy)",
    "worst_group": "Accuracy (or mean absolute error) in the group of examples that fares worst",
    "perplexity": "Among how many equally likely tokens the network still has to choose",
    "r2": "Share of the variance of the targets that is explained; 0: no better than the mean",
    "mae": "Mean absolute error, in units of the target",
    "rmse": "Root of the mean squared error, in units of the target",
    "reconstruction_error": "Mean squared error of what an autoencoder gives back",
    "explained": "Share of the spread about the mean input that is given back; 0: always the mean",
    "modes": "Clouds of the data that the generator draws, a tenth of its fair share at least",
    "good": "Share of drawn points that lie within three standard deviations of a cloud",
    "diversity": "Spread of what the generator draws, as a part of that of the examples",
    "told_apart": "Share of real and drawn examples that the discriminator tells apart; ½: none",
    "discriminator_loss": "What the discriminator follows down",
    "reconstruction": "The part of a variational loss that says how unlike the input the output is",
    "kl": "The part of a variational loss that keeps codes near N(0, 1), in nats an example",
    "penalty": "What L1 and L2 add to the loss",
}
"""Every name under which the engine tells a number of a run."""

SECONDARY = (
    "precision",
    "recall",
    "ece",
    "worst_class",
    "worst_group",
    "top_5",
    "rmse",
    "discriminator_loss",
)
"""What is left out where there is room for few numbers."""

GROUP = "group "
"""What the name of a single group's score begins with."""

MOST = 5
"""Numbers in a line for people."""


def headline(values: dict[str, float], most: int = MOST) -> dict[str, float]:
    """The task's metric, the loss, and the next important of what was measured."""
    names = [
        name
        for name in values
        if name != "loss" and name not in SECONDARY and not name.startswith(GROUP)
    ]
    first, rest = names[:1], names[1:]
    loss = ["loss"] if "loss" in values else []
    return {name: values[name] for name in (*first, *loss, *rest)[:most]}
