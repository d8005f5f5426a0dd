"""What people decide about flags, the runs of the anomaly model, and the detail of a finding"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.add_column('findings', sa.Column('detail', sa.Text(), nullable=True))
    op.create_table('feedback',
    sa.Column('feedback_id', serial, autoincrement=True, nullable=False),
    sa.Column('finding_id', sa.Text(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('service_id', sa.Text(), nullable=False),
    sa.Column('month', sa.Text(), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('expires_on', sa.Text(), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=False),
    sa.Column('decided_at', sa.Text(), nullable=False),
    sa.CheckConstraint("queue IN ('policy', 'anomaly')", name=op.f('ck_feedback_queue')),
    sa.CheckConstraint('length(month) = 7', name=op.f('ck_feedback_month')),
    sa.CheckConstraint("verdict IN ('confirmed', 'dismissed', 'withdrawn')", name=op.f('ck_feedback_verdict')),
    sa.CheckConstraint("scope IN ('finding', 'service', 'employee', 'cost_center', 'account', 'plan', 'role')",
                       name=op.f('ck_feedback_scope')),
    sa.CheckConstraint('length(expires_on) = 10', name=op.f('ck_feedback_expires_on')),
    sa.PrimaryKeyConstraint('feedback_id', name=op.f('pk_feedback')),
    info={'role': 'work', 'canonical': False},
    sqlite_strict=True
    )
    op.create_index(op.f('ix_feedback_finding_id'), 'feedback', ['finding_id'], unique=False)
    op.create_index(op.f('ix_feedback_service_id'), 'feedback', ['service_id'], unique=False)
    op.create_table('model_runs',
    sa.Column('run_id', serial, autoincrement=True, nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('model_version', sa.Text(), nullable=False),
    sa.Column('config_hash', sa.Text(), nullable=False),
    sa.Column('data_hash', sa.Text(), nullable=False),
    sa.Column('seed', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('first_month', sa.Text(), nullable=True),
    sa.Column('last_month', sa.Text(), nullable=True),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.CheckConstraint('length(first_month) = 7', name=op.f('ck_model_runs_first_month')),
    sa.CheckConstraint('length(last_month) = 7', name=op.f('ck_model_runs_last_month')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_model_runs')),
    info={'role': 'log', 'canonical': False},
    sqlite_strict=True
    )


def downgrade() -> None:
    op.drop_table('model_runs')
    op.drop_index(op.f('ix_feedback_service_id'), table_name='feedback')
    op.drop_index(op.f('ix_feedback_finding_id'), table_name='feedback')
    op.drop_table('feedback')
    with op.batch_alter_table('findings', schema=None) as batch_op:
        batch_op.drop_column('detail')
