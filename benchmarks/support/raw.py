"""The engine alone in a process of its own: no records, no queue, no filters.

Reads how many jobs and tokens, and the first seed, from each line of its input, and answers with
tokens a second.
"""

from __future__ import annotations

import json
import sys
import time

from benchmarks.support.wishes import wishes
from registry.bundled import NAME
from registry.db.session import Database
from registry.releases import queries as releases
from registry.settings import read_settings
from workers.generation.engine import GenerationRequest
from workers.generation.freeing import keep_memory_at_hand
from workers.generation.loader import Loader
from workers.shelf import StoreShelf


def main() -> None:
    """Load the bundled release and answer until the input ends."""
    keep_memory_at_hand()
    settings = read_settings()
    database = Database(settings.records_url)
    with database.reading() as session:
        digest = releases.get(session, NAME).digest
    loader = Loader(settings.store_dir, cache_bytes=settings.cache_mebibytes << 20)
    engine = StoreShelf(settings, database, loader).load(digest, lambda _: None)
    print("ready", flush=True)
    for line in sys.stdin:
        jobs, tokens, first = json.loads(line)
        requests = [GenerationRequest(**each) for each in wishes(jobs, tokens, first=first)]
        started = time.perf_counter()
        futures = [engine.submit(each, cancelled=lambda: False) for each in requests]
        made = sum(len(each.result().token_ids) for each in futures)
        print(made / (time.perf_counter() - started), flush=True)
    engine.close()


if __name__ == "__main__":
    main()
