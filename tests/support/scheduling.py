"""Which tests run in the same process, where tests run in several, whatever ``--dist`` says."""

from xdist.scheduler import LoadFileScheduling

SERVICE_FOLDER = "tests/e2e/"
STACKS = ("embedded", "production")


class ByFileOrService(LoadFileScheduling):  # type: ignore[misc]
    """Keeps the tests of a file together, and those of a whole service whatever their file.

    Starting a service costs more than most of its tests, so each is started once.
    """

    def _split_scope(self, nodeid: str) -> str:
        test, _, parameters = nodeid.partition("[")
        for stack in STACKS:
            if test.startswith(SERVICE_FOLDER) and stack in parameters:
                return f"{SERVICE_FOLDER}{stack}"
        scope: str = super()._split_scope(nodeid)
        return scope
