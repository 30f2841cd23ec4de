"""Which releases stay in memory, and which leave for one that jobs wait for. Torch-free.

Releases share a budget of bytes. Of those that are there:

1. Those that were not used for longest leave first, and no more of them than it takes.
2. None leaves before its tenure is over: until it stayed four times as long as its loading
   took, or was not used for as long as its loading took. So two releases that both have jobs
   and do not fit together take turns, and no more than a fifth of the time goes into loading.
3. One that leaves takes no more jobs, and is gone when those that it runs have ended.

Those that jobs wait for come in the order in which they were first asked for.
"""

from dataclasses import dataclass

BUSY_LOADS = 4
"""How many times as long as its loading took a release stays while it is used."""
IDLE_LOADS = 1
"""Likewise, since it was last used."""


@dataclass
class Tenant:
    """A release that is in memory. Times are in seconds, of a clock that never goes back.

    Attributes:
        size_bytes: What it takes, its cache included.
        loading_seconds: How long its loading took.
        since: When it was loaded.
        used_at: When a job of it began or ended last.
        jobs: How many it runs.
        is_leaving: Whether it takes no more jobs.
    """

    size_bytes: int
    loading_seconds: float
    since: float
    used_at: float
    jobs: int = 0
    is_leaving: bool = False

    @property
    def tenure_ends_at(self) -> float:
        """From when on it may be told to leave, if nothing happens to it until then."""
        at_last = self.since + BUSY_LOADS * self.loading_seconds
        if self.jobs:
            return at_last
        return min(at_last, self.used_at + IDLE_LOADS * self.loading_seconds)


class Tenancy:
    """Who is in memory. Used under its owner's lock.

    Args:
        budget_bytes: What all of them may take together.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._tenants: dict[str, Tenant] = {}

    def add(self, digest: str, *, size_bytes: int, loading_seconds: float, now: float) -> None:
        """Take in a release that was loaded."""
        if not self.has_room(size_bytes):
            raise ValueError("there is no room for it")
        self._tenants[digest] = Tenant(size_bytes, loading_seconds, since=now, used_at=now)

    def begin_job(self, digest: str, *, now: float) -> bool:
        """Note that a job begins to use a release; return whether it may."""
        tenant = self._tenants.get(digest)
        if tenant is None or tenant.is_leaving:
            return False
        tenant.jobs += 1
        tenant.used_at = now
        return True

    def end_job(self, digest: str, *, now: float) -> None:
        """Note that a job has ended."""
        tenant = self._tenants[digest]
        tenant.jobs -= 1
        tenant.used_at = now

    def has_room(self, size_bytes: int) -> bool:
        """Return whether a release of this size fits beside those that are there."""
        return size_bytes <= self._free_bytes

    def ask_to_leave(self, size_bytes: int, *, now: float) -> None:
        """Tell as many releases to leave as one of this size needs, if their tenure is over."""
        missing = size_bytes - self._free_bytes
        missing -= sum(each.size_bytes for each in self._tenants.values() if each.is_leaving)
        chosen: list[Tenant] = []
        for tenant in sorted(self._staying(), key=lambda each: (each.jobs > 0, each.used_at)):
            if missing > 0 and tenant.tenure_ends_at <= now:
                chosen.append(tenant)
                missing -= tenant.size_bytes
        if missing <= 0:
            for tenant in chosen:
                tenant.is_leaving = True

    def take_out(self) -> list[str]:
        """Take out those that leave and run nothing any more; return their digests."""
        gone = [
            digest for digest, each in self._tenants.items() if each.is_leaving and not each.jobs
        ]
        for digest in gone:
            del self._tenants[digest]
        return gone

    def next_end(self, *, now: float) -> float | None:
        """Return when the next tenure ends, if nothing happens until then."""
        ends = [each.tenure_ends_at for each in self._staying()]
        return min((end for end in ends if end > now), default=None)

    def all(self) -> dict[str, Tenant]:
        """Return the releases that are in memory, by their digests."""
        return dict(self._tenants)

    @property
    def _free_bytes(self) -> int:
        return self.budget_bytes - sum(each.size_bytes for each in self._tenants.values())

    def _staying(self) -> list[Tenant]:
        return [each for each in self._tenants.values() if not each.is_leaving]
