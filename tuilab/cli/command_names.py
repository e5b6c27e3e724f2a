"""The names of the commands, for those who must know them before Typer is loaded."""

COMMANDS = (
    "open", "train", "find", "validate", "export", "presets", "check", "layers", "explain",
    "devices", "share", "notify", "ps", "attach", "stop", "runs", "compare", "queue", "diagnose",
    "snapshots", "lessons", "glossary",
)  # fmt: skip
"""Names of all commands; any other first word is a preset or a file."""
