"""Moves of spend and early warnings as findings, decisions about them as feedback"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_QUEUES = {'findings': ('audit', 'policy', 'anomaly'), 'feedback': ('policy', 'anomaly')}
_FURTHER = ('spend', 'watch')


def _check(queues: tuple[str, ...]) -> str:
    return f"queue IN ({', '.join(repr(name) for name in queues)})"


def _rebuild(table: str, *changes: tuple[str, str]) -> None:
    """SQLite cannot change a constraint: the table is made anew from its own statement, with its checks and indexes.

    A store that began at revision 0001 has no checks to change.
    """
    found = op.get_bind().exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type = 'index'", (table,)
    )
    statements = [row[0] for row in found]
    made = statements[0].replace(table, f'{table}_new', 1)
    for before, after in changes:
        made = made.replace(before, after)
    op.execute(sa.text(made.replace(':', '\\:')))
    op.execute(f"INSERT INTO {table}_new SELECT * FROM {table}")
    op.drop_table(table)
    op.rename_table(f'{table}_new', table)
    for statement in statements[1:]:
        op.execute(statement)


def _change(before: tuple[str, ...], after: tuple[str, ...], *, service: bool) -> None:
    for table, queues in _QUEUES.items():
        was, now = _check(queues + before), _check(queues + after)
        if op.get_bind().dialect.name == 'sqlite':
            column = [('service_id TEXT NOT NULL', 'service_id TEXT')]
            column = [] if table == 'findings' else column if service else [(new, old) for old, new in column]
            _rebuild(table, (was, now), *column)
            continue
        op.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_queue')
        op.create_check_constraint(op.f(f'ck_{table}_queue'), table, now)
        if table == 'feedback':
            op.alter_column(table, 'service_id', existing_type=sa.Text(), nullable=service)


def upgrade() -> None:
    _change((), _FURTHER, service=True)


def downgrade() -> None:
    for table in _QUEUES:
        op.execute(f"DELETE FROM {table} WHERE queue IN ('spend', 'watch')")
    _change(_FURTHER, (), service=False)
