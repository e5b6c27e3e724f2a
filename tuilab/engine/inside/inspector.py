"""Answers the views: looks at a session between two batches and leaves it as it was."""

import time
from importlib import import_module
from typing import Any

from msgspec import structs

from tuilab.engine.session import Session
from tuilab.lab.inside.view import Wanted
from tuilab.lab.inside.views import AnySeen


class Inspector:
    """What looks at one session; each kind of eye is made when it is first needed.

    An eye is a class with a method `look`; it may keep what it has computed from one look to the
    next, and should take no longer than a twentieth of a second for each.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._eyes: dict[type[Wanted], Any] = {}

    def look(self, wanted: Wanted) -> AnySeen:
        """What one view is to show."""
        kind = type(wanted)
        if kind not in self._eyes:
            name = kind.__name__.removesuffix("Wanted")
            module = import_module(f"tuilab.engine.inside.{name.lower()}")
            self._eyes[kind] = getattr(module, f"{name}Eye")(self._session)
        begun = time.perf_counter()
        seen: AnySeen = self._eyes[kind].look(wanted)
        return structs.replace(seen, cost=time.perf_counter() - begun)
