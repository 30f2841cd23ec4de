"""What an expected error says on the command line: one sentence. Others keep their traceback.

Loaded only once something has gone wrong, so it may import what it likes.
"""

import pydantic

from api.cli.render import plain
from filters.canaries import CanaryFailed
from filters.checkpoints import BadCheckpoint
from filters.download import DownloadFailed
from filters.evaluation import BadRows
from filters.policy import BadPolicy
from registry.errors import CorralError
from registry.settings import Settings

_SENTENCES = (CorralError, BadPolicy, BadRows, BadCheckpoint, CanaryFailed, DownloadFailed)


def sentence_of(error: Exception) -> str | None:
    """Return what an expected error says, in one line; ``None`` for an unexpected one."""
    if isinstance(error, pydantic.ValidationError) and error.title == Settings.__name__:
        return "; ".join(_setting(each["loc"], each["msg"]) for each in error.errors())
    if isinstance(error, OSError) and error.filename is not None:
        return plain(f"{error.filename}: {error.strerror}")
    if isinstance(error, _SENTENCES):
        return " ".join(plain(str(error)).split())
    return None


def _setting(path: tuple[int | str, ...], message: str) -> str:
    if not path:
        return message
    return f"CORRAL_{str(path[0]).upper()}: {message}"
