"""The embedded release: a small LLaMA, trained for Corral, whose weights lie beside this file.

It lets a fresh machine run the whole service with real weights and no download. What it is,
what it was trained on and what it cannot do is in ``CARD.md``.
"""

from pathlib import Path

NAME = "corral/bundled-5m"

RELEASE_DIR = Path(__file__).with_name("release")
CARD = Path(__file__).with_name("CARD.md")
