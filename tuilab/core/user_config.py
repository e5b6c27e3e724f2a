"""The user's own settings, in `config.toml`: what no experiment file may decide.

A command of the user is run from here and from nowhere else.
"""

from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.knobs import convert


class NotifyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the user is notified, besides in the terminal."""

    command: str | tuple[str, ...] = ()
    "A program with its arguments; a text is a line for the shell."
    webhook: str = ""
    "An address that gets the alert as JSON by POST."
    after: Annotated[float, Meta(ge=0)] = 60.0
    "Seconds of training from which on a run notifies of its end without being asked to."

    @property
    def is_empty(self) -> bool:
        """Whether nothing is configured."""
        return not self.command and not self.webhook


class UserConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of the user."""

    notify: NotifyConfig = msgspec.field(default_factory=NotifyConfig)


def load_config() -> UserConfig:
    """Reads the user's settings; the defaults where there is no file.

    Raises:
        InputError: with file, line and key.
    """
    path = paths.config_file()
    if not path.exists():
        return UserConfig()
    text = toml_file.read_text(path)
    tables = toml_file.parse_toml(text, path)
    try:
        config: UserConfig = convert(tables, UserConfig, "")
        _check_notify(config.notify)
    except InputError as error:
        raise error.within(toml_file.locate(path, text, error)) from None
    return config


def _check_notify(notify: NotifyConfig) -> None:
    """Raises InputError for what can never work."""
    words: Any = notify.command
    if words and not "".join(words).strip():
        raise InputError("it is empty; remove it, or name a program", "notify.command")
    if "\0" in "".join(words):
        raise InputError("a command cannot contain a zero byte", "notify.command")
    if not notify.webhook:
        return
    try:
        address = urlsplit(notify.webhook)
        is_good = address.scheme in ("http", "https") and bool(address.hostname)
        _ = address.port  # raises ValueError where it is not a number
    except ValueError:
        is_good = False
    if not is_good or not notify.webhook.isprintable() or " " in notify.webhook:
        problem = "this is not an address such as https://ntfy.sh/my-runs; http and https work"
        raise InputError(problem, "notify.webhook")
