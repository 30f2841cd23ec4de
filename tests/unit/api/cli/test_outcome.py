"""What people read of a job."""

from typing import Any

import click
import pytest

from api.cli.outcome import doubts_of, flags_of, print_outcome

FLAG = {"filter": "toxicity", "label": "insult", "score": 0.973, "threshold": 0.9}


def _output(state: str, text: str | None, *, index: int = 0) -> dict[str, Any]:
    flags = [FLAG] if state in ("flagged", "withheld") else []
    return {"index": index, "state": state, "text": text, "flagged_by": flags, "quarantines": []}


def _job(*outputs: dict[str, Any], state: str = "done", **more: Any) -> dict[str, Any]:
    return {
        "state": state,
        "outputs": list(outputs),
        "failure": None,
        "quarantine": None,
        **more,
    }


def test_a_released_text_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(_job(_output("released", "a text")))

    assert capsys.readouterr() == ("a text\n", "")


def test_a_released_text_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(_job(_output("released", "\x1b[2J\x1b]52;c;aGk=\x07")))

    assert capsys.readouterr().out == "\\x1b[2J\\x1b]52;c;aGk=\\x07\n"


def test_a_flagged_output_is_said_to_be_so_with_what_flagged_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_outcome(_job(_output("released", "a text"), _output("flagged", None, index=1)))

    printed = capsys.readouterr()
    assert printed.out == "a text\n"
    assert (
        "output 1 is flagged: toxicity.insult 0.97 (from 0.90); a reviewer decides" in printed.err
    )


def test_a_withheld_output_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(_job(_output("withheld", None)))

    assert "output 0 is withheld" in capsys.readouterr().err


def test_a_failed_job_is_an_error_with_its_reason() -> None:
    failure = {"code": "worker_lost", "detail": "its worker died"}

    with pytest.raises(click.ClickException, match=r"its worker died \(worker_lost\)"):
        print_outcome(_job(_output("pending", None), state="failed", failure=failure))


def test_a_text_whose_release_is_in_doubt_comes_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    doubt = {"placed_at": "2026-11-24", "lifted_at": None, "reason": "a rumour"}

    print_outcome(_job({**_output("released", "a text"), "quarantines": [doubt]}))

    printed = capsys.readouterr()
    assert printed.out == "a text\n"
    assert "whose bytes were in doubt" in printed.err
    assert doubts_of([doubt]) == "since 2026-11-24: a rumour"


def test_a_job_that_waits_for_its_release_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    doubt = {"placed_at": "2026-11-24", "lifted_at": None, "reason": "a rumour"}

    print_outcome(_job(_output("pending", None), state="queued", quarantine=doubt))

    assert "the job is queued, and waits: its release is in quarantine" in capsys.readouterr().err


def test_a_cancelled_job_is_an_error() -> None:
    with pytest.raises(click.ClickException, match="cancelled"):
        print_outcome(_job(_output("pending", None), state="cancelled"))


def test_a_flag_on_a_batch_tells_how_many_outputs_it_is_about() -> None:
    campaign = {"filter": "campaign", "label": "near_copies", "score": 0.83, "threshold": 0.8}

    assert flags_of([FLAG, {**campaign, "count": 6}]) == (
        "toxicity.insult 0.97 (from 0.90), campaign.near_copies 0.83 (from 0.80; 6 outputs)"
    )
