"""The installed version of tuilab."""

from functools import cache


@cache
def installed_version() -> str:
    """Returns the version of tuilab, such as `0.3.0`."""
    from importlib.metadata import version  # slow: it loads the email package

    return version("tuilab")
