"""Jobs, reviews, policies and the ledger."""

from collections.abc import Sequence

from registry.errors.categories import Conflict, Invalid, NotFound, Refused, Unavailable

_UNSCORED = ".not_scored"


class UnknownJob(NotFound):
    """No job has that id, or it is somebody else's."""

    code = "unknown_job"

    def __init__(self, job: object) -> None:
        super().__init__(f"there is no job {job} of yours", job=str(job))


class UnknownBulk(NotFound):
    """No bulk has that id, or it is somebody else's."""

    code = "unknown_bulk"

    def __init__(self, bulk: object) -> None:
        super().__init__(f"there is no bulk {bulk} of yours", bulk=str(bulk))


class BadBulk(Invalid):
    """Lines of a bulk are wrong, so none was accepted."""

    code = "bad_bulk"


class BulkTooLarge(Invalid):
    """The bulk has more lines or outputs than the service accepts at once."""

    code = "bulk_too_large"


class UnknownOutput(NotFound):
    """No output has that id, or it is somebody else's."""

    code = "unknown_output"


class JobMoved(Conflict):
    """The job is no longer where the caller saw it."""

    code = "job_moved"


class OutputMoved(Conflict):
    """The output is no longer in the state the caller saw."""

    code = "output_moved"


class NothingToReplay(Conflict):
    """The job has no generated output."""

    code = "nothing_to_replay"

    def __init__(self, job: object, *, state: str) -> None:
        super().__init__(
            f"job {job} is {state} and nothing was generated for it: there is nothing to replay",
            job=str(job),
            state=state,
        )


class PromptTooLong(Invalid):
    """Prompt and new tokens together do not fit the release's context."""

    code = "prompt_too_long"

    def __init__(self, *, prompt_tokens: int, max_new_tokens: int, context_tokens: int) -> None:
        over = prompt_tokens + max_new_tokens - context_tokens
        super().__init__(
            f"the prompt has {prompt_tokens} tokens and max_new_tokens is {max_new_tokens}, "
            f"{over} more than the context of {context_tokens}: "
            f"shorten the prompt or ask for fewer new tokens",
            prompt_tokens=prompt_tokens,
            max_new_tokens=max_new_tokens,
            context_tokens=context_tokens,
            over_by_tokens=over,
        )


class PromptTooLarge(Invalid):
    """The prompt has more bytes than the service accepts."""

    code = "prompt_too_large"


class PromptNotScreened(Conflict):
    """The policy refuses prompts, and this one was not screened under it yet."""

    code = "prompt_not_screened"

    def __init__(self, job: object) -> None:
        super().__init__(
            f"the prompt of job {job} waits for a scoring worker: nothing is generated before",
            job=str(job),
        )


class PromptRefused(Refused):
    """The policy refuses the prompt, so nothing is generated from it."""

    code = "prompt_refused"

    def __init__(self, labels: Sequence[str]) -> None:
        unscored = [each.removesuffix(_UNSCORED) for each in labels if each.endswith(_UNSCORED)]
        if len(unscored) == len(labels):
            said = (
                f"the prompt could not be checked completely ({', '.join(unscored)}), so nothing "
                "was generated: submit it again, and tell the operator if it happens again"
            )
        else:
            said = (
                f"the policy refuses the prompt for {', '.join(labels)}, so nothing was "
                "generated: reword it and submit it again, or ask the operator about the policy"
            )
        super().__init__(said, labels=list(labels))


class BadParameters(Invalid):
    """A generation parameter is out of range."""

    code = "bad_parameters"


class IdempotencyMismatch(Invalid):
    """The idempotency key was used before, with another body."""

    code = "idempotency_mismatch"


class IdempotencyInProgress(Conflict):
    """Another request with the same key is under way."""

    code = "idempotency_in_progress"


class UnknownReview(NotFound):
    """No review has that id."""

    code = "unknown_review"


class ReviewMoved(Conflict):
    """The review was claimed or decided by somebody else."""

    code = "review_moved"


class SecondReviewNeeded(Refused):
    """This reviewer has said release already, and a release needs two people here."""

    code = "second_review_needed"

    def __init__(self, review: object) -> None:
        super().__init__(
            "you have said release already, and this output needs two reviewers: leave it to "
            "another one, or withhold it",
            review=str(review),
        )


class ReasonMissing(Invalid):
    """This decision needs a reason."""

    code = "reason_missing"


class NoPolicy(Unavailable):
    """No policy has been adopted, so nothing can be scored."""

    code = "no_policy"


class BadCursor(Invalid):
    """The cursor was not made by this listing."""

    code = "bad_cursor"


class BadRange(Invalid):
    """The ledger has no such index or size."""

    code = "bad_range"


class BadSignature(Invalid):
    """A signed checkpoint, or the key to it, is not what it says."""

    code = "bad_signature"
