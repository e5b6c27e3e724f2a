"""The registry that decorators fill."""

import pytest

from tuilab.engine.registry import Registry


@pytest.fixture
def registry() -> Registry[type, str]:
    return Registry("source")


def test_an_entry_is_found_under_each_of_its_keys(registry: Registry[type, str]) -> None:
    assert registry.register(int, float)("numbers") == "numbers"

    assert registry[int] == registry[float] == registry.get(int) == "numbers"
    assert list(registry) == [int, float]
    assert int in registry and str not in registry and registry.get(str) is None


def test_a_missing_entry_names_the_decorator(registry: Registry[type, str]) -> None:
    with pytest.raises(LookupError, match=r"nothing is marked @source\(str\)"):
        registry[str]


def test_a_second_entry_for_a_key_is_refused(registry: Registry[type, str]) -> None:
    registry.register(int)("first")

    with pytest.raises(ValueError, match=r"@source\(int\) is used twice"):
        registry.register(int)("second")
