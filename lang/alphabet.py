"""The alphabets of an SMS: GSM 03.38 with its extension table, UCS-2, and what else a carrier may say that it sends.

Octets here are as SMPP carries them: one septet an octet (never packed), UCS-2 as UTF-16 in network order. Decoding
never raises: what a person wrote is shown as well as it can be.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, NamedTuple

BASIC: Final = (  # GSM 03.38 section 6.2.1, in the order of its codes; 0x1B is the escape to EXTENSION
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION: Final = {  # section 6.2.1.1: each costs two septets, the escape and its own
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
ESCAPE: Final = 0x1B

_ENCODE: Final = {ord(char): bytes([code]) for code, char in enumerate(BASIC) if code != ESCAPE} | {
    ord(char): bytes([ESCAPE, code]) for code, char in EXTENSION.items()
}
_NOT_GSM: Final = re.compile(f"[^{re.escape(''.join(map(chr, _ENCODE)))}]")
_ESCAPED: Final = re.compile("\x1b(.?)", re.DOTALL)
_SEPTETS: Final = re.compile(
    rb"[\x00-\x09\x0b\x0c\x0e-\x1f]|[A-Za-z][\[\\{|]|[{|][A-Za-z]"
)  # of ASCII nobody writes these
_AFTER_ESCAPE: Final = {BASIC[code]: char for code, char in EXTENSION.items()} | {"": " ", "\x1b": " "}


class Coding(IntEnum):
    """The data_coding values that we send (SMPP 3.4 section 5.2.19)."""

    GSM = 0x00  # "SMSC default alphabet"
    UCS2 = 0x08


class Alphabet(Enum):
    """What octets of a text are made of; the value is the Python codec where there is one."""

    GSM = ""
    OCTETS = "octets"
    ASCII = "ascii"
    LATIN_1 = "latin-1"
    JAPANESE = "shift_jis"
    CYRILLIC = "iso8859_5"
    HEBREW = "iso8859_8"
    UCS2 = "utf-16-be"
    JAPANESE_MAIL = "iso2022_jp"
    KOREAN = "euc_kr"


_SMPP_VALUES: Final = {  # SMPP 3.4 section 5.2.19, without pictograms (9) and extended kanji (13)
    0x00: Alphabet.GSM,
    0x01: Alphabet.ASCII,
    0x02: Alphabet.OCTETS,
    0x03: Alphabet.LATIN_1,
    0x04: Alphabet.OCTETS,
    0x05: Alphabet.JAPANESE,
    0x06: Alphabet.CYRILLIC,
    0x07: Alphabet.HEBREW,
    0x08: Alphabet.UCS2,
    0x0A: Alphabet.JAPANESE_MAIL,
    0x0E: Alphabet.KOREAN,
}


def alphabet_of(coding: int) -> Alphabet | None:
    """Return what data_coding *coding* promises, None where neither SMPP 3.4 nor GSM 03.38 section 4 says.

    0x00 to 0x0F are SMPP's own values; above them GSM's groups hold: general (0x10 to 0x7F, without the compressed
    ones), message waiting (0xC0 to 0xEF) and message class (0xF0 to 0xFF).
    """
    if coding < 0x10:
        return _SMPP_VALUES.get(coding)
    if coding < 0x80:
        compressed = coding & 0x20
        return None if compressed else (Alphabet.GSM, Alphabet.OCTETS, Alphabet.UCS2, None)[coding >> 2 & 3]
    if coding < 0xC0:
        return None
    if coding < 0xF0:
        return Alphabet.UCS2 if coding >= 0xE0 else Alphabet.GSM
    return Alphabet.OCTETS if coding & 0x04 else Alphabet.GSM


def is_gsm(text: str) -> bool:
    """Whether GSM 03.38 with its extension table can write *text*."""
    return _NOT_GSM.search(text) is None


def encode(text: str) -> tuple[bytes, Coding]:
    """Return *text* as septets where GSM 03.38 can write it, else as UCS-2 (UTF-16, surrogate pairs for emoji)."""
    if is_gsm(text):
        return codecs.charmap_encode(text, "strict", _ENCODE)[0], Coding.GSM
    return text.encode("utf-16-be", "replace"), Coding.UCS2


def decode_text(octets: bytes, coding: int) -> str:
    """Return the text in *octets*, a whole one: join its parts first, a pair may lie across two.

    What cannot be read becomes U+FFFD. An unknown *coding* (see `alphabet_of`) is read as GSM 03.38, the commonest.
    """
    match alphabet_of(coding) or Alphabet.GSM:
        case Alphabet.GSM:
            return _decode_gsm(octets)
        case Alphabet.OCTETS:
            return _decode_octets(octets)
        case Alphabet.ASCII:
            return _decode_ascii(octets)
        case Alphabet.UCS2:
            return _decode_ucs2(octets)
        case alphabet:
            return octets.decode(alphabet.value, "replace")


def _decode_gsm(octets: bytes) -> str:
    """Read septets. An octet above 0x7F is none: then the carrier's default alphabet is Latin-1 or UTF-8."""
    if not octets.isascii():
        return _decode_octets(octets)
    text = codecs.charmap_decode(octets, "strict", BASIC)[0]
    if "\x1b" not in text:
        return text
    # An unknown pair shows its basic character, a lone escape a space (section 6.2.1, note 1).
    return _ESCAPED.sub(lambda pair: _AFTER_ESCAPE.get(pair[1], pair[1]), text)


