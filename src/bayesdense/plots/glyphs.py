"""Names in any script: fonts for what the usual one lacks, and a plain substitute without them."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.text import Text
from matplotlib.ticker import Formatter, FuncFormatter

__all__ = ["MISSING_GLYPH", "SUBSTITUTE", "families", "show_all_characters"]

MISSING_GLYPH = r"Glyph \d+ .*missing from font"
"""How the warning of Matplotlib begins."""

SUBSTITUTE = "?"
"""Stands for each character that no font has."""

USUAL = "DejaVu Sans"

# What systems and font packages have for Chinese, Japanese, Korean, Devanagari and Thai.
OTHERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Symbols 2",
    "Noto Emoji",
    "Arial Unicode MS",
    "Unifont",
)


@cache
def families() -> tuple[str, ...]:
    """Return the usual font and those that are installed for other scripts.

    Returns
    -------
    tuple of str
        In the order in which a character is looked for.
    """
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return (USUAL, *(name for name in OTHERS if name in installed))


def show_all_characters(artist: Artist) -> None:
    """Replace the characters of all texts that no font has: they would be empty boxes.

    Parameters
    ----------
    artist : matplotlib.artist.Artist
        A figure or axes, with all that is in them.
    """
    for axis in artist.findobj(Axis):
        # Labels of ticks are made anew whenever they are drawn.
        if isinstance(axis, Axis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            if any(label != _shown(label) for label in labels):
                axis.set_major_formatter(_plain(axis.get_major_formatter()))
    for text in artist.findobj(Text):
        if isinstance(text, Text):
            shown = _shown(text.get_text())
            if shown != text.get_text():
                text.set_text(shown)


def _plain(labels: Formatter) -> Formatter:
    return FuncFormatter(lambda value, place: _shown(labels(value, place)))


def _shown(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c if c.isspace() or ord(c) in _known() else SUBSTITUTE for c in text)


@cache
def _known() -> frozenset[int]:
    """Return every character that one of the fonts has."""
    known: set[int] = set()
    for name in families():
        known |= set(font_manager.get_font(font_manager.findfont(name)).get_charmap())
    return frozenset(known)
