"""Screen texts under the policy that is in force now."""

from collections.abc import Sequence

import structlog

from filters.canaries import check_canaries
from filters.catalog import load_filters
from filters.checkpoints import CheckpointSource
from filters.contract import Filter, Sample
from filters.policy import Policy, check_policy, parse_policy
from filters.published import chosen_source
from filters.screen import screen
from filters.verdict import Verdict
from registry.db.session import Database
from registry.policies import service as policies
from registry.settings import Settings

_UNKNOWN_STEP_BYTES = 100_000_000

log = structlog.get_logger(__name__)


class Screener:
    """The filters of this process, and the policy they serve."""

    def __init__(self, database: Database, filters: Sequence[Filter]) -> None:
        self._database = database
        self._filters = filters
        self._policy: Policy | None = None

    @property
    def filters(self) -> Sequence[Filter]:
        """The filters of this process."""
        return self._filters

    def screen(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Return a verdict for each sample; what cannot be checked is flagged.

        A policy that asks for more than the filters here provide flags everything.

        Raises:
            NoPolicy: No policy was ever adopted.
            BadPolicy: The policy in force cannot be read.
        """
        return screen(samples, filters=self._filters, policy=self.policy())

    def policy(self) -> Policy:
        """Return the policy in force, parsed once for each digest.

        Raises:
            NoPolicy: No policy was ever adopted.
            BadPolicy: It cannot be read.
        """
        with self._database.reading() as session:
            row = policies.current(session)
        if self._policy is None or self._policy.digest != row.digest:
            self._policy = parse_policy(row.source)
            log.info("policy in force", policy=row.name, digest=row.digest[:12])
        return self._policy


def load_screener(settings: Settings, database: Database) -> Screener:
    """Load the filters, try them on canaries, and check the policy in force.

    Raises:
        BadCheckpoint: Weights have another digest than expected, or may not score text.
        CanaryFailed: A filter scores a sentence wrong whose score is known.
        BadPolicy: The policy in force asks for what no filter here provides.
        DownloadFailed: The published checkpoint that the operator chose did not come.
    """
    filters = load_filters(toxicity_checkpoint=checkpoint_of(settings))
    check_canaries(filters)
    screener = Screener(database, filters)
    check_policy(screener.policy(), filters)
    return screener


def checkpoint_of(settings: Settings) -> CheckpointSource | None:
    """Return the toxicity checkpoint that the operator chose, if any; fetch a published one.

    Raises:
        DownloadFailed: It did not come, or is another file than its digest says.
    """
    told = 0

    def tell(there: int, whole: int | None) -> None:
        nonlocal told
        tenth = 10 * there // whole if whole else there // _UNKNOWN_STEP_BYTES
        if tenth > told:
            told = tenth
            log.info("checkpoint on its way", model=settings.toxicity_model, bytes=there, of=whole)

    return chosen_source(
        name=settings.toxicity_model,
        path=settings.toxicity_path,
        config=settings.toxicity_config_dir,
        digest=settings.toxicity_checkpoint_sha256,
        progress=tell,
    )
