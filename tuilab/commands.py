"""The commands as Typer declares them: arguments, help, examples; the rooms do the work."""

from pathlib import Path
from typing import Annotated

import typer

from tuilab import cli


def _example(*lines: str) -> str:
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {line}" for line in lines)])


app = typer.Typer(
    help="A training lab for neural networks in the terminal.",
    epilog=_example(
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
        return int(app(words, prog_name="tuilab", standalone_mode=False) or cli.DONE)
    except typer.TyperException as error:
        command = f"tuilab {words[0]}" if words and words[0] in cli.COMMANDS else "tuilab"
        problem = error.format_message().rstrip(".")
        return cli.complain(f"{problem}. See {command} --help", cli.BAD_INPUT)
    except typer.Abort:
        return cli.INTERRUPTED


def _experiments(incomplete: str) -> list[str]:
    """What the shell offers for PRESET|FILE."""
    from tuilab.lab import files

    folder, start = (Path(incomplete), "") if incomplete.endswith("/") else (
        Path(incomplete).parent, Path(incomplete).name,
    )  # fmt: skip
    paths = [path for path in sorted(folder.glob(f"{start}*")) if not path.name.startswith(".")]
    names = [name for name in files.presets() if name.startswith(incomplete)]
    names += [str(path) for path in paths if path.suffix == ".toml"]
    return names + [f"{path}/" for path in paths if path.is_dir()]


def _layers(incomplete: str) -> list[str]:
    from tuilab.lab.layers import LAYERS

    return [name for name in LAYERS if name.lower().startswith(incomplete.lower())]


def _runs(incomplete: str) -> list[str]:
    from tuilab.host import registry

    return [host.run for host in registry.hosts() if host.run.startswith(incomplete)]


ExperimentName = Annotated[
    str, typer.Argument(metavar="PRESET|FILE", autocompletion=_experiments, show_default=False)
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Any unique part of its id.", autocompletion=_runs, show_default=False
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one key of the experiment, as often as needed; values are written as in TOML.",
    ),
]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines, without colour or movement.")]


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
    epilog=_example("tuilab", "tuilab spiral", "tuilab open mine.toml --set data.root=~/data"),
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
    from tuilab.opening import open_lab

    return open_lab(experiment, sets or [], in_process=in_process, plain=plain)


@app.command(
    epilog=_example(
        "tuilab train spiral --set optimizer.lr=0.02 --set training.epochs=20",
        "tuilab train mine.toml --set 'network[1]=\"Dropout 0.2\"' --device cuda --json",
    )
)
def train(
    experiment: ExperimentName,
    sets: Sets = None,
    device: Annotated[
        str, typer.Option(help="Where to train: auto, cpu, cuda, cuda:1, mps.", show_default=False)
    ] = "",
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
    from tuilab import headless

    shown = headless.output(json=json, plain=plain)
    return headless.run(experiment, sets or [], device, shown)


@app.command(epilog=_example("tuilab presets"))
def presets() -> None:
    """List the experiments that can be opened by name."""
    from tuilab import tables

    typer.echo(tables.presets())


@app.command(epilog=_example("tuilab check mine.toml presets/experiments/*.toml"))
def check(
    names: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", autocompletion=_experiments, show_default=False),
    ],
) -> int:
    """Check experiments without training.

    Every problem is told with its file, line and key, and what is allowed but most likely a
    mistake as doubtful. Exit codes: 0 all are good, 2 some are not.
    """
    from tuilab import tables
    from tuilab.lab import files
    from tuilab.lab.doubts import doubts
    from tuilab.lab.errors import InputError

    code = cli.DONE
    for name in names:
        try:
            path = files.find(name)
            problems = files.problems(path)
        except InputError as error:
            problems = [str(error)]
        if problems:
            code = cli.complain("\n".join(problems), cli.BAD_INPUT)
        else:
            typer.echo(tables.checked(path))
            for doubt in doubts(files.read(path)):
                typer.echo(f"  doubtful: {doubt}")
    return code


@app.command(epilog=_example("tuilab layers", "tuilab layers Conv2d"))
def layers(
    name: Annotated[
        str, typer.Argument(metavar="NAME", autocompletion=_layers, show_default=False)
    ] = "",
) -> None:
    """List the layers, or show one.

    One layer is shown with its arguments (help, default, range) and what it does to a shape.
    """
    from tuilab import tables

    typer.echo(tables.layer(name) if name else tables.layers())


@app.command(epilog=_example("tuilab devices"))
def devices() -> None:
    """List the places to train.

    Where one cannot be used, the reason is told.
    """
    from tuilab import tables
    from tuilab.engine import devices as engine

    typer.echo(tables.devices(engine.devices(), engine.versions()))


@app.command(epilog=_example("tuilab ps"))
def ps() -> None:
    """List the runs in progress."""
    from tuilab import tables
    from tuilab.host import registry

    typer.echo(tables.hosts(registry.hosts()))


@app.command(epilog=_example("tuilab attach", "tuilab attach spiral"))
def attach(run: RunName = "") -> int:
    """Open the lab on a run in progress.

    It comes with its whole history. RUN can be left out where there is only one.
    """
    from tuilab.opening import attach_lab

    return attach_lab(run)


@app.command(epilog=_example("tuilab stop spiral"))
def stop(run: RunName) -> None:
    """Stop a run in progress.

    It saves a checkpoint and ends.
    """
    from tuilab.host import registry

    ended = registry.stop(run)
    typer.echo(f"{ended.id} stopped at step {ended.step:,}")
    if ended.checkpoint:
        typer.echo(f"saved {ended.checkpoint}")


@app.command(epilog=_example("tuilab runs"))
def runs() -> None:
    """List all runs.

    What each was, how it ended and where it lies.
    """
    from tuilab import tables
    from tuilab.host import folder, registry

    typer.echo(tables.runs(folder.stored(), [host.run for host in registry.hosts()]))
