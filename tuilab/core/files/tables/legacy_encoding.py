"""Guesses the older encoding of a text that is not UTF-8, where its bytes leave little doubt."""

import codecs
import re
from collections import Counter

MIN_BYTES = 6
"""With fewer bytes outside ASCII there is no evidence."""

MIN_RUN = 2.5
"""Letters of other scripts stand in words of their own; accents stand alone between ASCII."""

MIN_SHARE = 0.9
"""The share of the characters outside ASCII that must be letters of the script."""

RUN = re.compile(rb"[\x80-\xff]+")

PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")

TOUCHING = re.compile(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")

MAX_TOUCHING = 0.3
"""The share of letters that may touch one of ASCII, as accents in Latin words do."""

HANGUL_LEADS = range(0xB0, 0xC9)
"""First bytes of Korean syllables in EUC-KR; Chinese in GB 2312 goes on to 0xF7."""

ENCODING_NAMES = {
    "cp1251": "Windows-1251 (Cyrillic)", "cp1253": "Windows-1253 (Greek)",
    "koi8_r": "KOI8-R (Cyrillic)", "cp932": "Shift JIS (Japanese)", "gb18030": "GB 18030 (Chinese)",
    "cp949": "EUC-KR (Korean)", "cp1252": "Windows-1252", "latin-1": "Latin-1",
}  # fmt: skip


def guess_legacy(sample: bytes) -> str:
    """Returns the encoding of a text in another script than the Latin one; "" if it is not.

    >>> guess_legacy("имя;город\\nАнна;Москва\\n".encode("cp1251"))
    'cp1251'
    >>> guess_legacy("größe;straße\\nzwölf;übel\\n".encode("cp1252"))
    ''
    """
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    return _guess_two_bytes(sample) or _guess_one_byte(sample)


def _guess_two_bytes(sample: bytes) -> str:
    """Returns an encoding of Japanese, Chinese or Korean, which have two bytes a character."""
    leads = [pair[0] for pair in PAIR.findall(sample)]
    for name in ("cp932", "cp949", "gb18030"):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        others = [character for character in text if not character.isascii()]
        if len(others) < MIN_BYTES // 2 or not _are_of_script(others, name):
            continue
        if MAX_TOUCHING * len(others) < len(TOUCHING.findall(text)):
            continue
        if name == "cp932" and not _has_low_leads(leads):
            continue
        if name == "cp949" and not all(lead in HANGUL_LEADS for lead in leads):
            continue
        if name == "gb18030" and min(leads, default=0) < 0xA1:
            continue
        return name
    return ""


def _has_low_leads(leads: list[int]) -> bool:
    """Returns whether first bytes are those that only Shift JIS has: 0x81 to 0x9F."""
    return 2 * sum(0x81 <= lead <= 0x9F for lead in leads) > len(leads)


def _are_of_script(characters: list[str], encoding: str) -> bool:
    """Returns whether nearly all characters are those of East Asia, and of the right country."""
    ranges = [(0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xFF01, 0xFF60)]
    if encoding == "cp949":
        ranges = [(0xAC00, 0xD7A3)]
    fitting = sum(any(low <= ord(c) <= high for low, high in ranges) for c in characters)
    return fitting >= MIN_SHARE * len(characters)


def _guess_one_byte(sample: bytes) -> str:
    """Returns an encoding of Cyrillic or Greek, which have one byte a letter."""
    runs = RUN.findall(sample)
    count = sum(map(len, runs))
    if count < MIN_BYTES or count < MIN_RUN * len(runs):
        return ""
    inner = Counter(b"".join(run[1:] for run in runs))
    accented = sum(inner[byte] for byte in range(0xDC, 0xE0))  # άέήί; Ь, Э, Ю, Я only begin words
    is_lower = 2 * sum(inner[byte] for byte in range(0xE0, 0x100)) > inner.total()
    names = ("cp1253",) if accented > inner[0xE0] and is_lower else ("cp1251", "koi8_r")
    texts = {name: codecs.decode(sample, name, "replace") for name in names}
    name = max(names, key=lambda name: sum(map(texts[name].lower().count, "оаеи")))
    low, high = ("Ͱ", "Ͽ") if name == "cp1253" else ("Ѐ", "ӿ")
    others = [character for character in texts[name] if not character.isascii()]
    fitting = sum(low <= character <= high for character in others)
    return name if fitting >= MIN_SHARE * len(others) else ""
