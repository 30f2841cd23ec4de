"""What a million finished jobs cost those who submit, claim, list and sweep.

Two databases with the same people are asked in turns: one with a few jobs, and one with
``--jobs`` finished ones besides, a tenth of them of one researcher ("many"). Commits do not wait
for the disk here, so that it is the database's own work that is compared. Shown is the lower
quartile of the rounds, since other work on the machine only ever slows one down.

Example: python benchmarks/scale.py --jobs 1000000 --json
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine, make_url, text

import migrations
from api.app import create_app
from benchmarks.support import command
from benchmarks.support.operations import People, Step, begin, life, lists, make_people, sweep
from registry.db.session import Database
from registry.settings import Settings
from tests.support import filling, neighbours
from tests.support.lives import Lives
from tests.support.plans import Clock, clocked, explained
from workers.dispatch import Dispatcher

SIDES = ("few", "filled")


@dataclass
class Side:
    """One database, and who works on it."""

    name: str
    lives: Lives
    people: People
    clock: Clock

    def steps(self) -> Iterator[Step]:
        """Yield all that is measured, once."""
        yield from life(self.lives, self.people.light, "few")
        yield from life(self.lives, self.people.heavy, "many")
        yield from lists(self.lives, self.people)
        yield from sweep(self.lives)


def prepared(kind: str, folder: Path, exits: ExitStack) -> list[Side]:
    """Make two databases with the same people and few jobs, and open them."""
    settings = Settings(data_dir=folder)
    if kind == "sqlite":
        urls = [f"sqlite:///{folder / name}.db" for name in ("base", *SIDES)]
        people = _begin(urls[0], settings)
        for side in SIDES:
            shutil.copy(folder / "base.db", folder / f"{side}.db")
        return _opened(urls[1:], settings, people, exits)
    server = neighbours.postgres_url()
    if server is None:
        raise SystemExit("no PostgreSQL answers: set CORRAL_TEST_POSTGRES_URL")
    base = exits.enter_context(neighbours.scratch_postgres(server))
    people = _begin(base, settings)
    template = make_url(base).database
    urls = [
        exits.enter_context(neighbours.scratch_postgres(server, template=template)) for _ in SIDES
    ]
    for url in urls:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            name = make_url(url).database
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit TO off"))
            connection.execute(text("VACUUM ANALYZE"))
        engine.dispose()
    return _opened(urls, settings, people, exits)


def _begin(url: str, settings: Settings) -> People:
    migrations.upgrade(url)
    database, dispatcher = Database(url), Dispatcher(settings)
    people = make_people(database, settings)
    begin(_lives(database, dispatcher, settings, people), people)
    dispatcher.close()
    database.close()
    return people


def _lives(database: Database, dispatcher: Dispatcher, settings: Settings, people: People) -> Lives:
    doors = create_app(settings, database=database, dispatcher=dispatcher).state.doors
    return Lives(doors, people.releases[0])


def _opened(urls: list[str], settings: Settings, people: People, exits: ExitStack) -> list[Side]:
    sides = []
    for name, url in zip(SIDES, urls, strict=True):
        database, dispatcher = Database(url), Dispatcher(settings)
        exits.callback(database.close)
        exits.callback(dispatcher.close)
        lives = _lives(database, dispatcher, settings, people)
        sides.append(Side(name, lives, people, clocked(database)))
    return sides


def fill(side: Side, jobs: int) -> int:
    """Fill a database with finished jobs; return how many."""
    people = side.people
    owners = [account.id for account in people.others]
    spread = [each for nine in _nines(owners) for each in (*nine, people.heavy.id)]
    return filling.multiply(
        side.lives.doors.database,
        lambda: side.lives.some(people.light, people.reviewer),
        jobs=jobs,
        accounts=spread,
        releases=people.releases,
    )


def _nines(owners: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(owners), 9):
        yield owners[start : start + 9]


def measure(sides: list[Side], rounds: int) -> dict[str, dict[str, float]]:
    """Take every step on both sides in turns; return medians and ratios."""
    wall: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    inside: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        order = sides if number % 2 else sides[::-1]
        for pair in zip(*(side.steps() for side in order), strict=True):
            for side, (name, step) in zip(order, pair, strict=True):
                side.clock.seconds, started = 0.0, time.perf_counter()
                step()
                wall[name][side.name].append(time.perf_counter() - started)
                inside[name][side.name].append(side.clock.seconds)
    return {name: _figures(wall[name], inside[name]) for name in wall}


def _figures(wall: dict[str, list[float]], inside: dict[str, list[float]]) -> dict[str, float]:
    few, filled = SIDES
    return {
        "few_ms": 1000 * _quartile(wall[few]),
        "filled_ms": 1000 * _quartile(wall[filled]),
        "ratio": _quartile(wall[filled]) / _quartile(wall[few]),
        "few_database_ms": 1000 * _quartile(inside[few]),
        "filled_database_ms": 1000 * _quartile(inside[filled]),
        "database_ratio": _quartile(inside[filled]) / _quartile(inside[few]),
    }


def _quartile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=4)[0]


def plans_of(side: Side) -> Iterator[str]:
    """Yield the plans of every statement of every step, as it is executed."""
    for name, step in side.steps():
        with explained(side.lives.doors.database) as plans:
            step()
        for plan in plans:
            yield f"\n## {name}\n{plan.statement}\n" + "\n".join(f"    {x}" for x in plan.lines)


def table(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield a line for each step."""
    yield f"{'':<44}{'few':>9}{'filled':>9}{'ratio':>7}   in the database"
    for name, each in figures.items():
        yield (
            f"{name:<44}{each['few_ms']:>6.2f} ms{each['filled_ms']:>6.2f} ms{each['ratio']:>7.2f}"
            f"{each['few_database_ms']:>9.2f} ms{each['filled_database_ms']:>6.2f} ms"
            f"{each['database_ratio']:>7.2f}"
        )


def main() -> None:
    """Fill, measure and print the figures."""
    parser = command.parser(__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="finished jobs")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--plans", type=Path, help="write the plans of all statements here")
    arguments = parser.parse_args()
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        sides = prepared(arguments.database, folder, exits)
        started = time.perf_counter()
        count = fill(sides[1], arguments.jobs)
        seconds = time.perf_counter() - started
        print(f"{count} finished jobs in {seconds:.0f} s", file=sys.stderr)
        measure(sides, max(2, arguments.rounds // 10))
        figures = measure(sides, arguments.rounds)
        if arguments.plans:
            arguments.plans.write_text("\n".join(plans_of(sides[1])) + "\n", encoding="utf-8")
    command.show(figures, table(figures), as_json=arguments.json)


if __name__ == "__main__":
    main()
