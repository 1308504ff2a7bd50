"""Accounts that may be one person: evidence with its reason, strength and place in the exports, never a fact.

Links are stars: of several accounts of one number, each is linked to the lowest, so that their count grows with the accounts.
Nothing compares the way people write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import ConfigError
from pipeline.link.keys import Pseudonyms
from pipeline.link.settings import LinkSettings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SEEN = """
CREATE TABLE seen AS
WITH first AS (
    SELECT account, conversation, position, first AS time, 0::BIGINT AS mask, file, line, row, export_id
    FROM takes_part
    QUALIFY row_number() OVER (PARTITION BY account ORDER BY first NULLS LAST, conversation, slot) = 1
)
SELECT account, reference(first, 'the first message of this account in its export', NULL) AS evidence FROM first
"""
"""Of each account the message that shows it first: evidence that the export has it."""

_FOUND = """
CREATE TABLE found AS
SELECT account AS source, account AS target, '' AS reason, 0.0::DOUBLE AS strength, '' AS text, [evidence] AS evidence
FROM seen LIMIT 0
"""

_STAR = """
INSERT INTO found
WITH member AS (SELECT DISTINCT account, same FROM same_accounts WHERE same IS NOT NULL),
star AS (SELECT min(account) OVER (PARTITION BY same) AS source, account AS target FROM member)
SELECT source, target, $reason, $strength, $text, [a.evidence, b.evidence]
FROM star JOIN seen AS a ON a.account = source JOIN seen AS b ON b.account = target
WHERE source <> target
"""
"""Link all accounts of one ``same`` to the lowest of them."""

_SAME = {
    "platform_id": ("same_platform_id", "Both exports call the account by the same id of the same platform."),
    "number": ("same_number", "Both exports call the account by the same phone number."),
    "address": ("same_address", "Both exports call the account by the same address."),
    "handle": ("same_handle", "Both exports call the account by the same handle of the same platform."),
}
_BY_KIND = """
CREATE OR REPLACE TEMP TABLE same_accounts AS
SELECT account, unnest([
    CASE WHEN $across THEN contact ELSE contact || platform END,
    CASE WHEN $across THEN speaker ELSE speaker || platform END
]) AS same
FROM accounts WHERE identifier_kind = $kind
"""
_BY_OTHER_HANDLE = """
CREATE OR REPLACE TEMP TABLE same_accounts AS
SELECT min(account) AS account, contact AS same FROM accounts WHERE identifier_kind = 'handle' GROUP BY contact, platform
"""
"""The lowest account of a platform stands for those that the platform's own handle links to it."""

_BY_NAME = """
CREATE OR REPLACE TEMP TABLE same_accounts AS
SELECT account, speaker || platform AS same FROM accounts WHERE identifier_kind = 'name'
QUALIFY count(*) OVER (PARTITION BY speaker, platform) <= $most
"""

_BY_CHAT = """
CREATE OR REPLACE TEMP TABLE same_accounts AS
SELECT account, fingerprint || ' ' || slot AS same
FROM takes_part JOIN conversations USING (conversation) WHERE conversations.messages >= 4
"""
"""One chat of two exports: what was said, and in which turns, is the same. A few words may be alike by chance."""

_HAND_OVER = """
INSERT INTO found
SELECT least(given.account, other.account), greatest(given.account, other.account), 'hand_over',
    CASE WHEN given.platform = other.platform OR given.contact_kind <> 'handle' THEN $named
        WHEN given.platform IS NULL THEN $unnamed ELSE $elsewhere END,
    CASE WHEN given.platform = other.platform THEN 'One account says where to find it on the platform of the other.'
        ELSE 'One account gives the contact of the other as its own.' END,
    [reference(given, 'gives this contact as their own', span(given.start, given.end)), seen.evidence]
FROM contacts AS given JOIN accounts AS other ON other.contact = given.contact JOIN seen ON seen.account = other.account
WHERE given.kind = 'own_contact' AND given.account <> other.account
"""

