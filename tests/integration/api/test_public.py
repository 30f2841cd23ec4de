"""Releases, policy, filters: what is there and what is in force."""

from filters.policy import default_policy
from registry.checkpoints.keys import hint_of
from registry.checkpoints.resources import Serialization
from registry.checkpoints.tensors import TensorDigest, roots_of
from registry.releases import queries as releases
from registry.releases import signatures
from tests.integration.api.service import NAME, Service
from tests.support import bundles, rows


def test_a_release_is_known_by_its_digest(service: Service) -> None:
    found = service.get(f"/v1/releases/{NAME}", None).json()

    assert (found["name"], found["digest"]) == (NAME, service.release.digest)
    assert (found["state"], found["license"], found["context_tokens"]) == ("published", "MIT", 256)


def test_a_releases_files_are_its_manifest(service: Service) -> None:
    found = service.get(f"/v1/releases/{NAME}/files", None).json()

    with service.database.reading() as session:
        manifest = releases.manifest_of(session, service.release)
    assert found["digest"] == manifest.digest
    assert found["total_bytes"] == manifest.total_bytes
    assert {each["path"]: each["sha256"] for each in found["files"]} == {
        each.path: each.sha256 for each in manifest.files
    }


def test_a_release_says_who_signed_it_and_how_that_is_verified(service: Service) -> None:
    before = service.get(f"/v1/releases/{NAME}/signatures", None).json()
    with service.database.transaction() as session:
        signatures.record(
            session,
            name=NAME,
            key=bundles.KEY.public_key(),
            serialization=Serialization(),
            actor="operator",
        )

    found = service.get(f"/v1/releases/{NAME}/signatures", None).json()

    assert (before["signatures"], before["verify_command"]) == ([], None)
    [signature] = found["signatures"]
    assert signature["key"] == hint_of(bundles.KEY.public_key())
    assert (signature["hash_type"], signature["shard_size"]) == ("sha256", None)
    assert found["verify_command"].startswith(f"model_signing verify key {NAME.split('/')[1]} ")


def test_anybody_computes_the_tensor_root_from_the_releases_tensors(service: Service) -> None:
    release = service.get(f"/v1/releases/{NAME}", None).json()

    found = service.get(f"/v1/releases/{NAME}/tensors", None).json()

    digests = [TensorDigest(**{**each, "shape": tuple(each["shape"])}) for each in found["tensors"]]
    roots = roots_of(digests)
    assert digests
    assert release["tensor_root"] == found["tensor_root"] == roots.stored
    assert release["tensor_root_bf16"] == found["tensor_root_bf16"] == roots.bf16


def test_a_release_says_how_many_jobs_wait_for_it(service: Service) -> None:
    service.submit()

    found = service.get(f"/v1/releases/{NAME}", None).json()["queues"]

    assert found == {
        "interactive": {"held": 0, "queued": 1, "generating": 0, "scoring": 0},
        "bulk": {"held": 0, "queued": 0, "generating": 0, "scoring": 0},
    }


def test_an_unknown_release_is_not_found(service: Service) -> None:
    for path in ("no/body", "no/body/files", "no/body/signatures", "no/body/tensors"):
        answer = service.get(f"/v1/releases/{path}", None)

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_release")


def test_a_name_that_none_can_have_is_refused(service: Service) -> None:
    answer = service.get("/v1/releases/a%00b/c", None)

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed_request")


def test_releases_come_in_pages(service: Service) -> None:
    with service.database.transaction() as session:
        rows.made_up_release(session)

    first = service.get("/v1/releases?limit=1", None).json()
    second = service.get(f"/v1/releases?limit=1&cursor={first['next_cursor']}", None).json()

    assert [each["name"] for each in first["items"]] == ["corral/made-up"]
    assert [each["name"] for each in second["items"]] == [NAME]
    assert second["next_cursor"] is None


def test_the_policy_in_force_has_a_digest_and_rules(service: Service) -> None:
    policy = default_policy()

    found = service.get("/v1/policies/current").json()

    assert (found["name"], found["digest"]) == (policy.name, policy.digest)
    assert found["rules"] == policy.thresholds
    assert found["source"] == policy.source


def test_every_filter_in_force_is_listed_with_its_thresholds(service: Service) -> None:
    policy = default_policy()

    found = service.get("/v1/filters").json()

    assert found["policy_digest"] == policy.digest
    assert {each["name"]: each["labels"] for each in found["filters"]} == (policy.thresholds)


def test_a_filter_is_identified_by_what_scored_last(service: Service) -> None:
    before = {
        each["name"]: each["version"] for each in service.get("/v1/filters").json()["filters"]
    }
    service.settle(service.submit().json()["id"])

    after = {each["name"]: each["version"] for each in service.get("/v1/filters").json()["filters"]}

    assert set(before.values()) == {None}
    assert after["toxicity"] == "1"
