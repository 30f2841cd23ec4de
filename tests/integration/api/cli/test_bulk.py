"""Many prompts from a file, over HTTP with a real server."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.cli.conftest import As
from tests.integration.api.service import NAME, Service

ESCAPES = "before\x1b[2Jafter\x9b31m"


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A file of three prompts."""
    return write(tmp_path, *(line(number) for number in range(3)))


def line(number: int, **more: Any) -> dict[str, Any]:
    return {"custom_id": f"line-{number}", "prompt": "hello there", **more}


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return path


def work_off(service: Service, count: int) -> threading.Thread:
    """Do the workers' part of so many queued jobs: flag the first, release the others."""

    def work() -> None:
        for number in range(count):
            while not (found := service.get("/v1/jobs?state=queued").json()["items"]):
                time.sleep(0.02)
            service.settle(found[-1]["id"], "release" if number else "flag", ESCAPES)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_file_is_accepted_shown_and_listed(person: As, prompts: Path) -> None:
    submitted = person("ada", "submit", NAME, "--file", str(prompts), "--json")
    bulk = json.loads(submitted.stdout)
    said = person("ada", "submit", NAME, "--file", str(prompts))

    shown = person("ada", "bulk", bulk["id"])
    listed = person("ada", "bulks")

    assert bulk["jobs"] == 3
    assert "3 jobs are accepted: corral bulk" in said.stdout
    assert bulk["lines_sha256"] in shown.stdout
    assert bulk["id"] in listed.stdout
    assert "3 queued" in listed.stdout


def test_a_list_of_jobs_may_be_shorter_than_a_bulk(person: As, prompts: Path) -> None:
    person("ada", "submit", NAME, "--file", str(prompts))

    listed = json.loads(person("ada", "jobs", "--limit", "2", "--json").stdout)

    assert [each["custom_id"] for each in listed["items"]] == ["line-2", "line-1"]


def test_wrong_lines_are_listed_one_by_one(person: As, tmp_path: Path) -> None:
    path = write(tmp_path, line(0), line(0), line(2, temperature="hot"), {"prompt": "hi"})

    result = person("ada", "submit", NAME, "--file", str(path))

    lines = result.stderr.splitlines()
    assert result.exit_code == 1
    assert [each.partition(": ")[0] for each in lines] == ["line 2", "line 3", "line 4", "Error"]
    assert "custom_id: line 1 has the same" in lines[0]
    assert "nothing was accepted of 4 lines" in lines[3]


def test_problems_beyond_the_hundredth_are_counted(person: As, tmp_path: Path) -> None:
    path = write(tmp_path, *({"prompt": "hi"} for _ in range(130)))

    result = person("ada", "submit", NAME, "--file", str(path))

    assert "and 30 more" in result.stderr


def test_waiting_prints_results_as_json_lines_with_text_only_where_it_was_released(
    person: As, service: Service, prompts: Path
) -> None:
    worker = work_off(service, 3)

    result = person("ada", "submit", NAME, "--file", str(prompts), "--wait")

    worker.join()
    found = [json.loads(each) for each in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [each["custom_id"] for each in found] == ["line-0", "line-1", "line-2"]
    assert [each["outputs"][0]["text"] for each in found] == [None, ESCAPES, ESCAPES]
    assert result.stdout.isascii()
    assert "3 done" in result.stderr


def test_results_so_far_go_to_a_file(
    person: As, service: Service, prompts: Path, tmp_path: Path
) -> None:
    bulk = json.loads(person("ada", "submit", NAME, "--file", str(prompts), "--json").stdout)
    work_off(service, 2).join()

    result = person("ada", "results", bulk["id"], "--out", str(tmp_path / "out.jsonl"))

    assert result.stdout == ""
    assert "results of 2 of 3 jobs" in result.stderr
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_cancelled_bulk_ends_the_wait_with_status_one(person: As, prompts: Path) -> None:
    bulk = json.loads(person("ada", "submit", NAME, "--file", str(prompts), "--json").stdout)

    cancelled = person("ada", "cancel", bulk["id"])
    waited = person("ada", "bulk", bulk["id"], "--wait", "--json")
    again = person("ada", "cancel", bulk["id"])

    assert cancelled.stdout == f"bulk {bulk['id']}: 3 cancelled\n"
    assert json.loads(waited.stdout)["counts"]["cancelled"] == 3
    assert (again.exit_code, again.stderr.count("has ended already")) == (1, 1)


@pytest.mark.parametrize(
    "words",
    [(), ("hello", "--file", "{file}"), ("--file", "{file}", "--seed", "1")],
    ids=["neither", "both", "parameters"],
)
def test_a_prompt_or_a_file_is_given_and_not_both(
    person: As, prompts: Path, words: tuple[str, ...]
) -> None:
    given = [each.format(file=prompts) for each in words]

    assert person("ada", "submit", NAME, *given).exit_code == 2


def test_somebody_elses_bulk_is_one_line(person: As, prompts: Path) -> None:
    bulk = json.loads(person("ada", "submit", NAME, "--file", str(prompts), "--json").stdout)

    result = person("two", "results", bulk["id"])

    assert result.exit_code == 1
    assert result.stderr == f"Error: there is no bulk {bulk['id']} of yours\n"
