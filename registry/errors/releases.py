"""Releases and checkpoints."""

from datetime import datetime

from registry.errors.categories import Conflict, Invalid, NotFound, Refused, Unavailable


class UnknownRelease(NotFound):
    """No release has that name."""

    code = "unknown_release"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no release named {name}: GET /v1/releases (or corral release list) "
            "names those there are",
            release=name,
        )


class ReleaseNotPublished(Refused):
    """The release is registered, but nobody may use it yet, or any more."""

    code = "release_not_published"

    def __init__(self, name: str, *, state: str) -> None:
        super().__init__(
            f"the release {name} is {state}, not published: "
            "only published releases can be requested or used",
            release=name,
            state=state,
        )


class ReleaseQuarantined(ReleaseNotPublished):
    """The release's bytes are in doubt; its jobs wait."""

    code = "release_quarantined"


class NotVerified(Conflict):
    """The release's stored bytes were never read back."""

    code = "release_not_verified"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is registered, not verified: corral release verify {name}", release=name
        )


class NotFreshlyVerified(Refused):
    """No verification since the quarantine says that the bytes are right."""

    code = "not_freshly_verified"

    def __init__(self, name: str, *, placed_at: datetime) -> None:
        super().__init__(
            f"no verification of {name} that a person began after its quarantine of "
            f"{placed_at:%Y-%m-%d %H:%M} UTC holds as the last one: corral release verify {name}",
            release=name,
            placed_at=placed_at.isoformat(),
        )


class SecondPersonNeeded(Refused):
    """Whoever quarantined or verified does not lift the quarantine too."""

    code = "second_person_needed"

    def __init__(self, name: str, *, handle: str) -> None:
        super().__init__(
            f"{handle} quarantined or verified {name}: another reviewer or administrator lifts "
            "the quarantine",
            release=name,
            handle=handle,
        )


class ReleaseExists(Conflict):
    """The name is taken by another digest."""

    code = "release_exists"


class ReleaseMoved(Conflict):
    """The release is not in a state from which it can go there."""

    code = "release_moved"


class ReleaseTooLarge(Invalid):
    """The release can never be in the memory of the worker that was to generate with it."""

    code = "release_too_large"

    def __init__(
        self, digest: str, *, weights_bytes: int, cache_bytes: int, budget_bytes: int
    ) -> None:
        needed = weights_bytes + cache_bytes
        super().__init__(
            f"the release {digest[:12]} takes {needed >> 20} MiB of memory "
            f"({weights_bytes >> 20} for its weights, {cache_bytes >> 20} for its cache), and the "
            f"worker has {budget_bytes >> 20} MiB for releases: the operator raises "
            "CORRAL_MEMORY_MEBIBYTES, lowers CORRAL_CACHE_MEBIBYTES, or serves it with a larger "
            "machine (corral worker --release)",
            release_digest=digest,
            needed_bytes=needed,
            budget_bytes=budget_bytes,
        )


class BadCheckpoint(Invalid):
    """The folder is no checkpoint that can be registered; the message says why."""

    code = "bad_checkpoint"


class PickledWeights(BadCheckpoint):
    """The weights are a pickle, which can run code when it is read."""

    code = "pickled_weights"


class BadChecklist(BadCheckpoint):
    """What was given as expected checksums is no list of them, or not of this checkpoint."""

    code = "bad_checklist"


class ChecksumMismatch(Invalid):
    """A file's bytes are not the ones that were expected."""

    code = "checksum_mismatch"


class BadBundle(Invalid):
    """A signature of a checkpoint is malformed, altered, or not this key's."""

    code = "bad_bundle"


class NotEnoughDisk(Unavailable):
    """The disk of the store, or of the records, is too full for this."""

    code = "not_enough_disk"


class UnknownFile(NotFound):
    """The release has no such file, or the store has lost it."""

    code = "unknown_file"


class FolderExists(Conflict):
    """The folder to write to is there already and not empty."""

    code = "folder_exists"


class BadCatalogue(Invalid):
    """The file is no catalogue of published checkpoints; the message says where it is wrong."""

    code = "bad_catalogue"
