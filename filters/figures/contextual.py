"""Judge repetition, echo and campaign: ``python -m filters.figures.contextual --data DIR``.

Prints what they find of texts made for it, and how many texts that nobody should note reach the
default policy's thresholds, by source; with ``--generated FILE``, a file that
``workers.training.outputs`` wrote, also how many outputs of the bundled release do, by temperature.
Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from filters.campaign import copies
from filters.contract import Filter, Sample, Sketch
from filters.echo import ECHO
from filters.figures import contextual_texts
from filters.figures.contextual_texts import COPIES, Generated
from filters.figures.pattern_texts import clean_texts, phishing_mails
from filters.figures.patterns import interval
from filters.jsonl import read_json_lines
from filters.policy import default_policy
from filters.repetition import REPETITION
from filters.sketches import bands_of, sketch_of

_RULES = default_policy().rules
_MADE = 1_000
_CAMPAIGNS = 300


def reach(each: Filter, samples: Iterable[Sample]) -> list[bool]:
    """Return of which samples the filter's only label reaches the default policy's threshold."""
    (label,) = each.labels
    threshold = _RULES[each.name][label].threshold
    return [
        max(finding.score for finding in reading.findings) >= threshold
        for reading in each.score(list(samples))
    ]


def counts(texts: Sequence[str]) -> list[int]:
    """Return of each text how many different copies of it there are, itself included."""
    sketches = [sketch_of(text) for text in texts]
    index: dict[int, set[Sketch]] = {}
    for sketch in filter(None, sketches):
        for band in bands_of(sketch):
            index.setdefault(band, set()).add(sketch)
    return [1 + copies(each, _near(each, index)) if each else 1 for each in sketches]


def _near(sketch: Sketch, index: Mapping[int, set[Sketch]]) -> list[Sketch]:
    return list(set().union(*(index[band] for band in bands_of(sketch))))


def found_table(data: Path, clean: dict[str, list[str]]) -> list[str]:
    """Return the lines of a table: the share of made texts that is found."""
    prose = [text for name in ("tinystories", "openstax") for text in clean[name][:_MADE]]
    prose = [text for text in prose if len(text.split()) > COPIES]
    lines = ["| made from real texts | found |", "|---|---|"]
    loops = [Sample(text) for text in contextual_texts.loops(prose, 2 * _MADE)]
    lines.append(f"| texts that end in a loop | {interval(reach(REPETITION, loops))} |")
    echoes = list(contextual_texts.echoes([text for text in prose if len(text) > 100], 2 * _MADE))  # noqa: PLR2004
    lines.append(f"| texts that copy their prompt | {interval(reach(ECHO, echoes))} |")
    for name, texts in _bait(data).items():
        for capitals in (True, False):
            chance = random.Random(7)  # noqa: S311  no secret depends on it
            made = [contextual_texts.campaign(each, chance, capitals=capitals) for each in texts]
            whole = [min(counts(each)) >= COPIES for each in made]
            kind = "names" if capitals else "names in lower case"
            lines.append(f"| campaigns of {COPIES}, {name}, {kind} | {interval(whole)} |")
    return lines


def clean_table(clean: dict[str, list[str]]) -> list[str]:
    """Return the lines of a table: texts that reach a threshold although nothing was made."""
    lines = [
        "| texts as they are | number | repetition | echo | campaign |",
        "|---|---|---|---|---|",
    ]
    for source, texts in clean.items():
        distinct = list(dict.fromkeys(texts))
        cells = (
            sum(reach(REPETITION, map(Sample, distinct))),
            sum(reach(ECHO, contextual_texts.continuations(distinct))),
            sum(count >= COPIES for count in counts(distinct)),
        )
        lines.append(f"| {source} | {len(distinct)} | {' | '.join(map(str, cells))} |")
    return lines


def generated_table(texts: Sequence[Generated]) -> list[str]:
    """Return the lines of a table: what is found in a model's outputs, by temperature."""
    lines = [
        "| outputs of the bundled release | number | repetition | echo | campaign |",
        "|---|---|---|---|---|",
    ]
    for temperature in sorted({each.temperature for each in texts}):
        own = [each for each in texts if each.temperature == temperature]
        samples = [Sample(each.text, each.prompt) for each in own]
        prompts = dict.fromkeys(each.prompt for each in own)
        batches = [[each.text for each in own if each.prompt == prompt] for prompt in prompts]
        cells = (
            sum(reach(REPETITION, samples)),
            sum(reach(ECHO, samples)),
            sum(count >= COPIES for batch in batches for count in counts(batch)),
        )
        lines.append(f"| temperature {temperature} | {len(own)} | {' | '.join(map(str, cells))} |")
    return lines


def _bait(data: Path) -> dict[str, list[str]]:
    messages = read_json_lines(data / "train/misuse/sms_spam.jsonl.gz")
    mails = read_json_lines(data / "test/misuse/spamassassin.jsonl.gz")
    return {
        "SMS spam": [row["text"] for row in messages if row["labels"]["spam"]][:_CAMPAIGNS],
        "spam mail": [row["text"] for row in mails if row["labels"]["spam"]][:_CAMPAIGNS],
        "phishing mail": phishing_mails(data)[:_CAMPAIGNS],
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Judge repetition, echo and campaign.")
    parser.add_argument("--data", type=Path, required=True, help="folder with test/, train/, text/")
    parser.add_argument(
        "--generated", type=Path, help="outputs, written by workers.training.outputs"
    )
    chosen = parser.parse_args()
    clean = clean_texts(chosen.data)
    tables = [found_table(chosen.data, clean), clean_table(clean)]
    if chosen.generated:
        tables.append(generated_table(contextual_texts.generated_texts(chosen.generated)))
    print("\n\n".join("\n".join(lines) for lines in tables))  # noqa: T201  the output of a command


if __name__ == "__main__":
    main()
