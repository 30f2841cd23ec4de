"""Documents to rows of tokens, in an order that the seed decides.

Every document is wrapped in its begin and end tokens, the documents of an epoch are shuffled
and joined, and the long line is cut into rows. Which rows a step sees follows from the seed
and the step alone, so a resumed run needs no state of a generator.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from workers.training.recipe import Recipe
from workers.training.tokenizer import load_tokenizer

Tokens = npt.NDArray[np.uint16]


class Rows:
    """An endless sequence of rows, epoch after epoch.

    Args:
        documents: Tokens of each document, by source.
        repeats: Times that a source's documents are read in one epoch.
        length: Tokens in a row; what is left at the end of an epoch is dropped.
        seed: Decides the order together with the number of the epoch.
    """

    def __init__(
        self,
        documents: Mapping[str, Sequence[Tokens]],
        *,
        repeats: Mapping[str, int],
        length: int,
        seed: int,
    ) -> None:
        self._pool = [
            d for name in documents for d in documents[name] for _ in range(repeats[name])
        ]
        self._length = length
        self._seed = seed
        self.per_epoch = sum(map(len, self._pool)) // length
        self._epoch: tuple[int, Tokens] | None = None

    def take(self, start: int, count: int) -> npt.NDArray[np.int64]:
        """Return rows ``start`` to ``start + count``, ``(count, length)``.

        Raises:
            ValueError: The documents do not fill one row.
        """
        if self.per_epoch == 0:
            raise ValueError(f"the documents do not fill one row of {self._length} tokens")
        places = (divmod(row, self.per_epoch) for row in range(start, start + count))
        return np.stack([self._rows_of(epoch)[row] for epoch, row in places]).astype(np.int64)

    def first(self, count: int) -> npt.NDArray[np.int64]:
        """Return the first rows, at most one epoch of them; errors are those of ``take``."""
        return self.take(0, min(count, max(self.per_epoch, 1)))

    def _rows_of(self, epoch: int) -> Tokens:
        if self._epoch is None or self._epoch[0] != epoch:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(self._pool))
            line = np.concatenate([self._pool[place] for place in order])
            rows = line[: self.per_epoch * self._length].reshape(self.per_epoch, self._length)
            self._epoch = (epoch, rows)
        return self._epoch[1]


def pack(documents: Mapping[str, Sequence[str]], tokenizer: bytes, recipe: Recipe) -> Rows:
    """Return the rows of some documents, by source, as a recipe wants them."""
    processor = load_tokenizer(tokenizer)
    tokens = {
        name: [
            np.array(encoded, dtype=np.uint16)
            for encoded in processor.encode(list(texts), add_bos=True, add_eos=True)
        ]
        for name, texts in documents.items()
    }
    return Rows(
        tokens,
        repeats={source.name: source.repeats for source in recipe.sources},
        length=recipe.shape.max_position_embeddings,
        seed=recipe.training.seed,
    )
