"""A learner who has passed an exercise."""

from tuilab.core.exercises import exercise, learner_files


def passed(name: str, source: str = "") -> None:
    """Put the reference, or another text, where the learner's file is, as one that passed."""
    file = learner_files.write_stub(name)
    file.write_text(source or exercise.find(name).reference)
    learner_files.remember(name, file.read_text())
