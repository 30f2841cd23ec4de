"""What Alembic runs: one connection, one transaction, batch mode for SQLite."""

from alembic import context
from sqlalchemy import create_engine, pool

from registry.records import METADATA
from registry.settings import read_settings


def run() -> None:
    """Run the migrations that were asked for."""
    url = context.config.attributes.get("url") or read_settings().records_url
    engine = create_engine(url, poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=METADATA,
                render_as_batch=connection.dialect.name == "sqlite",
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()
