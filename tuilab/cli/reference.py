"""The commands that look and tell: presets, layers, explanations, devices, runs."""

from typing import Annotated

import typer

from tuilab.cli import exit_codes, options
from tuilab.cli.options import example

lists = typer.Typer()


@lists.command(epilog=example("tuilab presets"))
def presets() -> None:
    """List the experiments that can be opened by name."""
    from tuilab.cli.output import tables

    typer.echo(tables.presets())


@lists.command(epilog=example("tuilab check mine.toml presets/experiments/*.toml"))
def check(
    names: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", autocompletion=options.experiments, show_default=False),
    ],
) -> int:
    """Check experiments without training.

    Every problem is told with its file, line and key, and what is allowed but most likely a
    mistake as doubtful. Exit codes: 0 all are good, 2 some are not.
    """
    from tuilab.cli.output import tables
    from tuilab.core.errors import InputError
    from tuilab.core.experiment import toml_file
    from tuilab.core.experiment.warnings import doubts

    code = exit_codes.DONE
    for name in names:
        try:
            path = toml_file.find(name)
            problems = toml_file.problems(path)
        except InputError as error:
            problems = [str(error)]
        if problems:
            code = exit_codes.complain("\n".join(problems), exit_codes.BAD_INPUT)
        else:
            typer.echo(tables.checked(path))
            for doubt in doubts(toml_file.read(path)):
                typer.echo(f"  doubtful: {doubt}")
    return code


@lists.command(epilog=example("tuilab layers", "tuilab layers Conv2d"))
def layers(
    name: Annotated[
        str, typer.Argument(metavar="NAME", autocompletion=options.layers, show_default=False)
    ] = "",
) -> None:
    """List the layers, or show one.

    One layer is shown with its arguments (help, default, range) and what it does to a shape.
    """
    from tuilab.cli.output import tables

    typer.echo(tables.layer(name) if name else tables.layers())


@lists.command(epilog=example("tuilab explain adam", "tuilab explain cosine"))
def explain(
    name: Annotated[
        str, typer.Argument(metavar="NAME", autocompletion=options.explained, show_default=False)
    ],
) -> None:
    """Explain a layer, a loss, an optimizer, a schedule, a task, a metric or a knob.

    What it computes, when to take it, what goes wrong with it most often, and where it is from.
    """
    from tuilab.cli.output import tables

    typer.echo(tables.explained(name))


@lists.command(epilog=example("tuilab devices"))
def devices() -> None:
    """List the places to train.

    Where one cannot be used, the reason is told.
    """
    from tuilab.cli.output import tables
    from tuilab.engine.device import devices as engine

    typer.echo(tables.devices(engine.devices(), engine.versions()))


@lists.command(epilog=example("tuilab ps"))
def ps() -> None:
    """List the runs in progress."""
    from tuilab.cli.output import tables
    from tuilab.host import discovery

    typer.echo(tables.hosts(discovery.hosts()))


@lists.command(epilog=example("tuilab runs"))
def runs() -> None:
    """List all runs.

    What each was, how it ended and where it lies.
    """
    from tuilab.cli.output import tables
    from tuilab.host import discovery, run_store

    typer.echo(tables.runs(run_store.stored(), [host.run for host in discovery.hosts()]))


@lists.command(epilog=example("tuilab diagnose spiral-7f3a", "tuilab diagnose spiral-7f3a --json"))
def diagnose(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Any unique part of its id.",
            autocompletion=options.stored,
            show_default=False,
        ),
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON list, for programs.")] = False,
) -> None:
    """Say what is wrong with a stored run, and what could be changed.

    Each with its evidence and how sure it is, the surest first; nothing is said where nothing
    is sure.
    """
    from tuilab.cli import diagnose
    from tuilab.core.diagnosis.diagnosis import diagnose as found
    from tuilab.host import run_store

    seen = run_store.read(run_store.find(run))
    typer.echo(diagnose.lines(found(seen)) if json else diagnose.text(seen, found(seen)))
