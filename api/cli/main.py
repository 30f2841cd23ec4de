"""The entry point: names every command, imports none, and turns expected errors into one line.

Exit statuses: 0 done; 1 an expected error, or a check that does not hold; 2 wrong usage;
130 interrupted. An unexpected error keeps its traceback.
"""

import errno
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from api.cli.lazy import DefaultGroup, Lazy, LazyGroup

INTERRUPTED = 130

FILTER = LazyGroup(
    "filter",
    help="List, try and measure the filters.\n\nExample: corral filter list",
    sections={
        "Commands": {
            "list": Lazy("api.cli.filter:list_filters", "List the filters and what they score."),
            "score": Lazy("api.cli.filter:score", "Score TEXT, or standard input."),
            "fetch": Lazy(
                "api.cli.fetch:fetch_checkpoint", "Download a published toxicity checkpoint."
            ),
            "evaluate": Lazy("api.cli.evaluate:evaluate", "Measure the filters on labelled texts."),
        }
    },
)

POLICY = LazyGroup(
    "policy",
    help="Show, check and adopt policies.\n\nExample: corral policy show",
    sections={
        "Commands": {
            "show": Lazy("api.cli.policy:show", "Print the policy in force."),
            "check": Lazy(
                "api.cli.adoption:check",
                "Check the policy in FILE, and show which verdicts it would change.",
            ),
            "adopt": Lazy("api.cli.adoption:adopt", "Put the policy in FILE in force."),
        }
    },
)

RECEIPT = DefaultGroup(
    "receipt",
    default="fetch",
    help=(
        "Fetch and check receipts: what scored an output, and how.\n\n"
        "corral receipt ID fetches the receipt of the output ID.\n\n"
        "Example: corral receipt 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --out receipt.json"
    ),
    sections={
        "Commands": {
            "fetch": Lazy("api.cli.receipt:fetch", "Fetch the receipt of the output ID."),
            "verify": Lazy("api.cli.receipt_check:verify", "Check the receipt in FILE, offline."),
            "key": Lazy("api.cli.receipt:key", "Print a public key that signs receipts."),
        }
    },
)

AUDIT = LazyGroup(
    "audit",
    help="Verify and export the ledger, and replay jobs.\n\nExample: corral audit verify",
    sections={
        "Commands": {
            "verify": Lazy("api.cli.audit:verify", "Recompute the ledger from its entries."),
            "export": Lazy("api.cli.audit:export", "Write every entry to FILE."),
            "replay": Lazy(
                "api.cli.audit_replay:replay",
                "Show whether the outputs of JOB came from its release and seed.",
            ),
        }
    },
)

SECTIONS: dict[str, dict[str, Lazy | click.Command]] = {
    "Service": {
        "up": Lazy(
            "api.cli.up:up", "Start API, workers and schedule, and run a first set of real jobs."
        ),
        "serve": Lazy("api.cli.serve:serve", "Serve the API."),
        "worker": Lazy(
            "api.cli.worker:worker", "Run a worker: generate outputs, score them, or both."
        ),
        "schedule": Lazy(
            "api.cli.schedule:schedule",
            "Run the sweep: resend, recover, put ledger entries in order.",
        ),
    },
    "Operator (opens the records directly)": {
        "db": Lazy("api.cli.db:db", "Bring the database's schema up to date."),
        "doctor": Lazy("api.cli.doctor:doctor", "Check this machine and its settings."),
        "account": Lazy("api.cli.account:account", "Add accounts."),
        "token": Lazy("api.cli.token:token", "Issue and revoke API tokens."),
        "release": Lazy("api.cli.release:release", "Register, verify and publish releases."),
        "filter": FILTER,
        "policy": POLICY,
        "audit": AUDIT,
    },
    "Researcher (over HTTP)": {
        "request": Lazy("api.cli.access:request", "Ask to use the release NAME."),
        "requests": Lazy("api.cli.access:requests", "List access requests, newest first."),
        "submit": Lazy(
            "api.cli.submit:submit", "Submit PROMPT, or the prompts in a file, to the release NAME."
        ),
        "jobs": Lazy("api.cli.jobs:jobs", "List your jobs, newest first."),
        "job": Lazy("api.cli.jobs:job", "Show the job ID and its released outputs."),
        "cancel": Lazy(
            "api.cli.jobs:cancel", "Cancel the job or the bulk ID, unless it has ended."
        ),
        "bulks": Lazy("api.cli.bulk:bulks", "List your bulks, newest first."),
        "bulk": Lazy("api.cli.bulk:bulk", "Show how far the bulk ID is."),
        "results": Lazy("api.cli.bulk:results", "Print the results of the bulk ID so far."),
        "receipt": RECEIPT,
    },
    "Reviewer (over HTTP)": {
        "approve": Lazy("api.cli.access:approve", "Approve the access request ID."),
        "deny": Lazy("api.cli.access:deny", "Deny the access request ID."),
        "revoke": Lazy("api.cli.access:revoke", "Take the approval APPROVAL back."),
        "reviews": Lazy("api.cli.reviews:reviews", "List flagged outputs, the most severe first."),
        "review": Lazy("api.cli.reviews:review", "Show, release or withhold a flagged output."),
    },
}


class Corral(LazyGroup):
    """The command ``corral``."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an expected error becomes one line and exit status 1."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # Whoever read our output has gone; click ends quietly.
            # Imported now, because half of the code would be loaded with it.
            sentence = import_module("api.cli.failures").sentence_of(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


@click.group(
    cls=Corral,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the store, keys and embedded records; CORRAL_DATA_DIR, else var.",
)
@click.version_option(package_name="corral", prog_name="corral")
def cli(data_dir: Path | None) -> None:
    """Safety-gated text generation, with a registry of the weights.

    People's commands need CORRAL_TOKEN, and CORRAL_URL for another machine.

    Example: corral up --once
    """
    del data_dir  # api.cli.settings reads it from the context
    import_module("registry.telemetry").configure_logs("WARNING")


def main() -> None:
    """Run ``corral``."""
    cli(prog_name="corral")


if __name__ == "__main__":
    main()
