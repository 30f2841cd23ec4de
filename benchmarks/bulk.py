"""How long a bulk takes to be accepted, what it costs in memory, and who waits meanwhile.

The service is a real one on both stacks; nothing consumes the queue. While the bulk is read and
stored, another caller asks for its account again and again; its waits are those of everybody.

Example: python benchmarks/bulk.py --lines 50000 --json
"""

import json
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.support import command
from tests.support import stack
from tests.support.stack import Stack


def lines_of(count: int) -> bytes:
    """Return JSON Lines with prompts of some 20 words."""
    prompt = " ".join(["Once upon a time there was a small fox"] * 2)
    lines = (
        json.dumps({"custom_id": f"line-{number}", "prompt": f"{prompt} {number}", "seed": number})
        for number in range(count)
    )
    return "".join(f"{line}\n" for line in lines).encode()


def peak_mb(service: Stack) -> float:
    """Return the most memory that the API has held so far."""
    process = service.part("serve").process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    held = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(held.split()[1]) / 1000


def waits_while(service: Stack, stop: threading.Event) -> list[float]:
    """Ask for one's account until told to stop; return how long each answer took."""
    seconds = []
    with service.client() as client:
        while not stop.is_set():
            started = time.perf_counter()
            client.me()
            seconds.append(time.perf_counter() - started)
            time.sleep(0.02)
    return seconds


def measure(service: Stack, *, lines: int) -> dict[str, float]:
    """Submit a bulk and read it back; return how it went."""
    body, name = lines_of(lines), service.ready.release.name
    waits: list[float] = []
    stop = threading.Event()
    other = threading.Thread(target=lambda: waits.extend(waits_while(service, stop)))
    with service.client() as client:
        client.submit(name, "Once upon a time", max_new_tokens=16)
        before = peak_mb(service)
        other.start()
        started = time.perf_counter()
        bulk = client.submit_bulk(name, body)
        accepted = time.perf_counter() - started
        stop.set()
        other.join()
        after = peak_mb(service)
        started = time.perf_counter()
        client.bulk(bulk["id"])
        counted = time.perf_counter() - started
        started = time.perf_counter()
        client.cancel_bulk(bulk["id"])
        cancelled = time.perf_counter() - started
        started = time.perf_counter()
        read = sum(1 for _ in client.results(bulk["id"]))
        streamed = time.perf_counter() - started
    assert read == lines
    waits.sort()
    return {
        "body_mb": len(body) / 1e6,
        "accepted_seconds": accepted,
        "lines_per_second": lines / accepted,
        "others_median_ms": 1000 * waits[len(waits) // 2],
        "others_worst_ms": 1000 * waits[-1],
        "peak_mb_before": before,
        "peak_mb_more": after - before,
        "counted_ms": 1000 * counted,
        "cancelled_seconds": cancelled,
        "results_seconds": streamed,
    }


def main() -> None:
    """Measure both stacks and print the figures."""
    parser = command.parser(__doc__)
    parser.add_argument("--lines", type=int, default=50_000)
    arguments = parser.parse_args()
    figures = {}
    for name in stack.available():
        with ExitStack() as exits:
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
            settings = stack.settings_for(name, folder, exits)
            service = exits.enter_context(stack.running(settings, parts=("serve",)))
            figures[name] = measure(service, lines=arguments.lines)
    command.show(figures, command.rows(figures), as_json=arguments.json)


if __name__ == "__main__":
    main()
