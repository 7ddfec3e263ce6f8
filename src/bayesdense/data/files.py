"""Find the files of a dataset's tables, and read each as rows of text.

CSV, compressed CSV, spreadsheets and parquet files all become the same text
cells, so that there is one validation. Nothing is unpickled or evaluated, and
no path outside the folder is opened.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import pandas as pd

from bayesdense.data.cells import as_text, infer_extra
from bayesdense.data.schema import NEAR_NAMES, SCHEMA, TABLE_NAMES, squash
from bayesdense.errors import DataError, Problem, near_match

__all__ = ["ENDINGS", "TableFile", "content_of", "find_files", "parse_file"]

ENDINGS = (".csv", ".csv.gz", ".xlsx", ".ods", ".parquet")
"""How the names of files that are read may end."""

# Tables in these are not read, and are not to be passed over in silence either.
_OTHER_ENDINGS = (
    *(".tsv", ".txt", ".xls", ".xlsm", ".json", ".jsonl", ".feather", ".arrow", ".tab"),
    *(".csv.zip", ".zip", ".csv.bz2", ".csv.xz", ".csv.zst", ".tsv.gz", ".parquet.gz"),
)
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_TITLE_ROWS = 10

# A frame of text, and the line of each row where the file has lines.
Parsed = tuple[pd.DataFrame, list[int] | None]


@dataclass(frozen=True)
class TableFile:
    """A file that holds one table."""

    table: str
    name: str
    content: bytes

    def wrong(
        self, message: str, line: int | None = None, value: str | None = None, kind: str = ""
    ) -> Problem:
        """Return a problem of the file, or of one of its lines."""
        return Problem(self.table, line, None, value, message, "line", kind)


def content_of(folder: Traversable, name: str) -> bytes | None:
    """Return what a file of a folder holds; None where there is no such file.

    Raises
    ------
    DataError
        When the file is there and cannot be read.
    """
    file = folder.joinpath(name)
    try:
        return file.read_bytes() if file.is_file() else None
    except OSError as error:
        raise DataError(f"file {name} cannot be read: {error.strerror or error}.") from None


def find_files(folder: Traversable) -> tuple[dict[str, TableFile], list[Problem]]:
    """Find the file of each table.

    Parameters
    ----------
    folder : Traversable
        An existing folder.

    Returns
    -------
    dict of str to TableFile, list of Problem
        The files by table, and what is wrong: a table with two files, a
        required one without any, a file with a table that cannot be read.

    Raises
    ------
    DataError
        When a file cannot be read.
    """
    files: dict[str, TableFile] = {}
    problems: list[Problem] = []
    present = sorted(child.name for child in folder.iterdir())
    for table in TABLE_NAMES:
        names = [table + ending for ending in ENDINGS if table + ending in present]
        if len(names) > 1:
            message = f"{' and '.join(names)} are both there; keep the one that is to be read"
            problems.append(Problem(table, None, None, None, message))
        elif names:
            content = content_of(folder, names[0])
            if content is not None:
                files[table] = TableFile(table, names[0], content)
                continue
        else:
            problems += _not_found(table, present)
    return files, problems


def _not_found(table: str, present: Sequence[str]) -> list[Problem]:
    """Say that a table has no file, and which of those present was probably meant."""
    as_csv = f"{table}.csv"
    lowered = [n for n in present if n != n.casefold() and n.casefold() in _names(table, ENDINGS)]
    other = [n for n in present if n.casefold() in _names(table, _OTHER_ENDINGS)]
    if lowered:
        hint = f"rename {lowered[0]} to {lowered[0].casefold()}"
    elif other:
        hint = f"{other[0]} is not read, save it as {as_csv}"
    elif SCHEMA[table].optional:
        return []
    else:
        found = [n for n in present if n.casefold().endswith((*ENDINGS, *_OTHER_ENDINGS))]
        stems = [n.partition(".")[0] for n in found if n.partition(".")[0] not in TABLE_NAMES]
        near = near_match(table, stems)
        hint = f"the folder has {', '.join(found) or 'no CSV file'}"
        if near.startswith("did you mean"):
            meant = near.split("'")[1]
            renamed = next(n for n in found if n.partition(".")[0] == meant)
            hint = f"rename {renamed} to {table}{renamed[len(meant) :]} if it is that; {hint}"
    return [Problem(table, None, None, None, f"file {as_csv} is missing; {hint}")]


def _names(table: str, endings: Sequence[str]) -> set[str]:
    return {table + ending for ending in endings}


def parse_file(file: TableFile) -> Parsed | list[Problem]:
    """Read one file as a frame of text, its columns that the schema does not know typed.

    Parameters
    ----------
    file : TableFile
        What was found.

    Returns
    -------
    tuple of pandas.DataFrame and list of int, or list of Problem
        The rows with their lines (None for parquet, which has no lines), or
        what is wrong with the file.
    """
    parse: Callable[[TableFile], Parsed | list[Problem]] = _parse_csv
    if file.name.endswith(".parquet"):
        parse = _parse_parquet
    elif file.name.endswith((".xlsx", ".ods")):
        parse = _parse_spreadsheet
    elif file.name.endswith(".gz"):
        try:
            file = TableFile(file.table, file.name, gzip.decompress(file.content))
        except (OSError, EOFError, zlib.error):
            return [file.wrong(f"file {file.name} is no complete gzip file; compress it again")]
    parsed = parse(file)
    if isinstance(parsed, list):
        return parsed
    frame, lines = parsed
    known = SCHEMA[file.table].column_names
    for name in frame.columns[~frame.columns.duplicated(keep=False)]:
        if name not in known:
            frame[name] = infer_extra(frame[name].tolist())
    return frame, lines


# -- CSV -------------------------------------------------------------------------------------


def _decoded(file: TableFile) -> str | Problem:
    """Return the text of a file, or what is wrong with it."""
    line = None
    name, content = file.name, file.content
    if not content.strip():
        message = f"file {name} is empty; it needs a header and rows"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = f"file {name} is UTF-16; save it as UTF-8"
    elif content.startswith(b"\x1f\x8b"):
        message = f"file {name} is compressed; name it {file.table}.csv.gz"
    elif content.startswith(b"PAR1"):
        message = f"file {name} is a parquet file; name it {file.table}.parquet"
    elif content.startswith(b"PK\x03\x04"):
        message = (
            f"file {name} is binary, a spreadsheet or a zip file; name it {file.table}.xlsx if it "
            "is a spreadsheet, else unpack it"
        )
    elif b"\0" in content:
        message = f"file {name} is binary; allowed is comma-separated text in UTF-8"
    else:
        try:
            # Spreadsheets put a byte-order mark before UTF-8; it has one meaning, so it is taken.
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            message = f"file {name} is not UTF-8; save it as UTF-8"
    return file.wrong(message, line)


def _parse_csv(file: TableFile) -> Parsed | list[Problem]:
    text = _decoded(file)
    if isinstance(text, Problem):
        return [text]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    before = 0
    unreadable: list[Problem] = []
    try:
        for row in reader:
            rows.append(row)
            lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        message = f"the line cannot be read as CSV: {error}"
        unreadable.append(file.wrong(message, reader.line_num))
    return _as_table(file, rows, lines, unreadable)


def _as_table(
    file: TableFile, rows: list[list[str]], lines: list[int], unreadable: list[Problem]
) -> Parsed | list[Problem]:
    """Make a frame of rows of text, the first of which that is not blank is the header."""
    # Spreadsheets save blank rows as rows of empty cells: they say nothing, as blank lines do.
    filled = [at for at, row in enumerate(rows) if any(cell.strip() for cell in row)]
    rows, lines = [rows[at] for at in filled], [lines[at] for at in filled]
    if rows:
        problem = _header_problem(file, rows, lines)
        if problem is not None:
            return [problem]
    elif not unreadable:
        return [file.wrong(f"file {file.name} is empty; it needs a header and rows")]
    width = len(rows[0]) if rows else 0
    problems: list[Problem] = []
    for row, line in zip(rows[1:], lines[1:], strict=True):
        # Nor do empty cells say anything that are beyond the last column.
        while len(row) > width and not row[-1].strip():
            row.pop()
        if len(row) != width:
            problems.append(_length_problem(file, row, line, width))
    problems += unreadable
    if problems:
        return problems
    frame = pd.DataFrame(rows[1:], columns=pd.Index(rows[0], dtype=object), dtype=object)
    keep = [at for at in range(width) if rows[0][at].strip() or not _says_nothing(frame, at)]
    frame = frame.iloc[:, keep]
    if any(not name.strip() for name in frame.columns):
        message = "the header has a column without a name; name it, or leave the column out"
        return [file.wrong(message, lines[0], ",".join(rows[0]))]
    return frame, lines[1:]


def _says_nothing(frame: pd.DataFrame, at: int) -> bool:
    """Whether a column without a name is empty, or only counts the rows as pandas does."""
    cells = frame.iloc[:, at].tolist()
    counted = at == 0 and any(
        cells == [str(number) for number in range(start, start + len(cells))] for start in (0, 1)
    )
    return counted or not any(cell.strip() for cell in cells)


def _length_problem(file: TableFile, row: Sequence[str], line: int, width: int) -> Problem:
    if row[0].lstrip().startswith("#"):
        return file.wrong("the line is a comment; take out lines that begin with '#'", line)
    message = f"the row has {len(row)} cells; the header has {width}"
    if len(row) > width:
        hint = " (text that holds a comma must be in double quotes, and numbers have a point)"
    else:
        hint = " (an empty cell needs its comma too)"
    return file.wrong(message + hint, line)


def _header_problem(
    file: TableFile, rows: Sequence[Sequence[str]], lines: Sequence[int]
) -> Problem | None:
    """Say once what is wrong with all rows: separators, a title above, no header at all."""
    hits = [_known_names(file.table, row) for row in rows[:_TITLE_ROWS]]
    # Below a header, text may hold anything.
    for line, row, found in zip(lines, rows[:1] if hits[0] else rows, hits, strict=False):
        for delimiter, name in _DELIMITERS.items():
            if _known_names(file.table, ",".join(row).split(delimiter)) > found:
                message = f"cells are separated by {name}; cells must be separated by commas"
                more = ", and numbers must have a decimal point" if delimiter == ";" else ""
                return file.wrong(message + more, line)
    if hits[0]:
        return None
    if max(hits) > 1:
        # A data row may hold one of the words; a header holds two of them.
        line = lines[hits.index(max(hits))]
        what = "comment" if rows[0][0].lstrip().startswith("#") else "title or other text"
        message = f"a {what} is above the header, which is in line {line}; take out what is above"
        return file.wrong(message, lines[0], ",".join(rows[0]).rstrip(","))
    needed = ", ".join(SCHEMA[file.table].required_names)
    message = f"the first line names no column of this table; it must be a header with {needed}"
    return file.wrong(message, lines[0], ",".join(rows[0]).rstrip(","))


def _known_names(table: str, cells: Sequence[str]) -> int:
    """Return how many cells are names of columns or near them; 0 if one alone is near."""
    names = SCHEMA[table].column_names
    own = {squash(name) for name in names}
    near = {squash(other) for name in names for other in NEAR_NAMES.get(name, ())} - own
    squashed = [squash(cell) for cell in cells]
    n_own, n_near = (sum(cell in known for cell in squashed) for known in (own, near))
    # Data may hold one such word, as 'base' or 'ref'.
    return n_own + n_near if n_own or n_near > 1 else 0


# -- spreadsheets and parquet ----------------------------------------------------------------


def _missing_reader(file: TableFile, module: str, package: str) -> Problem | None:
    if importlib.util.find_spec(module) is not None:
        return None
    return file.wrong(
        f"file {file.name} needs the package {package} to be read; install it, or save the table "
        f"as {file.table}.csv"
    )


def _parse_spreadsheet(file: TableFile) -> Parsed | list[Problem]:
    broken = f"file {file.name} is no spreadsheet that can be read; save it as {file.table}.csv"
    # Before the reader is asked for: nobody should install one for a file that is broken.
    if not zipfile.is_zipfile(io.BytesIO(file.content)):
        return [file.wrong(broken)]
    xlsx = file.name.endswith(".xlsx")
    missing = _missing_reader(file, *(("openpyxl", "openpyxl") if xlsx else ("odf", "odfpy")))
    if missing is not None:
        return [missing]
    try:
        sheets = pd.read_excel(
            io.BytesIO(file.content),
            sheet_name=None,
            header=None,
            dtype=object,
            na_filter=False,
            engine="openpyxl" if xlsx else "odf",
        )
    except (ValueError, KeyError, TypeError, OSError, SyntaxError, zipfile.BadZipFile):
        return [file.wrong(broken)]
    rows_of = {
        str(name): [[as_text(cell) for cell in row] for row in frame.to_numpy(dtype=object)]
        for name, frame in sheets.items()
    }
    filled = {name: rows for name, rows in rows_of.items() if any(map(any, rows))}
    if len(filled) > 1:
        # A sheet that is called as the table is, is the table.
        filled = {name: rows for name, rows in filled.items() if name == file.table} or filled
    if len(filled) > 1:
        message = (
            f"file {file.name} has sheets {', '.join(filled)}; keep one, or call one {file.table}"
        )
        return [file.wrong(message)]
    rows = next(iter(filled.values()), [])
    return _as_table(file, rows, list(range(1, len(rows) + 1)), [])


def _parse_parquet(file: TableFile) -> Parsed | list[Problem]:
    broken = f"file {file.name} is no parquet file that can be read; save it as {file.table}.csv"
    if not file.content.startswith(b"PAR1"):
        return [file.wrong(broken)]
    missing = _missing_reader(file, "pyarrow", "pyarrow")
    if missing is not None:
        return [missing]
    try:
        frame = pd.read_parquet(io.BytesIO(file.content), engine="pyarrow")
    except (ValueError, KeyError, TypeError, OSError, NotImplementedError):
        return [file.wrong(broken)]
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    texts = [
        [as_text(cell) for cell in frame.iloc[:, at].to_numpy()] for at in range(frame.shape[1])
    ]
    names = pd.Index([str(name) for name in frame.columns], dtype=object)
    rows = list(zip(*texts, strict=True))
    return pd.DataFrame(rows, columns=names, dtype=object), None
