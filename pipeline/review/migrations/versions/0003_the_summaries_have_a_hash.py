"""The store keeps the SHA-256 of a run's conversations.parquet, as it keeps that of its scores."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("runs", sa.Column("conversations_sha256", sa.String(length=64), nullable=True))
