"""Links that are gone after each test, and no host left behind."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.support.link_watcher import LinkWatcher
from tuilab.host import discovery, link


@pytest.fixture
def watch() -> Iterator[Callable[[link.Link], LinkWatcher]]:
    """Watch through a link that is closed after the test."""
    watchers: list[LinkWatcher] = []

    def begin(end: link.Link) -> LinkWatcher:
        watchers.append(LinkWatcher(end))
        return watchers[-1]

    yield begin
    for watcher in watchers:
        watcher.close()


@pytest.fixture
def lab(watch: Callable[[link.Link], LinkWatcher]) -> LinkWatcher:
    """A worker in this process."""
    return watch(link.train_in_process())


@pytest.fixture
def hosts() -> Iterator[None]:
    """Whatever hosts a test leaves are killed."""
    yield
    for host in discovery.list_hosts():
        with contextlib.suppress(ProcessLookupError):
            os.kill(host.pid, signal.SIGKILL)
