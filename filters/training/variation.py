"""Vary training texts without changing what they are: dress, place, names of groups, spelling.

A data set has a look of its own (tweets, talk pages, mails), and a classifier that may learn the
look instead of the harm will. So every text is now and then given another look; its labels stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from filters.training.recipe import Recipe

GROUPS: tuple[tuple[str, ...], ...] = (
    (
        *("women", "men", "girls", "boys", "lesbians", "gays", "immigrants", "refugees", "muslims"),
        *("christians", "jews", "hindus", "buddhists", "catholics", "protestants", "atheists"),
        *("mexicans", "americans", "canadians", "africans", "europeans", "asians", "indians"),
        *("arabs", "latinos", "foreigners", "feminists", "teenagers", "seniors", "millennials"),
    ),
    (
        *("gay", "lesbian", "bisexual", "transgender", "trans", "queer", "straight", "nonbinary"),
        *("heterosexual", "homosexual", "lgbt", "lgbtq", "male", "female"),
    ),
    (
        *("black", "white", "asian", "african", "african american", "european", "hispanic"),
        *("latino", "latina", "latinx", "mexican", "canadian", "american", "indian", "chinese"),
        *("japanese", "middle eastern", "arab", "korean", "russian", "polish", "nigerian"),
    ),
    (
        *("muslim", "christian", "jewish", "hindu", "buddhist", "catholic", "protestant"),
        *("sikh", "taoist", "atheist", "mormon"),
    ),
    (
        *("blind", "deaf", "disabled", "paralyzed", "autistic", "old", "older", "elderly"),
        *("young", "younger", "teenage", "middle aged"),
    ),
)
"""Names of groups; one of a row may stand where another of the same row stands."""

_ROW_OF = {term: row for row in GROUPS for term in row}
_TERM = re.compile(
    r"(?i)\b(" + "|".join(sorted(map(re.escape, _ROW_OF), key=len, reverse=True)) + r")\b"
)
_TWEET = re.compile(r"^(?:RT\s+)?(?:@user:?\s*)+|https?:/\S*\s*$")
_LEET = str.maketrans("aeiost", "@310$7")
_HEADINGS = (
    *("Your edit", "Re: article", "Hello", "A question", "Sources", "Why?", "Thanks", "Image"),
    *("Proposed merge", "Vandalism", "Removal", "Name of this page", "Discussion", "Please"),
)
_SHORTEST_WORD = 4


@dataclass(frozen=True)
class Variation:
    """Varies texts with one source of chance.

    Attributes:
        dice: The source of chance.
        prose: Harmless passages to hide a text in.
        recipe: How often each variation is applied.
    """

    dice: random.Random
    prose: Sequence[str]
    recipe: Recipe

    def of(self, text: str) -> str:
        """Return the text as it is, or in another look."""
        dice, recipe = self.dice, self.recipe
        if dice.random() < recipe.swapped:
            text = swap_groups(text, dice)
        if dice.random() < recipe.misspelt:
            text = misspell(text, dice)
        if dice.random() < recipe.undressed:
            text = _TWEET.sub("", text) or text
        if len(text) <= recipe.embedded_limit and dice.random() < recipe.embedded:
            text = self._embed(text)
        if dice.random() < recipe.dressed:
            text = dress(text, dice)
        return text

    def _embed(self, text: str) -> str:
        """Put a text among harmless passages; what it says stays as bad as it is."""
        before, after = self._passage(), self._passage()
        forms = (f"{before} {text}", f"{text} {after}", f"{before} {text} {after}")
        return self.dice.choice(forms)

    def _passage(self) -> str:
        passage = self.dice.choice(self.prose)
        length = self.dice.choice((60, 150, 300, 600))
        return passage[:length].rpartition(" ")[0] or passage[:length]


def swap_groups(text: str, dice: random.Random) -> str:
    """Name other groups of the same kind, each consistently."""
    chosen: dict[str, str] = {}

    def other(match: re.Match[str]) -> str:
        found = match[0].lower()
        if found not in chosen:
            chosen[found] = dice.choice(_ROW_OF[found])
        return chosen[found]

    return _TERM.sub(other, text)


def misspell(text: str, dice: random.Random) -> str:
    """Change one or two words as people do who hurry, or who hide them."""
    words = text.split(" ")
    long = [number for number, word in enumerate(words) if len(word) >= _SHORTEST_WORD]
    for number in dice.sample(long, min(len(long), dice.choice((1, 1, 2)))):
        words[number] = _misspelt(words[number], dice)
    return " ".join(words)


def _misspelt(word: str, dice: random.Random) -> str:
    place = dice.randrange(1, len(word) - 1)
    forms = (
        word[:place] + word[place + 1 :],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + word[place] * dice.choice((2, 3)) + word[place + 1 :],
        word.translate(_LEET),
        word[:place] + "*" + word[place + 1 :],
        " ".join(word),
        ".".join(word),
        word.upper(),
    )
    return dice.choice(forms)


def dress(text: str, dice: random.Random) -> str:
    """Give a text the marks of a talk page, a mail or a forum."""
    quoted = text.replace('"', "``").replace("\n", "  ")
    heading = dice.choice(_HEADINGS)
    forms = (
        f"=={heading}==  {quoted}",
        f"`  == {heading} ==  {quoted}  `",
        f"`{quoted}`",
        f":{quoted}",
        f"::{quoted} —",
        f"{quoted}  {dice.randrange(24):02}:{dice.randrange(60):02}, 9 May 2014 (UTC)",
        f"Re: {heading}\n\n{text}",
        f"> {text}",
        f'"{text}"',
        f"{text}\n\n{heading}",
    )
    return dice.choice(forms)
