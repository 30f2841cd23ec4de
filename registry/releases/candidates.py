"""What an instance knows that a folder may be: its releases."""

from registry.checkpoints.identify import Known
from registry.db.session import Session
from registry.releases import queries, tensors
from registry.releases.intake import all_releases

SOURCE = "the records"


def known_releases(session: Session) -> list[Known]:
    """Return every release with its files and tensors, newest first."""
    return [
        Known(
            name=each.name,
            source=SOURCE,
            files={entry.path: entry.sha256 for entry in queries.manifest_of(session, each).files},
            tensors=tuple(tensors.of_release(session, each)),
            state=each.state,
            digest=each.digest,
        )
        for each in all_releases(session)
    ]
