"""The short form: `tuilab`, `tuilab NAME` and `tuilab --in-process` mean `tuilab open ...`."""

from collections.abc import Sequence

from tuilab.cli.command_names import COMMANDS

APP_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")
"""Options of `tuilab` itself, without a command."""

DEFAULT_PRESET = "spiral"
"""What is opened where nothing is named."""


def is_short_form(arguments: Sequence[str]) -> bool:
    """Returns whether the command `open` is left out."""
    first = arguments[0] if arguments else ""
    return first not in COMMANDS and not first.startswith(APP_OPTIONS)


def expand_short_form(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments with the command `open` where it is left out."""
    return ["open", *arguments] if arguments and is_short_form(arguments) else list(arguments)
