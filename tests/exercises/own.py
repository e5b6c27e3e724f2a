"""A learner who has passed an exercise."""

from tuilab.exercises import exercise, folder


def passed(name: str, source: str = "") -> None:
    """Put the reference, or another text, where the learner's file is, as one that passed."""
    file = folder.write_stub(name)
    file.write_text(source or exercise.find(name).reference)
    folder.remember(name, file.read_text())
