"""Text files as programs write them: UTF-8, or UTF-16 with its byte order mark."""

import codecs


def decode_text(content: bytes) -> str:
    """Decodes a text; UnicodeDecodeError if it is neither UTF-8 nor UTF-16 with its mark."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")
