"""The names of the files in a run's folder."""

from pathlib import Path

EXPERIMENT = "experiment.toml"
LOG = "events.jsonl"
LABELS = "labels.json"
"""The name, the tags and the note that the user gave the run."""

CHECKPOINT = "checkpoint.pt"
PREVIOUS_CHECKPOINT = "checkpoint.previous.pt"
"""The one before, for when the newest is damaged."""

WEIGHTS = "weights.safetensors"
"""The weights alone, of a run whose last checkpoint could not be written."""

SNAPSHOTS = "snapshots"
"""The folder of the earlier states of a run."""


def find_checkpoint(folder: Path) -> Path | None:
    """Returns the path of a run's checkpoint if there is one, of either generation."""
    has_any = any((folder / name).exists() for name in (CHECKPOINT, PREVIOUS_CHECKPOINT))
    return folder / CHECKPOINT if has_any else None
