"""Fixtures of links and hosts, which all end with the test."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.support.link_watcher import LinkWatcher
from tuilab.host import discovery
from tuilab.host.link import Link, train_in_process


@pytest.fixture
def watch() -> Iterator[Callable[[Link], LinkWatcher]]:
    """Watches links, which are closed after the test."""
    watchers: list[LinkWatcher] = []

    def start(link: Link) -> LinkWatcher:
        watchers.append(LinkWatcher(link))
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.close()


@pytest.fixture
def lab(watch: Callable[[Link], LinkWatcher]) -> LinkWatcher:
    """A client of a worker in this process."""
    return watch(train_in_process())


@pytest.fixture
def hosts() -> Iterator[None]:
    """Kills the hosts that a test leaves running."""
    yield
    for host in discovery.list_hosts():
        with contextlib.suppress(ProcessLookupError):
            os.kill(host.pid, signal.SIGKILL)