_SAME_CONTACT = """
INSERT INTO found
WITH told AS (
    SELECT contact, account, arg_min(evidence, evidence) AS evidence
    FROM (
        SELECT contact, account, reference(given, 'gives this contact as their own', span(given.start, given.end)) AS evidence
        FROM contacts AS given
        WHERE kind = 'own_contact' AND (contact_kind <> 'handle' OR platform IS NOT NULL)
    )
    GROUP BY contact, account
),
star AS (
    SELECT account, evidence, min(account) OVER own AS source, arg_min(evidence, account) OVER own AS first
    FROM told WINDOW own AS (PARTITION BY contact)
)
SELECT source, account, 'same_contact', $strength, 'Two accounts give the same contact as their own.', [first, evidence]
FROM star WHERE source <> account
"""
"""A handle counts where its platform is named beside it: without, a word with a digit in it may be anything."""

_CHANGED = """
INSERT INTO found
SELECT least(old.account, new.account), greatest(old.account, new.account), 'name_changed', $strength,
    'The platform says that one account became the other.',
    [reference(notice, 'a notice of the platform', NULL)]
FROM contacts AS notice
JOIN takes_part AS old ON old.conversation = notice.conversation AND old.speaker = notice.before
JOIN takes_part AS new ON new.conversation = notice.conversation AND new.speaker = notice.contact
WHERE notice.kind = 'name_changed' AND old.account <> new.account
"""

_LINKS = """
CREATE TABLE links AS
SELECT link_digest(source, target, reason) AS link, source, target, reason, max(strength) AS strength,
    max(strength) >= $join AS joined, arg_max(text, (strength, text)) AS text,
    list_sort(list_distinct(flatten(list(evidence))))[:20] AS evidence
FROM found GROUP BY source, target, reason
"""


def find_links(connection: DuckDBPyConnection, settings: LinkSettings, pseudonyms: Pseudonyms) -> None:
    """Make the tables ``links`` and ``persons``; of several reasons between two accounts each is a link of its own."""
    strengths = settings.strengths
    connection.execute(_SEEN)
    connection.execute(_FOUND)
    for kind, (reason, text) in _SAME.items():
        connection.execute(_BY_KIND, {"kind": kind, "across": kind in ("number", "address")})
        _star(connection, reason, getattr(strengths, reason), text)
    connection.execute(_BY_OTHER_HANDLE)
    _star(
        connection,
        "same_handle",
        strengths.other_platform_handle,
        "Two platforms have an account of the same handle; somebody else may have taken it.",
    )
    connection.execute(_BY_NAME, {"most": settings.name_exports})
    _star(connection, "same_name", strengths.same_name, "Both exports show the same display name; many people share names.")
    connection.execute(_BY_CHAT)
    _star(connection, "same_chat", strengths.same_chat, "Both exports hold the same chat, and both accounts say the same in it.")
    connection.execute(
        _HAND_OVER,
        {"named": strengths.hand_over, "unnamed": strengths.hand_over_unnamed, "elsewhere": strengths.other_platform_handle},
    )
    connection.execute(_SAME_CONTACT, {"strength": strengths.same_contact})
    connection.execute(_CHANGED, {"strength": strengths.name_changed})

    def link_digest(source: str, target: str, reason: str) -> str:
        return pseudonyms.digest("link", source, target, reason)

    connection.create_function("link_digest", link_digest)
    connection.execute(_LINKS, {"join": settings.join})
    _persons(connection)


def _star(connection: DuckDBPyConnection, reason: str, strength: float, text: str) -> None:
    connection.execute(_STAR, {"reason": reason, "strength": strength, "text": text})


def _persons(connection: DuckDBPyConnection) -> None:
    """Join accounts over strong links; a person is named by the lowest of its accounts."""
    try:
        import rustworkx
    except ModuleNotFoundError as error:
        raise ConfigError("`safelight link` needs rustworkx", do="Install it with: pip install 'safelight[link]'") from error
    joined = connection.execute("SELECT DISTINCT source, target FROM links WHERE joined ORDER BY ALL").fetchall()
    names = sorted({account for pair in joined for account in pair})
    number = {account: index for index, account in enumerate(names)}
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from_no_data([(number[source], number[target]) for source, target in joined])
    persons = [(names[index], names[min(members)]) for members in rustworkx.connected_components(graph) for index in members]
    columns = pa.schema([("account", pa.string()), ("person", pa.string())])
    table = pa.Table.from_pylist([{"account": account, "person": person} for account, person in persons], schema=columns)
    connection.register("joined_persons", table)
    connection.execute(
        "CREATE TABLE persons AS SELECT account, coalesce(person, account) AS person FROM accounts "
        "LEFT JOIN joined_persons USING (account)"
    )
    connection.unregister("joined_persons")
