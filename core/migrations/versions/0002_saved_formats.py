"""Saved formats, and the columns that loaded files had"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('saved_formats',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.Text(), nullable=False),
    sa.CheckConstraint("kind IN ('profile', 'pdf', 'charge_rules')", name=op.f('ck_saved_formats_kind')),
    sa.PrimaryKeyConstraint('kind', 'name', name=op.f('pk_saved_formats')),
    info={'role': 'work', 'canonical': False},
    sqlite_strict=True
    )
    op.create_table('seen_columns',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('batch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('part', sa.Text(), nullable=False),
    sa.Column('columns', sa.Text(), nullable=False),
    sa.CheckConstraint('batch_id BETWEEN 0 AND 2147483647', name=op.f('ck_seen_columns_batch_id')),
    sa.PrimaryKeyConstraint('row_id', name=op.f('pk_seen_columns')),
    info={'role': 'data', 'canonical': False},
    sqlite_strict=True
    )
    op.create_index(op.f('ix_seen_columns_batch_id'), 'seen_columns', ['batch_id'])
    op.create_index(op.f('ix_seen_columns_format_part'), 'seen_columns', ['format', 'part'])


def downgrade() -> None:
    op.drop_table('seen_columns')
    op.drop_table('saved_formats')
