"""`safelight pack …`: make the signed referral pack of a decided conversation, and check one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import say
from pipeline.cli.exit_codes import ExitCode
from pipeline.errors import ReviewError

app = typer.Typer(help="Make referral packs, and check them.", no_args_is_help=True, rich_markup_mode=None)

_NEEDED = ("cryptography", "typst", "fontTools", "spacy")


def require_packs() -> None:
    """Say that the review's extra is missing, where it is."""
    from importlib.util import find_spec

    for package in _NEEDED:
        if find_spec(package) is None:
            raise ReviewError(
                f"referral packs need {package}, which is not installed", do="Install it: pip install 'safelight[review]'"
            )


@app.command()
def make(
    run: Annotated[Path, typer.Argument(help="The folder of the run.", show_default=False)],
    conversation: Annotated[str, typer.Argument(help="The id of the conversation.", show_default=False)],
    key: Annotated[Path, typer.Option(help="The key that signs; `safelight pack key` makes one.")],
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    store: Annotated[str, typer.Option("--store", envvar="SAFELIGHT_STORE", help="The store of the review.")] = "review.db",
    unredacted: Annotated[bool, typer.Option("--unredacted", help="Leave names and words as they are. A lead's decision.")] = False,
    export: Annotated[
        list[Path] | None,
        typer.Option(help="Where an original export lies now, for a run without text. May be given several times."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there already.")] = False,
) -> None:
    """Write the referral pack of a decided conversation; the export is noted in the audit log before the file appears."""
    require_packs()
    import hashlib

    from pipeline.output import new_file
    from pipeline.results import open_run
    from pipeline.review.audit import append, entries
    from pipeline.review.audit_head import note_head
    from pipeline.review.decisions import number_of, read_decisions
    from pipeline.review.index import require_kept
    from pipeline.review.originals import read_originals
    from pipeline.review.pack import make_pack
    from pipeline.review.records import ConversationKey
    from pipeline.review.referral.signing import read_private_key
    from pipeline.review.serve import actor_name
    from pipeline.review.store import open_store

    if "://" not in store and not Path(store).is_file():
        raise ReviewError("there is no store", where=store, do="Give --store as you gave it to `safelight review`")
    signing = read_private_key(key)
    opened = open_run(run)
    about = ConversationKey(opened.id, conversation)
    has_text = opened.record["settings"]["text"] == "include"
    kept = open_store(store)
    try:
        with kept.reading() as connection:
            require_kept(connection, opened)
            decisions = list(read_decisions(connection, number=number_of(connection, about)))
            audit = list(entries(connection, subject=about.subject))
        original = None if has_text else read_originals(opened, [conversation], exports=export)[conversation]
        pack = make_pack(
            opened, conversation, decisions=decisions, audit=audit, key=signing, redacted=not unredacted, original=original
        )
        with new_file(out, overwrite=overwrite) as file:
            file.write_bytes(pack)
            with kept.writing() as connection:
                digest = hashlib.sha256(pack).hexdigest()
                append(connection, actor_name(), "export", about.subject, redacted=not unredacted, sha256=digest)
            note_head(kept)
    finally:
        kept.close()
    say(f"{out}: {'NOT redacted' if unredacted else 'redacted; read it before you send it'}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The pack.", show_default=False)],
    key: Annotated[Path, typer.Option(help="The public key of whoever made it: the .pub file.")],
) -> None:
    """Check the signature and every file of a pack, and name what was changed; exit code 1 when something was."""
    require_packs()
    from pipeline.review.referral.signing import check_pack, fingerprint, read_public_key

    public = read_public_key(key)
    checked = check_pack(file, public)
    for problem in checked.problems:
        say(f"{file}: {problem}")
    if checked.problems:
        raise typer.Exit(ExitCode.FOUND)
    manifest = checked.manifest
    say(
        f"{file}: unchanged. Pack {manifest['reference']}, {'redacted' if manifest['redacted'] else 'NOT redacted'}, "
        f"{len(manifest['files'])} files"
    )
    say(f"signed {manifest['signed_at']} with the key {fingerprint(public)}")


@app.command("key")
def key_(
    out: Annotated[Path, typer.Argument(help="Where to write the private key; the public one goes beside it as .pub.")] = Path(
        "review-key.pem"
    ),
) -> None:
    """Make the key that signs referral packs."""
    require_packs()
    from pipeline.review.referral.signing import fingerprint, new_key, read_public_key

    public = new_key(out)
    say(f"{out}: keep it where only those who may sign can read it")
    say(f"{public}: give it to whoever gets packs, and its fingerprint by another way:")
    say(fingerprint(read_public_key(public)))
