"""Which characters a proposal may contain (the text a reviewer sees must be the text that is parsed)."""

import re
import unicodedata

from gateway.parsing.result import Refusal

MAX_TEXT_BYTES = 16 * 1024
MAX_BLANK_RUN = 64
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BLANK_RUN = re.compile(rf"[ \t\n]{{{MAX_BLANK_RUN + 1},}}")
# Letters and marks that display as nothing although their category is harmless (Default_Ignorable_Code_Point).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def decode(data: bytes) -> str | Refusal:
    """Return the text of a proposal; spans of refusals are byte offsets."""
    if len(data) > MAX_TEXT_BYTES:
        return Refusal("TEXT_TOO_LONG", (MAX_TEXT_BYTES, len(data)), {"bytes": len(data), "max": MAX_TEXT_BYTES})
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        return Refusal("TEXT_NOT_UTF8", (exc.start, exc.end))
    refusal = check(text)
    if refusal is not None:
        return refusal
    run = _BLANK_RUN.search(text)
    return Refusal("TEXT_BLANK_RUN", _span(text, *run.span()), {"max": MAX_BLANK_RUN}) if run else text


def check(text: str) -> Refusal | None:
    """Refuse text that parsers or people may read in two ways; newline and tab are left to the caller."""
    control = _CONTROL.search(text)
    if control:
        code_point = f"U+{ord(control[0]):04X}"
        return Refusal("TEXT_CONTROL_CHARACTER", _span(text, *control.span()), {"character": code_point})
    if text.isascii():
        return None
    if not unicodedata.is_normalized("NFC", text):
        return Refusal("TEXT_NOT_NFC", (0, len(text.encode("utf-8", "replace"))))
    for index, character in enumerate(text):
        code = None if character.isascii() else _doubt(character)
        if code is not None:
            return Refusal(code, _span(text, index, index + 1), {"character": f"U+{ord(character):04X}"})
    return None


def byte_offsets(text: str) -> tuple[int, ...]:
    """Return the byte offset of every character, and of the end."""
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + len(character.encode("utf-8", "replace")))
    return tuple(offsets)


def _doubt(character: str) -> str | None:
    category = unicodedata.category(character)
    if category[0] in "CZ" or _IGNORABLE.match(character):
        return "TEXT_INVISIBLE_CHARACTER"
    folded = unicodedata.normalize("NFKC", character)
    return "TEXT_LOOKALIKE" if any(c.isascii() for c in folded) else None


def _span(text: str, start: int, end: int) -> tuple[int, int]:
    before = len(text[:start].encode("utf-8", "replace"))
    return before, before + len(text[start:end].encode("utf-8", "replace"))
