"""Guesses the older encoding of a text that is not UTF-8, by the library chardet."""

import re
from collections.abc import Sequence

COMMON = (
    "cp1252", "iso8859-2", "cp1250", "cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp1253", "cp1254",
    "cp1255", "iso8859-8", "cp1256", "iso8859-6", "cp1257", "mac-roman", "cp850", "cp852", "cp866",
    "cp932", "euc_jis_2004", "gb18030", "big5hkscs", "cp949",
)  # fmt: skip
"""Encodings that tables have, the likelier ones first among those that differ in few letters."""

CAPITALS = ("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866", "cp1253")
"""Encodings of Cyrillic and Greek: chardet takes words in capitals for small letters of another."""

NEAR_TIE = 0.85
"""Up to this share of the best score, an encoding that comes first in `COMMON` is likelier."""

MIN_RUNS = 3
"""With fewer different runs of bytes outside ASCII, such as one degree sign, nothing is known."""

LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")

RUN = re.compile(rb"[\x80-\xff]+")

SCRIPTS = {
    "cp1250": "Windows-1250 (Central Europe)", "iso8859-2": "ISO 8859-2 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)", "cp1252": "Windows-1252 (Western Europe)",
    "cp1253": "Windows-1253 (Greek)", "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)", "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)", "koi8-r": "KOI8-R (Cyrillic)",
    "koi8-u": "KOI8-U (Cyrillic)", "mac-roman": "Mac Roman", "cp932": "Shift JIS (Japanese)",
    "big5hkscs": "Big5 (Chinese)", "gb18030": "GB 18030 (Chinese)", "cp949": "EUC-KR (Korean)",
    "euc_jis_2004": "EUC-JP (Japanese)",
}  # fmt: skip


def guess_encodings(sample: bytes) -> list[str]:
    """Returns the encodings that the letters of a text speak for, the likeliest first.

    >>> guess_encodings("имя;город\\nАнна;Москва\\n".encode("cp1251"))[0]
    'cp1251'
    """
    lines = b"\n".join(dict.fromkeys(LINE.findall(sample)))
    if len(set(RUN.findall(lines))) < MIN_RUNS:
        return []
    scores = _score(lines, COMMON)
    for name in filter(scores.__contains__, CAPITALS):
        small_letters = lines.decode(name, "ignore").lower().encode(name, "ignore")
        scores[name] = max(scores[name], _score(small_letters, (name,)).get(name, 0.0))
    best = max(scores.values(), default=0.0)
    has_controls = bool(re.search(rb"[\x80-\x9f]", lines))  # control characters in ISO 8859
    fitting = (name for name in COMMON if name in scores)
    fitting = (name for name in fitting if not (has_controls and name.startswith("iso8859")))
    return sorted(fitting, key=lambda name: max(-scores[name], -NEAR_TIE * best))


def _score(text: bytes, encodings: Sequence[str]) -> dict[str, float]:
    """Returns how well encodings fit a text; those that cannot decode it are missing."""
    import chardet

    results = chardet.detect_all(
        text, ignore_threshold=True, compat_names=False, include_encodings=encodings
    )
    return {name: each["confidence"] for each in results if (name := each["encoding"])}


def describe_encoding(name: str) -> str:
    """Returns an encoding as a sentence names it."""
    return SCRIPTS.get(name, name.upper())
