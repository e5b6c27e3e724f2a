"""The commands for reference: `presets`, `check`, `layers`, `explain`, `devices`."""

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuilab.cli import exit_codes
from tuilab.cli.completion import complete_articles, complete_experiments, complete_layers
from tuilab.cli.help import Commands
from tuilab.cli.options import JsonList, format_examples
from tuilab.cli.output.tables import format_table, terminal_width
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.format import format_counted

if TYPE_CHECKING:
    from tuilab.core.network.layer import Layer
    from tuilab.core.reference.articles import Article

commands = Commands()


@commands.command(epilog=format_examples("tuilab presets", "tuilab presets --json"))
def presets(*, json: JsonList = False) -> None:
    """Lists the experiments that can be opened by name."""
    from tuilab.cli.output.json import print_json
    from tuilab.core import paths
    from tuilab.core.experiment import toml_file

    all_presets = toml_file.find_presets().values()
    if json:
        print_json(list(all_presets))
        return
    table = format_table(
        (preset.name, preset.description or preset.title) for preset in all_presets
    )
    folder = paths.experiments_dir()
    print(f"{table}\n\nOpen one: tuilab NAME. Your own experiments belong in {folder}")


@commands.command(epilog=format_examples("tuilab check mine.toml presets/experiments/*.toml"))
def check(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Experiment files, or names of presets.",
            autocompletion=complete_experiments, show_default=False,
        ),
    ],
    *,
    json: JsonList = False,
) -> int:  # fmt: skip
    """Checks experiments without training.

    Prints every error with its file, line and key, and a warning for what is most likely a mistake.
    Exit codes: 0 all are valid, 2 some are not.
    """
    from tuilab.cli.output.json import print_json

    code, reports = exit_codes.DONE, []
    for name in names:
        report = _check(name)
        reports.append(report)
        if report["errors"]:
            code = exit_codes.report_error("\n".join(report["errors"]), exit_codes.BAD_INPUT)
        elif not json:
            shapes = f"{report['input']} → {report['output']}"
            parameters = format_counted(report["parameters"], "parameter")
            print(f"{report['path']}: {report['data']}, {parameters}, {shapes}: valid")
            for note in report["notes"]:
                print(f"  note: {note}")
            for warning in report["warnings"]:
                print(f"  warning: {warning}")
    if json:
        print_json(reports)
    return code


def _check(name: str) -> dict[str, Any]:
    """Returns the errors of an experiment; what it is and its warnings if it has none."""
    from tuilab.core.experiment import toml_file
    from tuilab.core.experiment.warnings import find_notes, find_warnings
    from tuilab.core.network.layer import format_shape

    try:
        path = toml_file.find(name)
        errors = toml_file.find_errors(path)
    except InputError as error:
        return {"name": name, "errors": [str(error)]}
    if errors:
        return {"name": name, "path": path, "errors": errors}
    experiment = toml_file.read(path)
    plan = experiment.plan
    return {
        "name": name, "path": path, "errors": [], "warnings": list(find_warnings(experiment)),
        "notes": find_notes(experiment),
        "data": experiment.data.title, "parameters": plan.parameters,
        "input": format_shape(plan.input), "output": format_shape(plan.output),
    }  # fmt: skip


