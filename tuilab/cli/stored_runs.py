"""The group `tuilab runs`: lists, filters, labels, deletes and restores stored runs."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer._click.shell_completion import CompletionItem

from tuilab.cli import completion, exit_codes
from tuilab.cli.help import LIST, Commands, LabCommand, ListGroup
from tuilab.cli.options import RUN_HELP, JsonList, StoredRun, format_examples
from tuilab.core.errors import InputError
from tuilab.core.format import (
    format_bytes,
    format_count,
    format_counted,
    format_duration,
    format_number,
)

if TYPE_CHECKING:  # help must not wait for these
    from tuilab.core.run.run_summary import RunSummary
    from tuilab.host.run_library import RunLibrary, TrashedRun


class RunsGroup(ListGroup):
    """The commands of `tuilab runs`; other words are a filter for the list."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        """Parses the arguments, of the list as well."""
        is_completed = bool(extra.get("resilient_parsing")) and not args
        is_help = bool(args) and args[0] in ("--help", "-h")
        if not (is_completed or is_help or (args and args[0] in self.commands)):
            args = [LIST, *map(_spell_out_minus, args)]
        return super().make_context(info_name, args, *rest, **extra)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Completes the first word: a command, or a term of a filter."""
        words = completion.complete_filter(incomplete)
        return super().shell_complete(ctx, incomplete) + [
            CompletionItem(word) for word, _ in words if word.startswith(incomplete)
        ]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Returns how the list is called; the commands are below."""
        return ["[OPTIONS]", "[FILTER...] | COMMAND ..."]


def _spell_out_minus(word: str) -> str:
    """Returns `not tag:bad` for `-tag:bad`, which would be taken for options."""
    is_negated = len(word) > 2 and word[0] == "-" and word[1] != "-"
    return f"not {word[1:]}" if is_negated else word


class TagCommand(LabCommand):
    """A command whose words may begin with `-`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses `RUN +good -bad`."""
        is_tag = [len(word) > 1 and word[0] in "+-" and word not in ("-h", "--help", "--")
                  for word in args]  # fmt: skip
        if "--" not in args and True in is_tag:
            args = [*args[: is_tag.index(True)], "--", *args[is_tag.index(True) :]]
        return super().parse_args(ctx, args)


commands = Commands()
runs = Commands(
    cls=RunsGroup,
    help="Lists the stored runs, those that a filter matches, the newest first.\n\n"
    "A filter has terms such as lr>0.01, tag:good, state:done, title:spiral, when:today, "
    "validation.accuracy>0.9; or and not (or -) combine them; other words are looked for in names "
    "and ids. Quote it: the shell reads > as a redirection.",
    epilog=format_examples(
        "tuilab runs 'lr>0.01 tag:good'", "tuilab runs --sort validation.accuracy",
        "tuilab runs tag spiral-7f3a +good -draft", "tuilab runs delete spiral-7f3a",
    ),
    rich_markup_mode=None,
)  # fmt: skip
commands.add_typer(runs, name="runs")

StoredRuns = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN", help=RUN_HELP, autocompletion=completion.complete_stored_runs,
        show_default=False,
    ),
]  # fmt: skip


def _words(metavar: str, text: str) -> Any:
    return typer.Argument(metavar=metavar, help=text, show_default=False)


@runs.command(LIST, hidden=True)
def list_runs(
    filter_words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILTER", help="Which runs; all where there is none.",
            autocompletion=completion.complete_filter, show_default=False,
        ),
    ] = None,
    *,
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="What to sort by: a field, a setting or a metric.",
            autocompletion=completion.complete_run_keys, show_default=False,
        ),
    ] = "",
    reverse: Annotated[
        bool, typer.Option("--reverse", help="Begin the list with its other end.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print the list, also where the lab could show it.")
    ] = False,
    json: JsonList = False,
) -> int:  # fmt: skip
    """Lists the stored runs; on a terminal, without a filter, in the lab."""
    if not (filter_words or sort or reverse or plain or json) and _can_show_lab():
        from tuilab.cli.launch import open_experiment

        return open_experiment(is_listing_runs=True)
    _print_runs(" ".join(filter_words or ()), sort, reverse, json)
    return exit_codes.DONE


def _can_show_lab() -> bool:
    from tuilab.ui.terminal import terminal

    return sys.stdin.isatty() and sys.stdout.isatty() and not terminal.unusable_reason()


def _print_runs(filter_text: str, sort: str, reverse: bool, json: bool) -> None:
    """Prints the runs that a filter matches."""
    from tuilab.cli.output.json import print_json
    from tuilab.core import paths
    from tuilab.core.run.run_filter import parse_filter
    from tuilab.core.run.run_keys import find_key, sort_runs
    from tuilab.host.run_library import RunLibrary

    run_filter = parse_filter(filter_text)
    if sort:
        find_key(sort)  # it may be wrong, which is said before thousands are read
    library = RunLibrary()
    stored = library.list_summaries(_show_progress if sys.stderr.isatty() else None)
    matches = [run for run in _add_problems(stored) if run_filter.matches(run)]
    if sort:
        matches = sort_runs(matches, sort, reverse=reverse)
    elif reverse:
        matches.reverse()
    folder = paths.runs_dir()
    if json:
        print_json([_to_json(run, library) for run in matches])
    elif not stored:
        print(f"There are no runs yet. They will be stored in {folder}")
    elif not matches:
        print(f"No run matches, of {format_count(len(stored))}.")
    else:
        print(f"{_format_runs(matches, library, sort)}\n\nThey are stored in {folder}")


def _show_progress(done: int, total: int) -> None:
    """Shows on the terminal how many runs are read, where there are many."""
    if total >= 200 and (done % 50 == 0 or done == total):
        text = f"reading {format_count(done)} of {format_count(total)} runs"
        end = "\r" + " " * len(text) + "\r" if done == total else ""
        print(f"\r{text}{end}", end="", file=sys.stderr, flush=True)


def _add_problems(stored: "list[RunSummary]") -> "list[RunSummary]":
    """Returns the runs; those whose host does not answer or is of another version say so."""
    from msgspec.structs import replace

    from tuilab.host import discovery

    if not any(run.is_active for run in stored):
        return stored
    hosts = {host.run: host for host in discovery.list_hosts() if host.problem}
    return [
        replace(run, state=host.state, problem=host.problem)
        if run.is_active and (host := hosts.get(run.id)) is not None
        else run
        for run in stored
    ]


def _to_json(run: "RunSummary", library: "RunLibrary") -> dict[str, Any]:
    import msgspec

    from tuilab.core import paths
    from tuilab.core.run.run_settings import describe_changes

    fields: dict[str, Any] = msgspec.to_builtins(run)
    values = {key: value for key, value in fields.pop("values").items()}
    results: dict[str, dict[str, float]] = {}
    best: dict[str, dict[str, float]] = {}
    for key, (last_value, best_value) in values.items():
        split, _, metric = key.partition(".")
        results.setdefault(split, {})[metric] = last_value
        best.setdefault(split, {})[metric] = best_value
    return {
        "run": fields.pop("id"), **fields,
        "started": datetime.fromtimestamp(run.started),
        "changed": datetime.fromtimestamp(run.changed),
        "folder": paths.runs_dir() / run.id,
        "is_pinned": run.id == library.pinned,
        "results": results, "best": best,
        "changes": describe_changes(run.settings, library.base_settings(run)),
    }  # fmt: skip


def _format_runs(matches: "list[RunSummary]", library: "RunLibrary", sort: str) -> str:
    """Returns the table of the runs; with the value that they are sorted by, if there is one."""
    from tuilab.cli.output.tables import format_table
    from tuilab.core.run.run_keys import find_key

    key = find_key(sort) if sort else None
    is_shown = key is not None and key.kind in ("metric", "setting")
    extra = (sort.upper(),) if is_shown else ()
    rows: list[tuple[str, ...]] = [
        ("RUN", "STATE", "WHEN", "TIME", "STEPS", *extra, "RESULT", "NAME", "CHANGES")
    ]
    for run in matches:
        start, end = _describe_run(run, library)
        cells = (_format_cell(key.read(run)),) if key is not None and is_shown else ()
        rows.append((*start, *cells, *end))
    return format_table(rows)


def _format_cell(value: Any) -> str:
    from tuilab.core.format import format_value

    if value is None:
        return "-"
    return format_number(value) if isinstance(value, float) else format_value(value) or "none"


def _describe_run(
    run: "RunSummary", library: "RunLibrary"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from tuilab.core.run.run_settings import describe_changes

    pinned = "pinned" if run.id == library.pinned else ""
    when = f"{datetime.fromtimestamp(run.changed):%Y-%m-%d %H:%M}"
    is_read = run.state not in ("unreadable", "no history")
    start = (
        run.id, run.state, when,
        format_duration(run.seconds) if is_read else "", format_count(run.step) if is_read else "",
    )  # fmt: skip
    changes = describe_changes(run.settings, library.base_settings(run)) if is_read else ""
    tags = " ".join(f"+{tag}" for tag in run.tags)
    last = "; ".join(filter(None, (pinned, tags, changes, run.problem)))
    return start, (_describe_result(run), run.name, last)


def _describe_result(run: "RunSummary") -> str:
    """Returns the last metric of the test set, else of the validation or training set."""
    for split in ("test", "validation", "train"):
        for key, value in run.values.items():
            if key.startswith(f"{split}.") and key != f"{split}.loss":
                return f"{split} {key.partition('.')[2]} {format_number(value.last)}"
    return "-"


# --- what the user says of runs ---------------------------------------------------------------


@runs.command(epilog=format_examples('tuilab runs rename spiral-7f3a "wide, slow"'))
def rename(run: StoredRun, name: Annotated[list[str], _words("NAME", "Its new name.")]) -> None:
    """Names a run; an empty name gives it its title again."""
    library, found_run = _find(run)
    text = " ".join(name)
    library.rename(found_run, text)
    print(f"{found_run} is called {library.summarize(found_run).name}")


@runs.command(cls=TagCommand, epilog=format_examples("tuilab runs tag spiral-7f3a +good -draft"))
def tag(
    run: StoredRun,
    tags: Annotated[
        list[str],
        typer.Argument(
            metavar="TAG", help="+TAG adds one, -TAG removes one.",
            autocompletion=completion.complete_tags, show_default=False,
        ),
    ],
) -> None:  # fmt: skip
    """Adds tags to a run and removes others."""
    library, found_run = _find(run)
    add = [word.removeprefix("+") for word in tags if not word.startswith("-")]
    library.tag(found_run, add, [word[1:] for word in tags if word.startswith("-")])
    labels = library.summarize(found_run).tags
    print(f"{found_run}: {' '.join(labels) or 'no tags'}")


@runs.command(epilog=format_examples('tuilab runs note spiral-7f3a "as in the paper"'))
def note(
    run: StoredRun, text: Annotated[list[str], _words("TEXT", "An empty text removes it.")]
) -> None:
    """Writes the note on a run."""
    library, found_run = _find(run)
    library.note(found_run, " ".join(text))
    print(f"{found_run}: {' '.join(text) or 'no note'}")


@runs.command(epilog=format_examples("tuilab runs pin spiral-7f3a", "tuilab runs pin --none"))
def pin(
    run: StoredRun = "",
    *,
    none: Annotated[bool, typer.Option("--none", help="Compare with the presets again.")] = False,
) -> None:
    """Pins the run that all others are compared with."""
    if bool(run) == none:
        raise InputError("name a run, or give --none", "runs pin")
    from tuilab.host.run_library import RunLibrary

    if none:
        RunLibrary().pin("")
        print("No run is pinned: each is compared with its preset.")
        return
    library, found_run = _find(run)
    library.pin(found_run)
    print(f"{found_run} is pinned: all others are compared with it.")


def _find(run: str) -> "tuple[RunLibrary, str]":
    """Returns the library and the whole id of a run."""
    from tuilab.host import run_store
    from tuilab.host.run_library import RunLibrary

    return RunLibrary(), run_store.find_run(run).name


# --- deleting ---------------------------------------------------------------------------------


@runs.command(epilog=format_examples("tuilab runs delete spiral-7f3a moons-12ab"))
def delete(stored: StoredRuns) -> None:
    """Moves runs to the trash, from which they can be restored. A run in progress stays."""
    from tuilab.host import run_store
    from tuilab.host.run_library import RunLibrary

    library = RunLibrary()
    for run in dict.fromkeys([run_store.find_run(run).name for run in stored]):
        library.delete(run)
        print(f"{run} is in the trash; to bring it back: tuilab runs restore {run}")


@runs.command(epilog=format_examples("tuilab runs restore", "tuilab runs restore spiral-7f3a"))
def restore(
    deleted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN", help=f"{RUN_HELP} Without one, what is in the trash is listed.",
            autocompletion=completion.complete_deleted_runs, show_default=False,
        ),
    ] = None,
    *,
    json: JsonList = False,
) -> None:  # fmt: skip
    """Brings deleted runs back, or lists them."""
    from tuilab.cli.output.json import print_json
    from tuilab.host.run_library import RunLibrary

    library = RunLibrary()
    restored = [library.restore(run) for run in deleted or ()]
    if json:
        print_json(
            restored if deleted else [_describe_trashed(run) for run in library.list_trash()]
        )
    elif deleted:
        print("\n".join(f"{run} is back" for run in restored))
    else:
        _print_trash(library.list_trash())


def _describe_trashed(run: "TrashedRun") -> dict[str, Any]:
    deleted = datetime.fromtimestamp(run.deleted)
    return {"run": run.id, "deleted": deleted, "size": run.size, "folder": run.folder}


def _print_trash(trashed: "list[TrashedRun]") -> None:
    from tuilab.cli.output.tables import format_table

    if not trashed:
        print("The trash is empty.")
        return
    rows = [("RUN", "DELETED", "SIZE")]
    rows += [
        (run.id, f"{datetime.fromtimestamp(run.deleted):%Y-%m-%d %H:%M}", format_bytes(run.size))
        for run in trashed
    ]
    print(format_table(rows))


@runs.command("empty-trash", epilog=format_examples("tuilab runs empty-trash --yes"))
def empty_trash(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> int:
    """Removes the deleted runs for good.

    Exit codes: 0 done, 1 nothing was removed, 2 bad usage or input.
    """
    from tuilab.host.run_library import RunLibrary

    library = RunLibrary()
    trashed = library.list_trash()
    if not trashed:
        print("The trash is empty.")
        return exit_codes.DONE
    size = format_bytes(sum(run.size for run in trashed))
    what = f"{format_counted(len(trashed), 'deleted run')}, {size}"
    if not yes:
        if not sys.stdin.isatty():
            raise InputError(f"{what}: --yes removes them for good", "runs empty-trash")
        if not typer.confirm(f"Remove {what}, for good?"):
            return exit_codes.report_error("nothing was removed", exit_codes.FAILED)
    library.empty_trash()
    print(f"Removed: {what}")
    return exit_codes.DONE
