"""Tables that accompany shapes: CSV or JSONL with a row an object, and captions by id.

Column names follow the habits of the field: the file is `path`, `file`, `file_name` or `filename`, the label `label` or
`class`.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ...errors import DataError
from ..records import read_rows
from .found import open_json

PATH_COLUMNS = ("path", "file", "file_name", "filename")
LABEL_COLUMNS = ("label", "class", "class_name")
TEXT_COLUMNS = ("id", "name", "category", "split", "license", "creator", "up_axis", "source")
LIST_COLUMNS = ("colors", "tags", "synonyms", "captions", "images")
CAPTION_COLUMNS = ("caption", "text", "description")
NAMES = ("metadata.csv", "metadata.jsonl", "labels.csv")  # found without being named


def read_table(path: Path) -> list[dict]:
    """Rows with `where` and those of the keys path, label, TEXT_COLUMNS and LIST_COLUMNS that they fill.

    Raises:
        DataError: the table can't be read, or has no column of paths.
    """
    rows = _jsonl(path) if path.suffix.lower() in (".jsonl", ".ndjson") else read_csv(path)
    if rows and not any(column in row for row in rows for column in PATH_COLUMNS):
        raise DataError(f"{path}: has no column of paths; name one of its columns {' or '.join(PATH_COLUMNS)}")
    return [_normalised(row) for row in rows]


def read_csv(path: Path) -> list[dict]:
    """Rows of a CSV file as dictionaries, with `where`; separator , ; or tab."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: can't be read as a table ({error}); save it as CSV in UTF-8") from error
    return [{**{(key or "").strip().lower(): value for key, value in row.items() if isinstance(value, str)},
             "where": f"{path}: row {number}"} for number, row in enumerate(rows, start=2)]


def _jsonl(path: Path) -> list[dict]:
    return [{**row.fields, "where": row.where} for row in read_rows(path)]


def _normalised(row: dict) -> dict:
    found = {"where": row["where"]}
    for key, columns in (("path", PATH_COLUMNS), ("label", LABEL_COLUMNS)):
        found[key] = next((str(row[c]).strip() for c in columns if row.get(c)), None)
    for column in TEXT_COLUMNS:
        if row.get(column):
            found[column] = str(row[column]).strip()
    for column in LIST_COLUMNS:
        if row.get(column):
            value = row[column] if isinstance(row[column], list) else str(row[column]).split(";")
            found[column] = [str(v).strip() for v in value if str(v).strip()]
    captions = [str(row[c]).strip() for c in CAPTION_COLUMNS if row.get(c)]
    if captions:
        found["captions"] = [*found.get("captions", []), *captions]
    size = row.get("size_m")
    if isinstance(size, list):
        found["size_m"] = size
    return found


def read_captions(path: Path) -> dict[str, list[str]]:
    """Captions by id: a JSON object {id: sentence or list}, JSONL with `id`, or a CSV of id and caption (with or
    without a header), as those published for Objaverse are."""
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        rows = _jsonl(path)
        return {str(r.get("id") or r.get("uid")): sentences(r) for r in rows if r.get("id") or r.get("uid")}
    if path.suffix.lower() in (".csv", ".tsv"):
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                pairs = [row for row in csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",") if row]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: can't be read as a table of captions ({error})") from error
        if pairs and pairs[0][0].lower() in ("id", "uid", "object_id"):
            pairs = pairs[1:]
        return {row[0]: [text.strip() for text in row[1:] if text.strip()] for row in pairs}
    entries = open_json(path)
    if not isinstance(entries, dict):
        raise DataError(f"{path}: holds no JSON object of captions; write {{\"id\": \"sentence\", …}}")
    return {str(key): sentences(value) for key, value in entries.items()}


def sentences(value: object) -> list[str]:
    """All sentences in a caption entry: a string, a list, or an object with captions in one of the usual fields."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, list):
        return [text for item in value for text in sentences(item)]
    if isinstance(value, dict):
        fields = ("captions", "caption", "text", "texts", "description", "blip_caption", "msft_caption")
        return [text for name in fields for text in sentences(value.get(name))]
    return []
