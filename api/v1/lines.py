"""JSON Lines of a bulk: every line is checked before any is accepted.

Whatever is wrong is listed with the number of its line and the name of its field, never with
what the line holds. Lines end with a newline; empty ones are passed over, and counted.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from api.counting import TokenCounter
from api.problems import field_name
from api.v1.parameters import parameters_of
from api.v1.schemas.jobs import BulkLine
from registry.checkpoints.manifest import Manifest
from registry.errors import (
    BadBulk,
    BadParameters,
    BulkTooLarge,
    CorralError,
    PromptTooLarge,
)
from registry.jobs.intake import Line
from registry.jobs.parameters import check_prompt, check_text
from registry.settings import Settings

LISTED = 100
COUNTED_AT_ONCE = 500
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_Wrong = dict[str, Any]


class _Problems:
    """What is wrong: the first hundred are kept, the rest are counted."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[_Wrong] = []

    def add(self, line: int, field: str, problem: str) -> None:
        self.count += 1
        if len(self._kept) < LISTED:
            self._kept.append({"line": line, "field": field, "problem": problem})

    def check(self, lines: int) -> None:
        """Raise what was added, in the order of the lines."""
        if not self.count:
            return
        self._kept.sort(key=lambda each: each["line"])
        first = self._kept[0]
        more = self.count - len(self._kept)
        raise BadBulk(
            f"nothing was accepted of {lines} lines, because of {self.count} problems: "
            f"the first is in line {first['line']}, {first['field']}: {first['problem']}",
            lines=lines,
            errors=self._kept,
            more=more,
        )


def read_lines(
    body: bytes,
    *,
    settings: Settings,
    counter: TokenCounter,
    manifest: Manifest,
    context_tokens: int,
) -> list[Line]:
    """Return the lines of a bulk, each one fit to become a job.

    1. There are neither too many lines nor none.
    2. Each is a JSON object with the fields that it may have, in range.
    3. No two have the same ``custom_id``, and together they ask for few enough outputs.
    4. Prompt and new tokens of each fit the release's context.

    Raises:
        BulkTooLarge: There are too many lines or outputs.
        BadBulk: Lines are wrong; the error lists them.
        Unavailable: The release's tokenizer is missing or damaged.
    """
    numbered = _split(body, limit=settings.bulk_lines_limit)
    problems = _Problems()
    lines: dict[int, Line] = {}
    first_with: dict[str | None, int] = {}
    for number, raw in numbered:
        line = _line(number, raw, settings, problems)
        if line is None:
            continue
        earlier = first_with.setdefault(line.custom_id, number)
        if earlier != number:
            problems.add(number, "custom_id", f"line {earlier} has the same")
        lines[number] = line
    outputs = sum(line.parameters.n for line in lines.values())
    if outputs > settings.bulk_outputs_limit:
        raise BulkTooLarge(
            f"the lines ask for {outputs} outputs, and a bulk has at most "
            f"{settings.bulk_outputs_limit}: submit it in parts",
            outputs=outputs,
            outputs_limit=settings.bulk_outputs_limit,
        )
    for some in _in_parts(list(lines.items())):
        asked = [(line.prompt, line.parameters.max_new_tokens) for _, line in some]
        found = counter.too_long(asked, manifest=manifest, context_tokens=context_tokens)
        for (number, _), too_long in zip(some, found, strict=True):
            if too_long is not None:
                problems.add(number, "prompt", str(too_long))
    problems.check(len(numbered))
    return list(lines.values())


def _split(body: bytes, *, limit: int) -> list[tuple[int, bytes]]:
    """Return the lines that hold something, each with its number."""
    raw = body.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    numbered = [(number, each) for number, each in enumerate(raw, start=1) if each.strip()]
    if len(numbered) > limit:
        raise BulkTooLarge(
            f"the body has {len(numbered)} lines, and a bulk at most {limit}: submit it in parts",
            lines=len(numbered),
            lines_limit=limit,
        )
    if not numbered:
        raise BadBulk(
            "the body has no lines: send one JSON object on each", lines=0, errors=[], more=0
        )
    return numbered


def _line(number: int, raw: bytes, settings: Settings, problems: _Problems) -> Line | None:
    """Return a line, or ``None`` and add what is wrong with it."""
    try:
        wish = BulkLine.model_validate_json(raw)
        check_text(wish.custom_id, parameter="custom_id")
        check_prompt(wish.prompt, limit_bytes=settings.prompt_limit_bytes)
        return Line(wish.prompt, parameters_of(wish, settings), wish.custom_id)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            problem = each["msg"].replace(" at line 1 column ", " at character ")
            problems.add(number, field_name(each["loc"]) or "line", problem)
    except (BadParameters, PromptTooLarge) as error:
        problems.add(number, _field(error), str(error))
    return None


def _field(error: CorralError) -> str:
    return str(error.facts.get("parameter", "prompt"))


def _in_parts(all_lines: Sequence[tuple[int, Line]]) -> Iterator[Sequence[tuple[int, Line]]]:
    rest = iter(all_lines)
    while part := list(islice(rest, COUNTED_AT_ONCE)):
        yield part
