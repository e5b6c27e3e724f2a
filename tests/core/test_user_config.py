"""The user's own settings: read with clear errors, and from one file only."""

from pathlib import Path

import pytest

from tests.support.shell import RunCommand
from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.user_config import NotifyConfig, load_config


def write(text: str) -> Path:
    path = paths.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_nothing_is_set(home: Path) -> None:
    assert paths.config_file() == home / "config.toml"
    assert load_config().notify == NotifyConfig() and load_config().notify.is_empty


def test_it_is_in_the_folder_of_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TUILAB_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert paths.config_file() == tmp_path / "tuilab" / "config.toml"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('command = "notify-send tuilab $TUILAB_TEXT"', "notify-send tuilab $TUILAB_TEXT"),
        ('command = ["notify-send", "tuilab"]', ("notify-send", "tuilab")),
    ],
)
def test_a_command_is_a_line_or_a_list_of_words(text: str, command: object) -> None:
    write(f'[notify]\n{text}\nwebhook = "http://localhost:8080/x"\nafter = 5\n')

    assert load_config().notify == NotifyConfig(
        command=command,  # type: ignore[arg-type]
        webhook="http://localhost:8080/x",
        after=5,
    )


REFUSED = {
    '[notify]\n\ncomand = "x"': r'config.toml:3: notify: there is no key "comand".*"command"',
    "[notfy]": 'config.toml:1: there is no key "notfy".*"notify"',
    "[notify]\ncommand = 5": "config.toml:2: notify.command: expected",
    '[notify]\ncommand = ["a", 1]': "config.toml:2: notify.command.*expected text",
    '[notify]\ncommand = " "': "config.toml:2: notify.command: it is empty",
    '[notify]\nwebhook = "file:///etc/passwd"': "config.toml:2: notify.webhook.*http and https",
    '[notify]\nwebhook = "ntfy.sh/mine"': "config.toml:2: notify.webhook: this is not an address",
    '[notify]\nwebhook = "https://"': "notify.webhook",
    '[notify]\nwebhook = "http://a:b/"': "notify.webhook",
    '[notify]\nwebhook = "http://a/ b"': "notify.webhook",
    "[notify]\nafter = -1": "config.toml:2: notify.after: expected a number ≥ 0",
    "[notify\n": "config.toml:1: this is not TOML",
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.items())
def test_an_error_names_the_line(text: str, problem: str) -> None:
    write(text)

    with pytest.raises(InputError, match=problem):
        load_config()


def test_an_experiment_cannot_set_a_command(run_command: RunCommand, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('format = 1\n[notify]\ncommand = "touch /tmp/x"\n')

    code, _, err = run_command("train", str(path))

    assert code == 2 and 'there is no key "notify"' in err
