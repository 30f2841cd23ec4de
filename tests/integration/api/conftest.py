"""A published release, people with tokens, an approval, and nobody at work."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient

from api.app import create_app
from api.client import Client
from filters.policy import default_policy
from registry.accounts import service as accounts
from registry.db.session import Database
from registry.policies import service as policies
from registry.receipts import service as receipts
from registry.releases import queries as releases
from registry.releases.intake import register_folder
from registry.releases.store import Store
from registry.settings import Settings
from tests.integration.api.service import NAME, PEOPLE, Service
from tests.support import rows
from tests.support.checkpoints import make_checkpoint
from workers.dispatch import Dispatcher
from workers.training.tokenizer import train_tokenizer

SENTENCES = ("The fox walked down to the river.", "It was a quiet morning, and nobody was there.")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with a real tokenizer and a context of 256 tokens."""
    folder = make_checkpoint(tmp_path_factory.mktemp("checkpoint"))
    (folder / "tokenizer.model").write_bytes(train_tokenizer(SENTENCES, vocab_size=300))
    return folder


@pytest.fixture
def service(database: Database, settings: Settings, checkpoint: Path) -> Iterator[Service]:
    """The application. Ada is approved; the others are who their roles say."""
    register_folder(
        database,
        Store(settings.store_dir),
        folder=checkpoint,
        name=NAME,
        license="MIT",
        source="made for tests",
        actor="operator",
        progress=None,
    )
    with database.transaction() as session:
        people = {
            handle: accounts.add(session, handle=handle, roles=roles)
            for handle, roles in PEOPLE.items()
        }
        tokens = {
            handle: accounts.issue_token(session, account=account, days=1)
            for handle, account in people.items()
        }
        release = rows.publish(session, releases.get(session, NAME))
        approval_id = rows.approve(session, release, people["ada"], people["rae"])
        rows.approve(session, release, people["two"], people["rae"])
        policies.adopt(session, policy=default_policy(), actor="operator")
        receipts.enrol(session, key=rows.SIGNER.key, actor=rows.SIGNER.name)
    dispatcher = Dispatcher(settings)
    app = create_app(settings, database=database, dispatcher=dispatcher)
    with TestClient(app) as http:
        yield Service(http, database, settings, dispatcher, release, tokens, approval_id)
    dispatcher.close()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    """The address of the application, served by uvicorn."""
    config = uvicorn.Config(
        service.http.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def ada(service: Service, url: str) -> Iterator[Client]:
    """A researcher's client."""
    with Client(url, service.tokens["ada"]) as client:
        yield client
