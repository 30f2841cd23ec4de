"""What ``corral doctor`` looks at. Each check answers, whatever is wrong, and changes nothing."""

import os
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from api.cli.records import check_schema
from api.cli.render import size
from filters.checkpoints import BadCheckpoint, CheckpointSource, check_listed, read_checked
from registry.checkpoints.manifest import SHOWN_DIGITS
from registry.db.session import Database, Session
from registry.errors import CorralError, NoPolicy
from registry.policies import service as policies
from registry.releases import queries
from registry.releases.intake import all_releases
from registry.releases.model import ReleaseState
from registry.releases.store import Store
from registry.settings import Settings
from workers.dispatch import Dispatcher

OLDEST_PYTHON, FIRST_UNKNOWN_PYTHON = (3, 11), (3, 14)
FREE_BYTES_LEAST = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one check.

    Attributes:
        name: What was looked at.
        ok: Whether it is as it should be.
        found: What was found.
        advice: What to do about it; empty if nothing.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""


def every_check(settings: Settings) -> list[Check]:
    """Run every check, in the order in which problems are best solved."""
    checks: tuple[Callable[[Settings], Check], ...] = (
        _python,
        _disk,
        _keys,
        _weights,
        _broker,
        _database,
        _store,
        _policy,
        _releases,
    )
    return [check(settings) for check in checks]


def _python(_settings: Settings) -> Check:
    known = OLDEST_PYTHON <= sys.version_info[:2] < FIRST_UNKNOWN_PYTHON
    advice = "" if known else "run Corral with Python 3.11, 3.12 or 3.13"
    return Check("python", known, sys.version.partition(" ")[0], advice)


def _disk(settings: Settings) -> Check:
    folder = settings.data_dir.resolve()
    place = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(place, os.W_OK):
        advice = f"let this user write to {place}, or set CORRAL_DATA_DIR"
        return Check("disk", ok=False, found=f"{place} is read-only", advice=advice)
    free = shutil.disk_usage(place).free
    enough = free >= FREE_BYTES_LEAST
    advice = "" if enough else f"make room: at least {size(FREE_BYTES_LEAST)}, plus the weights"
    return Check("disk", enough, f"{size(free)} free at {place}", advice)


def _keys(settings: Settings) -> Check:
    keys = sorted(settings.keys_dir.glob("*.pem"))
    open_ones = [str(each) for each in keys if stat.S_IMODE(each.stat().st_mode) & 0o077]
    if open_ones:
        return Check(
            "keys",
            ok=False,
            found="others can read them",
            advice=f"chmod 600 {' '.join(open_ones)}",
        )
    return Check("keys", ok=True, found=f"{len(keys)} in {settings.keys_dir}")


def _weights(settings: Settings) -> Check:
    """Compare the classifiers' files with their digests, without loading them."""
    path, digest = settings.toxicity_path, settings.toxicity_checkpoint_sha256
    try:
        listed = check_listed(Path(str(resources.files("filters") / "weights")))
        if path is not None and digest is not None and settings.toxicity_config_dir is not None:
            read_checked(CheckpointSource(path, settings.toxicity_config_dir, digest))
    except (BadCheckpoint, OSError) as error:
        advice = "install Corral again; check CORRAL_TOXICITY_CHECKPOINT"
        if settings.toxicity_model:
            advice = f"corral filter fetch {settings.toxicity_model} --sha256 {digest}"
        return Check("filters", ok=False, found=str(error), advice=advice)
    count = len(listed) + (path is not None)
    return Check("filters", ok=True, found=f"{count} files have the digests they should have")


def _broker(settings: Settings) -> Check:
    url = urlsplit(settings.queue_url)
    if url.scheme == "filesystem":
        return Check("broker", ok=True, found=f"folders in {settings.data_dir / 'queue'}")
    dispatcher = Dispatcher(settings)
    try:
        answers = dispatcher.is_reachable()
    finally:
        dispatcher.close()
    where = f"{url.scheme} at {url.hostname}"
    if answers:
        return Check("broker", ok=True, found=f"{where} answers")
    advice = "start it, or correct CORRAL_BROKER_URL"
    return Check("broker", ok=False, found=f"{where} does not answer", advice=advice)


def _database(settings: Settings) -> Check:
    try:
        check_schema(settings.records_url)
    except CorralError as error:
        return Check("database", ok=False, found=str(error))
    return Check("database", ok=True, found="at the newest revision")


def _store(settings: Settings) -> Check:
    """Look for every registered file in the store, by size; verify hashes them."""
    store = Store(settings.store_dir)
    lost, files, total = [], 0, 0
    try:
        with _reading(settings) as session:
            for row in all_releases(session):
                for entry in queries.manifest_of(session, row).files:
                    file = store.path_of(entry.sha256)
                    files, total = files + 1, total + entry.size
                    if not file.is_file() or file.stat().st_size != entry.size:
                        lost.append(f"{row.name}/{entry.path}")
    except CorralError:
        return _no_records("store")
    if lost:
        return Check(
            "store",
            ok=False,
            found=f"{len(lost)} files are lost, such as {lost[0]}",
            advice="register the release again from a good copy",
        )
    return Check("store", ok=True, found=f"{files} files, {size(total)}")


def _policy(settings: Settings) -> Check:
    try:
        with _reading(settings) as session:
            row = policies.current(session)
    except NoPolicy as error:
        return Check("policy", ok=False, found=str(error))
    except CorralError:
        return _no_records("policy")
    return Check("policy", ok=True, found=f"{row.name}, digest {row.digest[:SHOWN_DIGITS]}")


def _releases(settings: Settings) -> Check:
    try:
        with _reading(settings) as session:
            counts = Counter(row.state for row in all_releases(session))
    except CorralError:
        return _no_records("releases")
    found = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"
    if counts[ReleaseState.QUARANTINED]:
        advice = "corral release verify NAME, then corral release lift or withdraw it"
        return Check("releases", ok=False, found=found, advice=advice)
    if not counts[ReleaseState.PUBLISHED]:
        advice = "corral release register DIR --name OWNER/NAME, then corral release publish"
        return Check("releases", ok=False, found=found, advice=advice)
    return Check("releases", ok=True, found=found)


@contextmanager
def _reading(settings: Settings) -> Iterator[Session]:
    check_schema(settings.records_url)
    database = Database(settings.records_url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.close()


def _no_records(name: str) -> Check:
    return Check(name, ok=False, found="the records cannot be read", advice="see database")
