"""Writes the README's table of every choice: `uv run python -m tests.support.readme`."""

from pathlib import Path

from tuilab.core.experiment.experiment import name_of, option_types

README = Path(__file__).resolve().parent.parent.parent / "README.md"

SECTIONS = ("task", "data", "initialization", "loss", "optimizer", "schedule")

BEGIN = "<!-- begin: `uv run python -m tests.support.readme` writes this table -->\n"
END = "<!-- end -->"


def write_choices(text: str) -> str:
    """Returns the README with a new table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [
        f"| `{section}` | {', '.join(f'`{name_of(kind)}`' for kind in option_types(section))} |\n"
        for section in SECTIONS
    ]
    return f"{before}{BEGIN}| Section | Choices |\n|---|---|\n{''.join(rows)}{END}{after}"


if __name__ == "__main__":
    README.write_text(write_choices(README.read_text()))
