"""``corral up``: the whole service in one process tree, on embedded defaults."""

import json
import signal
import time
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import migrations
from api.cli import demo
from api.cli.processes import PartDied, Processes
from api.cli.settings import settings_of
from registry.db.session import Database
from registry.ledger import queries as ledger_queries
from registry.ledger import service as ledger
from registry.settings import Settings
from registry.verdicts.view import JobView, OutputView
from workers.dispatch import Dispatcher

LOOK_SECONDS = 0.2
FIRST_JOBS_SECONDS = 600
_STATE_STYLE = {"released": "green", "flagged": "yellow", "withheld": "red", "pending": "dim"}


@click.command()
@click.option("--once", is_flag=True, help="Run the first set of jobs and end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the API; CORRAL_PORT.")
@click.pass_context
def up(context: click.Context, once: bool, as_json: bool, port: int | None) -> None:
    """Start API, workers and schedule, and run a first set of real jobs.

    Example: corral up --once --json
    """
    settings = settings_of(context)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not migrations.is_current(settings.records_url):
        migrations.upgrade(settings.records_url)
    database, dispatcher = Database(settings.records_url), Dispatcher(settings)
    processes = Processes(
        settings.data_dir / "log",
        {"CORRAL_DATA_DIR": str(settings.data_dir.resolve())},
        stop_seconds=settings.stop_seconds,
    )
    console = Console(stderr=as_json)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        started = time.monotonic()
        ready = demo.prepare(database, settings)
        _start(processes, settings, port, api=not once)
        submitted = demo.submit(database, dispatcher, ready)
        views = _wait(database, processes, submitted)
        console.print(_table(views))
        summary = _summary(database, ready, views, time.monotonic() - started)
        if not once:
            _welcome(console, settings, port, demo.issue_tokens(database))
            if as_json:
                click.echo(json.dumps(summary))
            _serve_until_told(processes)
    except PartDied as death:
        raise click.ClickException(str(death)) from death
    except KeyboardInterrupt:
        console.print(
            f"\nstopping: running jobs have {settings.stop_seconds:g} seconds to finish; "
            "Ctrl-C again gives them back at once"
        )
    finally:
        processes.end()
        dispatcher.close()
        database.close()
    if once and as_json:
        click.echo(json.dumps(summary))
    if once and summary["failed"]:
        raise SystemExit(1)


def _start(processes: Processes, settings: Settings, port: int | None, *, api: bool) -> None:
    processes.start("generate", "worker", "--queue", "generate")
    processes.start("score", "worker", "--queue", "score")
    processes.start("schedule", "schedule")
    if api:
        chosen = settings.port if port is None else port
        processes.start("serve", "serve", "--port", str(chosen))


def _wait(database: Database, processes: Processes, submitted: list[UUID]) -> list[JobView]:
    """Wait until the first jobs have ended; a bar shows how many have."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    deadline = time.monotonic() + FIRST_JOBS_SECONDS
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("generating and scoring", total=len(submitted))
        while True:
            processes.look_after()
            views, ended = demo.look(database, submitted)
            bar.update(task, completed=sum(view.finished_at is not None for view in views))
            if ended:
                return views
            if time.monotonic() > deadline:
                raise click.ClickException(
                    f"the first jobs did not end within {FIRST_JOBS_SECONDS} seconds: "
                    "see the logs in the data directory"
                )
            time.sleep(LOOK_SECONDS)


def _summary(
    database: Database, ready: demo.Ready, views: list[JobView], seconds: float
) -> dict[str, Any]:
    """Return the object of the outside contract."""
    while True:
        with database.transaction() as session:
            if not ledger.sequence(session):
                break
    with database.reading() as session:
        size, root = ledger_queries.head(session)
    outputs = [output for view in views for output in view.outputs]
    return {
        "release": ready.release.name,
        "digest": ready.release.digest,
        "jobs": len(views),
        "outputs": len(outputs),
        "released": sum(output.state == "released" for output in outputs),
        "flagged": sum(output.state == "flagged" for output in outputs),
        "failed": sum(view.state == "failed" for view in views),
        "tokens": sum(output.tokens or 0 for output in outputs),
        "seconds": round(seconds, 2),
        "ledger_size": size,
        "ledger_root": root.hex(),
    }


def _table(views: list[JobView]) -> Table:
    """Return the verdicts; texts stay where they are."""
    table = Table(title="First jobs", title_justify="left", box=None, pad_edge=False)
    for heading in ("output", "tokens", "highest score", "", "verdict"):
        table.add_column(heading, justify="right" if heading == "tokens" else "left", no_wrap=True)
    for view in views:
        for output in view.outputs:
            label, score = max(output.scores.items(), key=lambda item: item[1], default=("", 0.0))
            table.add_row(
                f"{str(view.id)[-12:]}/{output.index}",
                str(output.tokens or 0),
                label,
                f"{score:.3f}",
                _verdict(view, output),
            )
    return table


def _verdict(view: JobView, output: OutputView) -> str:
    """Say what became of an output."""
    state = output.state.value
    if view.failure:
        return f"[red]failed: {view.failure.code}[/]"
    labels = f" by {len(output.flagged_by)} labels" if len(output.flagged_by) > 1 else ""
    return f"[{_STATE_STYLE[state]}]{state}{labels}[/]"


def _welcome(
    console: Console, settings: Settings, port: int | None, tokens: dict[str, str]
) -> None:
    """Say where the service is and how to sign in."""
    address = f"http://{settings.host}:{settings.port if port is None else port}"
    console.print(f"\nCorral serves at {address} (API docs: {address}/docs)")
    for handle, token in tokens.items():
        console.print(f"  {handle}: CORRAL_TOKEN={token}", soft_wrap=True)
    console.print("Tokens are good for a day and are not shown again. Ctrl-C stops the service.")


def _serve_until_told(processes: Processes) -> None:
    while True:
        processes.look_after()
        time.sleep(1)