@commands.command(epilog=format_examples("tuilab layers", "tuilab layers Conv2d"))
def layers(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A layer; without one, all are listed.",
            autocompletion=complete_layers, show_default=False,
        ),
    ] = "",
    *,
    json: JsonList = False,
) -> None:  # fmt: skip
    """Lists the layers, or describes one.

    A layer is described by its arguments (help, default, range) and its effect on a shape.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.core.experiment.knobs import summarize
    from tuilab.core.network.registry import LAYERS

    kinds = [kind for key, kind in LAYERS.items() if name.lower() in ("", key.lower())]
    if not kinds:
        raise InputError(with_suggestion(f"there is no layer {name}", name, LAYERS))
    if json:
        print_json(list(map(_layer_to_dict, kinds)))
        return
    if name:
        print(_describe_layer(kinds[0]))
        return
    rows = []
    for _, family in groupby(kinds, key=lambda kind: kind.family):
        rows.append(("", ""))
        rows += [(_signature(kind), summarize(kind)) for kind in family]
    print(format_table(rows[1:]))


def _layer_to_dict(kind: "type[Layer]") -> dict[str, Any]:
    from tuilab.core.experiment.knobs import default_knobs, summarize

    arguments = [
        {
            "name": knob.label, "help": knob.help, "is_required": knob.is_required,
            "default": None if knob.is_required else knob.default, "range": knob.range,
        }
        for knob in default_knobs(kind).values()
    ]  # fmt: skip
    return {
        "name": kind.__name__, "family": kind.family, "summary": summarize(kind),
        "arguments": arguments,
    }  # fmt: skip


def _required_arguments(kind: "type[Layer]") -> list[str]:
    from tuilab.core.experiment.knobs import default_knobs

    return [name for name, knob in default_knobs(kind).items() if knob.is_required]


def _signature(kind: "type[Layer]") -> str:
    required = _required_arguments(kind)
    rest = ["..."] if len(required) < len(kind.__struct_fields__) else []
    return " ".join([kind.__name__, *required, *rest])


def _describe_layer(kind: "type[Layer]") -> str:
    """Returns the arguments of a layer, an example with shapes, and its article."""
    from tuilab.core.experiment.knobs import default_knobs, summarize
    from tuilab.core.reference import articles

    rows = []
    for knob in default_knobs(kind).values():
        default = "required" if knob.is_required else f"default {_format_default(knob.default)}"
        text = f"{knob.help} ({knob.range})" if knob.range else knob.help
        rows.append((f"  {knob.label}", default, text))
    arguments = format_table(rows) or "  It has no arguments."
    article = articles.layer_article(kind.__name__)
    parts = f"\n\n{_format_parts(article)}" if article and article.parts else ""
    return f"{kind.__name__}: {summarize(kind)}\n\n{arguments}\n\n{_format_example(kind)}{parts}"


def _format_default(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _format_example(kind: "type[Layer]") -> str:
    """Returns the layer as a line of a file, with an input shape and the output shape."""
    from tuilab.core.network.layer import format_shape
    from tuilab.core.network.line import Line
    from tuilab.core.network.plan import plan as plan_network
    from tuilab.core.network.registry import BLOCKS

    is_block = kind.__name__ in BLOCKS
    arguments = ["3" if is_block else "16" for _ in _required_arguments(kind)]
    text = " ".join([kind.__name__, *arguments])
    line: Line = (text, "Linear 64", "ReLU") if is_block else text
    plans = [plan_network((line,), shape) for shape in ((64,), (3, 28, 28))]
    plan = plans[-1] if kind.family == "shape" or not plans[0].is_valid else plans[0]
    toml = f'["{text}", "Linear 64", "ReLU"]' if is_block else f'"{text}"'
    shapes = f"{format_shape(plan.input)} → {format_shape(plan.output)}"
    parameters = format_counted(plan.parameters, "parameter")
    return f"  In a file: {toml}\n  Shapes:    {shapes}, {parameters}"


@commands.command(
    epilog=format_examples("tuilab explain adam", "tuilab explain lr", "tuilab explain training")
)
def explain(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What to explain.", autocompletion=complete_articles,
            show_default=False,
        ),
    ],
    *,
    json: JsonList = False,
) -> None:  # fmt: skip
    """Explains a layer, an optimizer, a hyperparameter or another name.

    Also a loss, a schedule, a task, a data set, a metric or a section of the file. Says what it
    computes, when to use it, what its most common pitfall is, and where it is from.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.core.reference import articles

    matches = articles.find_articles(name)
    if json:
        print_json(matches)
    else:
        print("\n\n".join(map(_format_article, matches)))


def _format_article(article: "Article") -> str:
    summary = textwrap.fill(article.summary, max(40, min(100, terminal_width())))
    heading = f"{article.name} ({article.kind})\n{summary}"
    return "\n\n".join(filter(None, (heading, _format_parts(article))))


def _format_parts(article: "Article") -> str:
    """Returns headings and texts; the lines of a formula are kept."""
    rows = [
        ("" if number else f"  {heading}", line)
        for heading, text in article.parts
        for number, line in enumerate(text.splitlines())
    ]
    return format_table(rows)


@commands.command(epilog=format_examples("tuilab devices", "tuilab devices --json"))
def devices(*, json: JsonList = False) -> None:
    """Lists the devices, with the reason if one cannot be used."""
    from tuilab.cli.output.json import print_json
    from tuilab.engine.device import devices as engine_devices

    all_devices = engine_devices.list_devices()
    if json:
        print_json(list(all_devices))
        return
    rows = [
        (device.name, device.label, f"cannot be used: {device.problem}" if device.problem else "")
        for device in all_devices
    ]
    versions = engine_devices.versions()
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    print(f"{format_table(rows)}\n\n{libraries}")
