"""What the listing commands print, as text."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from tuilab.core import paths
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.knobs import fields, knobs_of, summary
from tuilab.core.network.layer import Layer, show
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import Line
from tuilab.core.network.plan import plan as plan_network
from tuilab.core.network.registry import BLOCKS, LAYERS
from tuilab.core.protocol.records import Device
from tuilab.core.reference import articles
from tuilab.core.reference.articles import Article
from tuilab.core.run.run import Run
from tuilab.host import discovery, run_store


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Rows under each other; the last column wraps at the width of the terminal."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)][:-1]
    room = shutil.get_terminal_size((100, 24)).columns
    margin = sum(width + 2 for width in widths)
    lines: list[str] = []
    for row in table:
        head = "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=False))
        wrapped = textwrap.wrap(row[-1], max(24, room - margin), break_on_hyphens=False) or [""]
        lines.append((head + wrapped[0]).rstrip())
        lines.extend(" " * margin + more for more in wrapped[1:])
    return "\n".join(lines)


def presets() -> str:
    """Every experiment that can be opened by name, and what it is about."""
    rows = [(preset.name, preset.about or preset.title) for preset in toml_file.presets().values()]
    return f"{columns(rows)}\n\nOpen one: tuilab NAME. Your own belong in {paths.experiments()}"


def checked(path: Path) -> str:
    """That a file can be trained, and what it holds."""
    experiment = toml_file.read(path)
    plan = experiment.plan
    shapes = f"{show(plan.input)} → {show(plan.output)}"
    return f"{path}: {experiment.data.title}, {plan.parameters:,} parameters, {shapes}: good"


def layers() -> str:
    """Every layer with its arguments, family by family."""
    rows = []
    for family in dict.fromkeys(kind.family for kind in LAYERS.values()):
        rows.append(("", ""))
        for name, kind in LAYERS.items():
            if kind.family == family:
                rows.append((f"{name} {_signature(kind)}".strip(), summary(kind)))
    return columns(rows[1:])


def _signature(kind: type[Layer]) -> str:
    required = [field.name for field in fields(kind).values() if field.default is msgspec.NODEFAULT]
    rest = "..." if len(required) < len(fields(kind)) else ""
    return " ".join([*required, rest]).strip()


def layer(name: str) -> str:
    """One layer: its arguments with help, default and range, and what it does to a shape."""
    kind = LAYERS.get(name) or {known.lower(): it for known, it in LAYERS.items()}.get(name.lower())
    if kind is None:
        raise InputError(f"there is no layer {name}; {nearest(name, LAYERS)}".rstrip("; "))
    rows = []
    for knob in knobs_of(parse(_written(kind)), ""):
        default = "required" if knob.is_required else f"default {_word(knob.default)}"
        text = f"{knob.help} ({knob.range})" if knob.range else knob.help
        rows.append((f"  {knob.label}", default, text))
    arguments = columns(rows) if rows else "  It takes no arguments."
    article = articles.layer(kind.__name__)
    said = f"\n\n{_parts(article)}" if article and article.parts else ""
    return f"{kind.__name__}: {summary(kind)}\n\n{arguments}\n\n{_example(kind)}{said}"


def explained(name: str) -> str:
    """Everything that is said of a name: an article or several."""
    return "\n\n".join(map(_article, articles.find(name)))


def _article(article: Article) -> str:
    width = max(40, min(100, shutil.get_terminal_size((100, 24)).columns))
    about = textwrap.fill(article.summary, width)
    return "\n\n".join(filter(None, (f"{article.name} ({article.kind})\n{about}", _parts(article))))


def _parts(article: Article) -> str:
    """Heading and text; lines of a formula stay lines."""
    rows = [
        ("" if line else f"  {heading}", text)
        for heading, part in article.parts
        for line, text in enumerate(part.splitlines())
    ]
    return columns(rows) if rows else ""


def _word(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _written(kind: type[Layer]) -> str:
    """A line that makes such a layer."""
    required = [field for field in fields(kind).values() if field.default is msgspec.NODEFAULT]
    return " ".join([kind.__name__, *("3" if kind.__name__ in BLOCKS else "16" for _ in required)])


def _example(kind: type[Layer]) -> str:
    """The layer as it is written, with a shape that goes in and what comes out."""
    text = _written(kind)
    line: Line = (text, "Linear 64", "ReLU") if kind.__name__ in BLOCKS else text
    shapes = [(64,), (3, 28, 28)]
    plans = [plan_network((line,), shape) for shape in shapes]
    plan = plans[-1] if kind.family == "shape" or not plans[0].is_valid else plans[0]
    quoted = [f'"{text}"', '"Linear 64"', '"ReLU"'] if kind.__name__ in BLOCKS else [f'"{text}"']
    written = f"[{', '.join(quoted)}]" if len(quoted) > 1 else quoted[0]
    return (
        f"  In a file: {written}\n"
        f"  Shapes:    {show(plan.input)} → {show(plan.output)}, {plan.parameters:,} parameters"
    )


def devices(found: Sequence[Device], versions: dict[str, str]) -> str:
    """The places to train, and what they run on."""
    rows = [
        (device.name, device.label, f"cannot be used: {device.problem}" if device.problem else "")
        for device in found
    ]
    runs_on = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return f"{columns(rows)}\n\n{runs_on}"


def hosts(found: Sequence[discovery.HostInfo]) -> str:
    """The runs in progress, and hosts that wait for one."""
    if not found:
        return "No run is in progress."
    head = ("RUN", "STATE", "EPOCH", "STEP", "DEVICE", "SINCE", "PID", "TITLE")
    rows = [
        (
            host.run or "-", host.state, f"{host.epoch:.1f}/{host.epochs}" if host.epochs else "-",
            f"{host.step:,}", host.device or "-", duration(host.seconds), str(host.pid), host.title,
        )
        for host in found
    ]  # fmt: skip
    return columns([head, *rows])


def runs(stored: Sequence[Path], active: Iterable[str]) -> str:
    """The runs on the disk, the newest first."""
    rows = [_run(path, set(active)) for path in stored]
    if not rows:
        return f"There are no runs yet. They will be kept in {paths.runs()}"
    head = ("RUN", "STATE", "WHEN", "STEPS", "RESULT", "TITLE")
    return f"{columns([head, *rows])}\n\nThey are kept in {paths.runs()}"


def _run(path: Path, active: set[str]) -> tuple[str, ...]:
    when = f"{datetime.fromtimestamp((path / run_store.LOG).stat().st_mtime):%Y-%m-%d %H:%M}"
    try:
        run = run_store.read(path, glance=True)
    except InputError as error:
        return (path.name, "unreadable", when, "", "", error.problem)
    state: str = run.finished.reason if run.finished else run.state
    if run.is_active and run.id not in active:
        state = "cut off"
    title = run.experiment.title or run.experiment.data.title if run.experiment else ""
    return (path.name, state, when, f"{run.step:,}", _result(run), title)


def _result(run: Run) -> str:
    """The last thing that was measured, on the most honest part."""
    results = run.finished.results if run.finished else {}
    if run.epoch and not results:
        results = {"train": run.epoch.train, "validation": run.epoch.validation}
    for part in ("test", "validation", "train"):
        for name, value in results.get(part, {}).items():
            if name != "loss":
                return f"{part} {name} {value:.4g}"
    return "-"


def duration(seconds: float) -> str:
    """A time as a person says it: 41 s, 12 min, 3:07 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f} h"
