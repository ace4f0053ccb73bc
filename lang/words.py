"""The reading half of the language files: one `[reading]` table a language, the file's name is the language's code."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_HOUSE_ORDER = ("fi", "sv", "en")

Words = dict[str, Any]


def read_words(folder: Path = HERE) -> dict[str, Words]:
    """The `[reading]` table of every language file in *folder*, Finnish, Swedish and English first.

    Raises tomllib.TOMLDecodeError when a file is no TOML.
    """
    found: dict[str, Words] = {}
    for path in sorted(folder.glob("*.toml"), key=_house_order):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if "reading" in table:
            found[path.stem] = table["reading"]
    return found


def _house_order(path: Path) -> tuple[int, str]:
    code = path.stem
    return (_HOUSE_ORDER.index(code) if code in _HOUSE_ORDER else len(_HOUSE_ORDER), code)
