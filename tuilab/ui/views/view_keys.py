"""The keys of views: bindings that are all listed under `inside`."""

from functools import partial

from textual.binding import Binding


def view_key(
    keys: str, action: str, label: str, name: str, tooltip: str, *, show: bool = True,
    key_display: str | None = None, group: Binding.Group | None = None,
) -> Binding:  # fmt: skip
    """Builds a binding of a view.

    Args:
        name: identifies it among those of all views.
    """
    return Binding(
        keys, action, label, show, key_display, id=f"inside.{name}", tooltip=tooltip, group=group
    )


hidden_key = partial(view_key, show=False)
"""Builds a binding that the key bar does not show."""
