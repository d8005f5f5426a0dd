"""Alembic runs this to migrate the store it is given."""

from alembic import context

from core.schema import metadata

engine = context.config.attributes["engine"]
with engine.connect().execution_options(tem_write=True) as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
