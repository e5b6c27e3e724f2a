"""What a shell offers: asked as bash, zsh and fish ask, with the words as they split them."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tuilab.cli import main
from tuilab.host import run_store

RUN = "spiral-7f3a"


@pytest.fixture
def stored_run() -> str:
    """The id of a stored run that has ended."""
    folder = run_store.run_dir(RUN)
    folder.mkdir(parents=True)
    (folder / run_store.LOG).touch()
    (folder / run_store.EXPERIMENT).write_text('[optimizer]\nname = "sgd"\nlr = 0.5\n')
    return RUN


class Shell:
    """A shell that asks for completions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def ask(self, shell: str, **variables: str) -> list[str]:
        self._monkeypatch.setenv("_TUILAB_COMPLETE", f"complete_{shell}")
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            main.run([])
        return self._capsys.readouterr().out.splitlines()

    def bash(self, *words: str) -> list[str]:
        """Returns the completions of the last word; bash splits words at `=` and `:`."""
        return self.ask("bash", COMP_WORDS="\n".join(words), COMP_CWORD=str(len(words) - 1))

    def fish(self, text: str) -> dict[str, str]:
        """Returns the completions at the end of a line, with their help."""
        variables = {"_TYPER_COMPLETE_ARGS": text, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        lines = self.ask("fish", **variables)
        return {word: text for word, _, text in (line.partition("\t") for line in lines)}

    def zsh(self, text: str) -> str:
        return "\n".join(self.ask("zsh", _TYPER_COMPLETE_ARGS=text))


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell without an answer yet."""
    return Shell(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("line", "completion"),
    [
        ("tuilab tr", "train"),
        ("tuilab spi", "spiral"),
        ("tuilab --in-process moo", "moons"),
        ("tuilab train spi", "spiral"),
        ("tuilab open fashion-mnist-c", "fashion-mnist-cnn"),
        ("tuilab layers Batch", "BatchNorm1d"),
        ("tuilab explain train", "training"),
        ("tuilab glossary moment", "momentum"),
        ("tuilab find ba", "batch_size"),
        ("tuilab lessons open perc", "perceptron"),
        ("tuilab train spiral --device cp", "cpu"),
        ("tuilab validate spiral --set optimizer.weight_decay_", "optimizer.weight_decay_on=all"),
        ("tuilab spiral --set data.no", "data.noise="),
        ("tuilab spiral --set tit", "title="),
        ("tuilab spiral --set network", "network[0]="),
    ],
)
def test_every_shell_completes_a_word(shell: Shell, line: str, completion: str) -> None:
    assert completion in shell.bash(*line.split())
    assert completion in shell.fish(line)
    assert f'"{completion}"' in shell.zsh(line)


def test_the_keys_are_those_of_the_chosen_experiment(shell: Shell) -> None:
    assert "data.arms=" in shell.fish("tuilab train spiral --set data.")
    assert "data.arms=" not in shell.fish("tuilab train xor --set data.")
    assert "data.arms=" in shell.fish("tuilab train xor --set data.name=spiral --set data.")
    assert "data.arms=" in shell.fish("tuilab train --set data.")
    assert set(shell.fish("tuilab train xor --set no.such")) <= {""}


def test_a_single_key_is_offered_with_its_value_and_help(shell: Shell) -> None:
    ((word, text),) = shell.fish("tuilab train spiral --set optimizer.lr").items()
    assert word.startswith("optimizer.lr=0.0")
    assert text.startswith("Step size")


def test_choices_are_offered_after_the_equals_sign(shell: Shell) -> None:
    offers = shell.fish("tuilab train spiral --set optimizer.name=ad")
    names = ("adagrad", "adadelta", "adafactor", "adam", "adamax", "adamw")
    assert set(offers) == {f"optimizer.name={name}" for name in names}
    assert offers["optimizer.name=adam"].startswith("Momentum and a step size for each weight")
    assert set(shell.fish("tuilab train spiral --set data.normalize=")) == {
        "data.normalize=true", "data.normalize=false"
    }  # fmt: skip
    assert "training.device=cpu" in shell.fish("tuilab train spiral --set training.device=")


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        (("--set", "optimizer.name", "=", "adag"), ["adagrad"]),
        (("--set", "data.normalize", "="), ["true", "false"]),
        (("--set", "=", "optimizer.name", "=", "adag"), ["adagrad"]),
        (("--set", "=", "optimizer.nam"), [f"optimizer.name={name}" for name in ("sgd", "own")]),
        (("--set", "seed", "=", "1", "--set", "optimizer.name", "=", "adag"), ["adagrad"]),
    ],
)
def test_bash_gets_the_end_of_a_word_that_it_has_split(
    shell: Shell, words: tuple[str, ...], completions: list[str]
) -> None:
    offers = shell.bash("tuilab", "train", "spiral", *words)
    assert set(completions) <= set(offers)
    assert all(offer.startswith(completions[0][:4]) or len(offers) > 1 for offer in offers)


def test_ended_runs_are_completed_where_a_command_takes_them(shell: Shell, stored_run: str) -> None:
    for command in ("attach", "diagnose", "export", "train --resume"):
        assert stored_run in shell.fish(f"tuilab {command} spi"), command
    assert stored_run not in shell.fish("tuilab stop spi")


def test_the_keys_of_a_resumed_run_are_its_own(shell: Shell, stored_run: str) -> None:
    words = f"tuilab train --resume {stored_run} --set optimizer.lr"
    assert list(shell.fish(words)) == ["optimizer.lr=0.5"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_for_bash_completes(tmp_path: Path) -> None:
    tuilab = tmp_path / "tuilab"
    tuilab.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tuilab "$@"\n')
    tuilab.chmod(0o755)
    script = (
        f'eval "$(_TUILAB_COMPLETE=source_bash {tuilab})"\n'
        "COMP_WORDS=(tuilab train spiral --set optimizer.name = adag); COMP_CWORD=6\n"
        f"_tuilab_completion {tuilab}\n"
        'echo "<${COMPREPLY[*]}>"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("<adagrad>\n", "")
