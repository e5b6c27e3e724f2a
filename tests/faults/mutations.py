"""Changes texts at random, as a hand, an editor or a broken disk might."""

import random
import re

VALUES = (
    "nan", "inf", "-inf", "-1", "0", "1e308", "-1e-308", "5e-324", "1" * 400, "0.1.2", "true",
    '""', "''", '"\\u0000"', '"\\u001b[31m"', "[]", "{}", "[[]]", "[" * 200 + "]" * 200,
    "[" * 5000, "1979-05-27", "07:32:00", '"nan"', "[1, [2, [3]]]", '{a = {b = "c"}}', "0x10",
    '"Linear"', '"Linear -1"', '"Linear 99999999999999999999"', '["Repeat 9999", ["Linear 2"]]',
    '"Conv2d 3 kernel_size=0"', '"Linear 2 bias=maybe"', '"' + "x" * 3000 + '"', '"\\ud800"',
    '"é¿漢字"', "1_000", "-0.0", "18446744073709551616", '[["Residual", "Linear 2"], 5, {}]',
)  # fmt: skip
"""Values in TOML that are unlikely where they come."""

PIECES = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\r\n", b'"""', b"'''", b"[[", b"]]", b"=", b"#",
    b"{", b"}", b"\\", b"\x1b]0;", b"\xc2\x9b", b"\xed\xa0\x80", b"](goal:", b"[x](", b"```", b"$",
    b"$$", b"\n# ", b"\n## ", b"\n" * 50, b"> " * 500, b"* " * 500, b"(" * 3000, b"![", b"|",
)  # fmt: skip


def mutate(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Returns a text with a few changes of lines, values or bytes.

    Args:
        others: texts that lines may come from.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        change = rng.choice((_change_value, _change_value, _change_lines, _change_bytes))
        content = change(content, rng, others)
    return content


def _change_value(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Gives one key another value."""
    values = list(re.finditer(rb"=[ ]*([^\n]+)", content))
    if not values:
        return content + f"\nkey = {rng.choice(VALUES)}\n".encode()
    start, end = rng.choice(values).span(1)
    return content[:start] + rng.choice(VALUES).encode() + content[end:]


def _change_lines(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Removes, repeats, moves or takes over lines."""
    lines = content.split(b"\n")
    index = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[index : index + rng.choice((1, 1, 3, 20))]
        case 1:
            lines.insert(rng.randrange(len(lines)), lines[index])
        case 2:
            lines.insert(rng.randrange(len(lines)), lines.pop(index))
        case _:
            lines.insert(index, rng.choice(rng.choice(others).split(b"\n")))
    return b"\n".join(lines)


def _change_bytes(content: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Flips a bit, cuts the text off, or puts in a piece."""
    if not content:
        return rng.choice(PIECES)
    index = rng.randrange(len(content))
    match rng.randrange(3):
        case 0:
            flipped = bytes([content[index] ^ 1 << rng.randrange(8)])
            return content[:index] + flipped + content[index + 1 :]
        case 1:
            return content[:index]
        case _:
            return content[:index] + rng.choice(PIECES) + content[index:]
