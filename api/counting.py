"""Count a prompt's tokens with the tokenizer of its release.

Tokenizers are files of the release, so they come from the store, by digest, and are hashed
before they are used. No transaction is open meanwhile.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from registry.checkpoints.layouts import TOKENIZERS
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tokenizer import Tokenizer, load_tokenizer
from registry.errors import BadCheckpoint, NotFound, PromptTooLong, Unavailable
from registry.releases.store import Store

KEPT = 8


class TokenCounter:
    """Counts tokens, and keeps the tokenizers of the releases last used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokenizer: Callable[[str], Tokenizer] = lru_cache(KEPT)(self._load)

    def check(
        self, prompt: str, *, manifest: Manifest, max_new_tokens: int, context_tokens: int
    ) -> None:
        """Check that prompt and new tokens together fit a release's context.

        Raises:
            PromptTooLong: They do not; the error says by how many tokens.
            Unavailable: The release's tokenizer is missing or damaged.
        """
        [too_long] = self.too_long(
            [(prompt, max_new_tokens)], manifest=manifest, context_tokens=context_tokens
        )
        if too_long is not None:
            raise too_long

    def too_long(
        self, asked: Sequence[tuple[str, int]], *, manifest: Manifest, context_tokens: int
    ) -> list[PromptTooLong | None]:
        """Say of each prompt and its new tokens why they do not fit a release's context.

        Raises:
            Unavailable: The release's tokenizer is missing or damaged.
        """
        counts = self.tokenizer_of(manifest).count_all([prompt for prompt, _ in asked])
        return [
            PromptTooLong(prompt_tokens=count, max_new_tokens=more, context_tokens=context_tokens)
            if count + more > context_tokens
            else None
            for count, (_, more) in zip(counts, asked, strict=True)
        ]

    def tokenizer_of(self, manifest: Manifest) -> Tokenizer:
        """Return the tokenizer of a release.

        Raises:
            Unavailable: It is missing or damaged.
        """
        try:
            name = next((each for each in TOKENIZERS if each in manifest.by_path), TOKENIZERS[0])
            self._store.entry_path(manifest, name)
            return self._tokenizer(manifest.by_path[name].sha256)
        except (NotFound, BadCheckpoint) as error:
            raise Unavailable(
                "the tokenizer of this release cannot be used, so the prompt cannot be counted: "
                "ask the operator to verify the release",
                digest=manifest.digest,
            ) from error

    def _load(self, sha256: str) -> Tokenizer:
        data = self._store.path_of(sha256).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadCheckpoint("the tokenizer in the store has other bytes than registered")
        return load_tokenizer(data)
