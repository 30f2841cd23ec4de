"""A signature as a list of what files are expected to be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from registry.checkpoints.digest import FileDigest
from registry.checkpoints.keys import SHOWN_DIGITS
from registry.checkpoints.signing import Bundle, verify_bundle
from registry.errors import BadChecklist, ChecksumMismatch

BUNDLE_START = b"{"


@dataclass(frozen=True, slots=True)
class SignedList:
    """A bundle of OpenSSF Model Signing whose signature holds.

    Attributes:
        file: Where it lies, without links.
        bundle: What the key signed.
    """

    file: Path
    bundle: Bundle

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.file.name

    @property
    def paths(self) -> set[str]:
        """The paths that are signed."""
        return {each.path for each in self.bundle.resources}

    def check(self, found: Iterable[FileDigest], *, file_of: Callable[[str], Path]) -> None:
        """Check files; what is signed in shards is read again from where ``file_of`` says.

        Raises:
            ChecksumMismatch: A file is not the one that was signed, is missing, or nobody
                signed it.
        """
        # The bundle cannot be among the files that it signs.
        others = [each for each in found if file_of(each.path).resolve() != self.file]
        comparison = self.bundle.compare(others, file_of=file_of)
        if comparison.holds:
            return
        first, *more = comparison.differences
        also = f", and {len(more)} more" if more else ""
        raise ChecksumMismatch(
            f"{first}{also}: not as {self.name} signs it with key {self._key}; get the files and "
            "the signature from one place",
            list=self.name,
            different=list(comparison.differences),
        )

    def summary(self) -> str:
        """Say what passed once ``check`` has."""
        count = len(self.paths)
        files = f"{count} file{'' if count == 1 else 's'}"
        return f"as {self.name} lists: {files}, signed with key {self._key}"

    @property
    def _key(self) -> str:
        return self.bundle.key_hint[:SHOWN_DIGITS]


def read_signed_list(file: Path, data: bytes, *, key: bytes | None) -> SignedList:
    """Read a bundle and check its signature.

    Raises:
        BadChecklist: There is no key to check it with.
        BadBundle: The key did not sign it, or it is malformed.
        BadSignature: The key is none that signs bundles.
    """
    if key is None:
        raise BadChecklist(
            f"{file.name} is a signature, not a list of checksums: give the signer's public key "
            "with --key"
        )
    return SignedList(file.resolve(), verify_bundle(data, key))
