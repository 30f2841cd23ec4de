"""An auditor has a stored job computed again."""

import json
from uuid import UUID

from click.testing import CliRunner, Result
from sqlalchemy import update

from api.cli.main import cli
from registry.jobs.model import Output
from tests.support.stack import Stack, environment_of


def replay(service: Stack, identifier: str) -> Result:
    """Run the operator's command beside the records of the service."""
    return CliRunner().invoke(
        cli, ["audit", "replay", identifier, "--json"], env=environment_of(service.settings)
    )


def test_a_job_holds_until_a_word_of_it_is_changed_in_the_records(service: Stack) -> None:
    with service.client() as client:
        job = client.submit(
            service.ready.release.name, "The ship left", max_new_tokens=20, seed=3, n=2
        )
        client.wait(str(job["id"]), seconds=90)

    before = replay(service, str(job["id"]))
    with service.database.transaction() as session:
        session.execute(
            update(Output)
            .where(Output.job_id == UUID(job["id"]), Output.index == 1)
            .values(text=Output.text + " indeed")
        )
    after = replay(service, str(job["id"]))

    assert before.exit_code == 0
    assert json.loads(before.stdout)["holds"]
    assert after.exit_code == 1
    outputs = json.loads(after.stdout.splitlines()[0])["outputs"]
    assert [each["holds"] for each in outputs] == [True, False]
