"""How exports are read: the options that the commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.ingest import ReadOptions

Paths = Annotated[
    list[str],
    typer.Argument(
        help="Exports: files, folders or archives; with an extra also addresses such as s3://bucket/night, gs://… and az://…",
        show_default=False,
    ),
]
FormatOption = Annotated[str | None, typer.Option("--format", help="Read as this format, instead of telling it from the content.")]
DateOrderOption = Annotated[
    Literal["dmy", "mdy", "ymd"] | None,
    typer.Option(
        "--date-order", help="Whether 03/04 is the 3rd of April (dmy) or March 4th (mdy), or 22/04/03 begins with its year (ymd)."
    ),
]
TimezoneOption = Annotated[
    str | None, typer.Option("--timezone", help="Where the exporting phone was, such as Europe/London; for formats without a zone.")
]
ColumnOption = Annotated[
    list[str] | None, typer.Option("--column", help="In tables: field=column, such as text=body. May be given several times.")
]
MemberOption = Annotated[int, typer.Option("--max-member-bytes", help="How much one member of an archive may unpack to.")]
MergeOption = Annotated[
    Literal["auto", "never", "always"],
    typer.Option(
        "--merge", help="Make one of a chat that stands in several exports: where that is sure, never, or wherever it may be one."
    ),
]
LinksOption = Annotated[bool, typer.Option("--follow-links", help="Follow links that lead out of a folder.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="End with 3 where any file was passed over.")]

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")]

DEFAULT_MEMBER_BYTES = 512 * 1024 * 1024


def read_options(
    format_: str | None,
    date_order: Literal["dmy", "mdy", "ymd"] | None,
    timezone: str | None,
    columns: list[str] | None,
    max_bytes: int,
    merge: Literal["auto", "never", "always"],
    follow_links: bool,
) -> ReadOptions:
    """Return what the options say.

    Raises
    ------
    ConfigError
        When a format, a time zone or a column is not of the form that is needed.
    """
    from pipeline.ingest import ReadOptions
    from pipeline.ingest.detection.detect import FORMATS

    if format_ is not None and format_ not in FORMATS:
        raise ConfigError(f"--format {format_} is not known", do=f"Choose from {', '.join(FORMATS)}")
    return ReadOptions(
        format=format_,
        date_order=date_order,
        timezone=_zone(timezone),
        columns=read_columns(columns),
        max_member_bytes=max_bytes,
        merge=merge,
        follow_links=follow_links,
    )


def _zone(name: str | None) -> ZoneInfo | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"--timezone {name} is not known", do="Give a name such as Europe/London") from error


def read_columns(texts: list[str] | None) -> dict[str, str]:
    """Return which column holds which field.

    Raises
    ------
    ConfigError
        When one is not of the form field=column.
    """
    return dict(_column(text) for text in texts or ())


def _column(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not (field and equals and column):
        raise ConfigError(f"--column {text} is not of the form field=column", do="Write for example --column text=body")
    return field, column
