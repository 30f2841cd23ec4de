"""What ``docs/detoxify.md`` says works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from filters.published import PUBLISHED

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "detoxify.md").read_text(encoding="utf-8")


def test_the_recipe_of_the_page_loads_our_classifier_offline(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert re.search(r"\{'toxicity': 0\.[89]\d+", answer.stdout)


def test_the_page_lists_every_published_checkpoint_with_what_it_needs() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| \S+ \| (\d+) \| `([\w-]+)` \|$", PAGE, re.MULTILINE)

    assert rows == [(name, str(len(each.classes)), each.config) for name, each in PUBLISHED.items()]