def _decode_ascii(octets: bytes) -> str:
    """Read what is called ASCII. Peers built on node-smpp call GSM 03.38 so, others Latin-1: "{" in a word is ä."""
    return octets.decode() if octets.isascii() and not _SEPTETS.search(octets) else _decode_gsm(octets)


def _decode_octets(octets: bytes) -> str:
    """Read octets that nobody named: as UTF-8 where they are, since Latin-1 text hardly ever is by chance."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decode_ucs2(octets: bytes) -> str:
    """Read UTF-16 in network order, or in the order that a byte order mark says; half a character becomes U+FFFD."""
    if octets.startswith(codecs.BOM_UTF16_LE):
        return octets[2:].decode("utf-16-le", "replace")
    return octets.removeprefix(codecs.BOM_UTF16_BE).decode("utf-16-be", "replace")


class Room(NamedTuple):
    """The octets that fit into one SMS: alone, and beside the header that says which part it is."""

    alone: int
    beside_header: int


UDH8_OCTETS: Final = 6  # header of a part with an 8-bit reference; with 16 bits it is one more


def room(coding: Coding, header_octets: int = UDH8_OCTETS) -> Room:
    """Return the room for *coding*: 140 octets, which are 160 septets; the header costs whole septets of them."""
    left = 140 - header_octets
    return Room(160, left * 8 // 7) if coding is Coding.GSM else Room(140, left // 2 * 2)


def cut_parts(octets: bytes, coding: Coding, most: int) -> list[bytes]:
    """Cut encoded *octets* into parts of at most *most*, never inside an escape or a surrogate pair."""
    parts = []
    start = 0
    while start < len(octets):
        end = start + most
        if end < len(octets):
            end -= _half_a_pair(octets, coding, end)
        parts.append(octets[start:end])
        start = end
    return parts or [b""]


def _half_a_pair(octets: bytes, coding: Coding, end: int) -> int:
    """Return how many octets before *end* are the first half of a pair."""
    if coding is Coding.GSM:
        return int(octets[end - 1] == ESCAPE)
    return 2 * (0xD8 <= octets[end - 2] <= 0xDB)


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs: *count* SMS, *units* septets or UCS-2 units, and the first character that forces UCS-2."""

    count: int
    coding: Coding
    units: int
    culprit: str | None


def segments(text: str) -> Segments:
    """Return what *text* costs when its parts carry an 8-bit reference (160 and 153 septets, 70 and 67 units)."""
    octets, coding = encode(text)
    alone, beside_header = room(coding)
    count = 1 if len(octets) <= alone else len(cut_parts(octets, coding, beside_header))
    culprit = _NOT_GSM.search(text)
    return Segments(count, coding, len(octets) // (2 if culprit else 1), culprit and culprit[0])


_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\t", " ")
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")
    | dict.fromkeys("‘’‚‛′´`", "'")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"…": "...", "\u2028": "\n", "\u2029": "\n"}
)


def plain(text: str) -> str:
    """Return *text* with typographic spaces, quotes and dashes as GSM 03.38 has them, and ä as one character.

    Everything else stays: a name keeps its letters even where they cost UCS-2.
    """
    return unicodedata.normalize("NFC", text).translate(_PLAIN).replace("\r\n", "\n")
