"""What a notebook shows of an object: a headline, its verdict, and a small table."""

from __future__ import annotations

import html
from collections.abc import Iterable

import pandas as pd

__all__ = ["card"]

MOST_ROWS = 20


def card(headline: str, *lines: str, table: pd.DataFrame | None = None) -> str:
    """Return an object as HTML; all text is escaped.

    Parameters
    ----------
    headline : str
        What it is, in a line.
    *lines : str
        What to know of it, such as the verdict; empty ones are left out.
    table : pandas.DataFrame, optional
        Its figures; of a long table the first rows.

    Returns
    -------
    str

    Examples
    --------
    >>> card("A & B", "", "not to be trusted")
    '<p><b>A &amp; B</b><br>not to be trusted</p>'
    """
    text = [f"<b>{_escaped(headline)}</b>", *map(_escaped, _filled(lines))]
    parts = [f"<p>{'<br>'.join(text)}</p>"]
    if table is not None and len(table):
        shown = table.head(MOST_ROWS)
        # With several digits more, the width of a table hides what it says.
        parts.append(shown.to_html(index=False, border=0, float_format=lambda v: f"{v:.3g}"))
        if len(table) > len(shown):
            parts.append(f"<p>{len(table) - len(shown):,} more rows</p>")
    return "".join(parts)


def _filled(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if line]


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
