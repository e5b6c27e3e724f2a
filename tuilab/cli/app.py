"""The commands as Typer declares them: arguments, help, examples; the rooms do the work."""

from pathlib import Path
from typing import Annotated

import typer

from tuilab.cli import exit_codes, options
from tuilab.cli.lessons import courses
from tuilab.cli.options import Device, ExperimentName, JsonLine, Plain, RunName, Sets, example
from tuilab.cli.reference import lists
from tuilab.core.errors import InputError

app = typer.Typer(
    help="A training lab for neural networks in the terminal.",
    epilog=example(
        "tuilab                  open the lab",
        "tuilab spiral           open a preset",
        "tuilab train spiral     train without the lab",
    ),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(words: list[str]) -> int:
    """Run one command; the exit code."""
    try:
        return int(app(words, prog_name="tuilab", standalone_mode=False) or exit_codes.DONE)
    except typer.TyperException as error:
        command = f"tuilab {words[0]}" if words and words[0] in exit_codes.COMMANDS else "tuilab"
        problem = error.format_message().rstrip(".")
        return exit_codes.complain(f"{problem}. See {command} --help", exit_codes.BAD_INPUT)
    except typer.Abort:
        return exit_codes.INTERRUPTED


@app.callback(invoke_without_command=True)
def tuilab(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Say the version; everything else is a command."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"tuilab {installed('tuilab')}")
        raise typer.Exit


@app.command(
    "open",
    epilog=example("tuilab", "tuilab spiral", "tuilab open mine.toml --set data.root=~/data"),
)
def open_command(
    experiment: ExperimentName = "",
    sets: Sets = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Train in this process, without a host of its own.")
    ] = False,
    plain: Plain = False,
) -> int:
    """Open the lab.

    With a preset or a file; without one, with the spiral.
    """
    from tuilab.cli.open import open_lab

    return open_lab(experiment, sets or [], in_process=in_process, plain=plain)


@app.command(
    epilog=example(
        "tuilab train spiral --set optimizer.lr=0.02 --set training.epochs=20",
        "tuilab train mine.toml --set 'network[1]=\"Dropout 0.2\"' --device cuda --json",
        "tuilab train --resume spiral-4e2b --set training.epochs=300",
    )
)
def train(
    experiment: ExperimentName = "",
    sets: Sets = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="RUN",
            help="Go on with a stored run from its checkpoint.",
            autocompletion=options.stored,
            show_default=False,
        ),
    ] = "",
    device: Device = "",
    json: Annotated[
        bool,
        typer.Option("--json", help="Print every event as one line of JSON, and nothing else."),
    ] = False,
    plain: Plain = False,
) -> int:
    """Train without the lab.

    It shows a progress bar on a terminal, else plain lines. Ctrl-C stops cleanly with a
    checkpoint, a second one at once. Exit codes: 0 done, 1 the run failed, 2 bad usage or input,
    130 interrupted.
    """
    from tuilab.cli import train

    if bool(experiment) == bool(resume):
        raise InputError("say what to train: a preset, a file, or --resume RUN")
    shown = train.output(json=json, plain=plain)
    return train.run(experiment or resume, sets or [], device, shown, resume=bool(resume))


@app.command(epilog=example("tuilab find lr spiral", "tuilab find batch_size fashion-mnist-cnn"))
def find(
    what: Annotated[
        str, typer.Argument(metavar="lr|batch_size", help="What to look for.", show_default=False)
    ],
    experiment: ExperimentName,
    sets: Sets = None,
    device: Device = "",
    json: JsonLine = False,
) -> None:
    """Look for a good learning rate or batch size.

    It trains a little, from the weights that the experiment begins with, for ten seconds at most.
    """
    if what not in ("lr", "batch_size"):
        raise InputError("say what to look for: lr or batch_size", what)
    from tuilab.cli import study

    study.find("lr" if what == "lr" else "batch_size", experiment, sets or [], device, json=json)


@app.command(
    epilog=example("tuilab validate moons --folds 10", "tuilab validate moons --repeats 5")
)
def validate(
    experiment: ExperimentName,
    sets: Sets = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts, each of which is held back once.")] = 5,
    repeats: Annotated[
        int, typer.Option(min=0, help="Hold back so many random parts instead.")
    ] = 0,
    device: Device = "",
    json: JsonLine = False,
) -> None:
    """Cross-validate: train on other parts of the examples each time, and show the spread.

    The test examples stay untouched.
    """
    from tuilab.cli import study

    study.validate(experiment, sets or [], device, folds, repeats, json=json)


@app.command(epilog=example("tuilab export spiral-4e2b weights.safetensors"))
def export(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Any unique part of its id.",
            autocompletion=options.stored,
            show_default=False,
        ),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
) -> None:
    """Write the weights of a stored run to a safetensors file.

    Averaged weights where the run averages. transfer.source = FILE begins another run with them.
    """
    from tuilab.engine.model import transfer
    from tuilab.host import run_store

    if file.suffix != ".safetensors":
        raise InputError("the name must end in .safetensors", str(file))
    numbers = transfer.export(run_store.find(run) / run_store.CHECKPOINT, file)
    typer.echo(f"{numbers:,} numbers written to {file}")


@app.command(epilog=example("tuilab attach", "tuilab attach spiral"))
def attach(run: RunName = "") -> int:
    """Open the lab on a run in progress, or on one that has ended.

    It comes with its whole history. RUN can be left out where only one is in progress. A run
    that has ended waits at its last checkpoint, and can go on from there.
    """
    from tuilab.cli.open import attach_lab

    return attach_lab(run)


@app.command(epilog=example("tuilab stop spiral"))
def stop(run: RunName) -> None:
    """Stop a run in progress.

    It saves a checkpoint and ends.
    """
    from tuilab.host import discovery

    ended = discovery.stop(run)
    typer.echo(f"{ended.id} stopped at step {ended.step:,}")
    if ended.checkpoint:
        typer.echo(f"saved {ended.checkpoint}")


app.add_typer(lists)
app.add_typer(courses)
