"""The page of a link run: the strongest patterns with their reasons and what is not known, and whom to read first."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from itertools import islice
from pathlib import Path

from jinja2 import PackageLoader
from markupsafe import Markup

from pipeline.link.schemas import LINK
from pipeline.link.tables import TITLES, read_accounts, read_identity_links, read_patterns
from pipeline.output import private_file
from pipeline.report.build import page_environment

STRONGEST = 5
FIRST = 20


def write_report(folder: Path, out: Path) -> None:
    """Write the page of a link run in ``folder``: one file without any script, which asks the network for nothing."""
    style = files("pipeline.report").joinpath("report.css").read_text("utf-8") + files("pipeline.link").joinpath(
        "link.css"
    ).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode()
    record = json.loads((folder / LINK).read_text("utf-8"))
    page = page_environment(PackageLoader("pipeline.link", ".")).get_template("link.html")
    names = {account.account: account.name for account in read_accounts(folder) if account.name}
    content = page.render(
        record=record,
        patterns=list(islice(read_patterns(folder), STRONGEST)),
        accounts=list(islice((account for account in read_accounts(folder) if account.priority > 0), FIRST)),
        links=list(islice(read_identity_links(folder), FIRST)),
        names=names,
        titles=TITLES,
        style=Markup(style),  # noqa: S704 - our own files
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )
    private_file(out).write_text(content, "utf-8", errors="replace")
