"""How `--help` shows arguments and options, and how errors in their use are worded."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer._click.shell_completion import CompletionItem
from typer.core import TyperCommand, TyperGroup

from tuilab.cli import completion
from tuilab.cli.short_form import expand_short_form

Function = TypeVar("Function", bound=Callable[..., Any])

BOUNDS = {"greater_than_equal": "≥", "greater_than": ">", "less_than_equal": "≤", "less_than": "<"}
"""Signs of the types of bounds of pydantic, with which Typer checks values."""

KINDS = {"int_parsing": "a whole number", "int_from_float": "a whole number",
         "float_parsing": "a number", "bool_parsing": "true or false"}  # fmt: skip
"""What pydantic expected, by its types of errors."""

MESSAGES = {
    r"^Missing \w+ '(.*)'$": r"\1 is missing",
    r"^Got unexpected extra argument\(s\) \((.*)\)$": r"too many words: \1",
    r"^Option '(.*)' requires an argument$": r"\1 needs a value",
    r"^No such (option|command):? '?([^' ]*)'?": r"there is no \1 \2",
    r" \(Possible options: (.*)\)$": r"; possible: \1",
    r"\. Did you mean '(.*)'\?$": r"; possible: \1",
}
"""Typer's messages, and what is said instead."""


class LabCommand(TyperCommand):
    """A command whose usage reads as in a manual: `FILE...`, `[RUN]`, without types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Returns `FILE...` for Typer's `{FILE}...`, and `[FILE...]` for `[FILE]...`."""
        pieces = super().collect_usage_pieces(ctx)
        return [re.sub(r"\](\.\.\.)$", r"\1]", re.sub(r"[{}]", "", piece)) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the arguments and the options without their types, which the help says."""
        for heading, kind in (("Arguments", "argument"), ("Options", "option")):
            params = [param for param in self.get_params(ctx) if param.param_type_name == kind]
            records = [record for param in params if (record := param.get_help_record(ctx))]
            rows = [(re.sub(r" <[^>]*>", "", name), _reword(text)) for name, text in records]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def _reword(text: str) -> str:
    """Returns a help text with `at least 2` for Typer's `x>=2`, and without `[required]`."""
    return re.sub(r" *\[required\]", "", re.sub(r"x>=(\S+)\]", r"at least \1]", text))


class Commands(typer.Typer):
    """A group of commands of the class above."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        """Declares a command."""
        return super().command(name, **{"cls": LabCommand, **options})


LIST = "list"
"""The command of a `ListGroup` that is meant where none is named."""


class ListGroup(TyperGroup):
    """A group of commands that lists something where no command is named."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the arguments and the options of the list, and the other commands."""
        self.commands[LIST].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class LabGroup(TyperGroup):
    """The commands of `tuilab`; any other first word is a preset or a file to open."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        """Parses the arguments, in the short form as well."""
        return super().make_context(info_name, expand_short_form(args), *rest, **extra)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Completes the first word: a command, or a preset or a file to open."""
        offers = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return offers
        names = completion.complete_experiments(incomplete)
        return offers + [
            CompletionItem(name, help=text) for name, text in names if name.startswith(incomplete)
        ]


def describe_usage_error(error: typer.TyperException) -> str:
    """Returns what is wrong with the words of a command line, in the user's words."""
    details: list[Any] = getattr(error.__cause__, "errors", list)()  # of pydantic
    if isinstance(error, typer.BadParameter) and error.param is not None and details:
        return _describe_value(error.param.get_error_hint().strip("'"), details[0])
    text = error.format_message().rstrip(".")
    for pattern, words in MESSAGES.items():
        text = re.sub(pattern, words, text)
    return text


def _describe_value(name: str, details: dict[str, Any]) -> str:
    """Returns the sentence on a value of the wrong type or out of its bounds."""
    kind, bounds = details["type"], details.get("ctx", {})
    if kind in BOUNDS:
        expected = f"a number {BOUNDS[kind]} {next(iter(bounds.values()))}"
    else:
        expected = KINDS.get(kind, details["msg"])
    return f"{name} {details['input']}: expected {expected}"
