"""Policy rules and their versions"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('policy_rules',
    sa.Column('rule_id', sa.Text(), nullable=False),
    sa.Column('version', _WHOLE, nullable=False),
    sa.Column('yaml', sa.Text(), nullable=False),
    sa.Column('current', sa.Integer(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('saved_by', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.Text(), nullable=False),
    sa.CheckConstraint('current IN (0, 1)', name=op.f('ck_policy_rules_current')),
    sa.CheckConstraint('version BETWEEN 0 AND 2147483647', name=op.f('ck_policy_rules_version')),
    sa.PrimaryKeyConstraint('rule_id', 'version', name=op.f('pk_policy_rules')),
    info={'role': 'work', 'canonical': False},
    sqlite_strict=True
    )


def downgrade() -> None:
    op.drop_table('policy_rules')
