"""What an operator may set, read once at start-up and passed down."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PublishedModel = Literal["original", "unbiased", "multilingual", "original-small", "unbiased-small"]
"""The toxicity checkpoints that Detoxify's authors publish."""


class Settings(BaseSettings):
    """Settings; a wrong value stops the start with the field's name.

    Every field is set by ``CORRAL_<FIELD>``, in the environment or in ``.env``. Units are
    part of the name. ``docs/settings.md`` lists them all, which a test enforces.
    """

    model_config = SettingsConfigDict(
        env_prefix="CORRAL_", env_file=".env", frozen=True, extra="ignore"
    )

    data_dir: Path = Path("var")
    database_url: SecretStr = SecretStr("")
    catalogue_dir: Path | None = None
    broker_url: SecretStr = SecretStr("")
    queue_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._:-]*$")
    host: str = "127.0.0.1"
    port: int = Field(default=8642, ge=0, le=65535)
    log_level: str = "INFO"
    ledger_origin: str = "corral.local/ledger"

    prompt_limit_bytes: int = Field(default=32_768, ge=1)
    outputs_limit: int = Field(default=16, ge=1)
    new_tokens_limit: int = Field(default=2048, ge=1)
    bulk_lines_limit: int = Field(default=50_000, ge=1)
    bulk_outputs_limit: int = Field(default=100_000, ge=1)
    bulk_limit_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    approval_days: int = Field(default=90, ge=1)
    token_days: int = Field(default=90, ge=1)

    job_lease_seconds: int = Field(default=60, ge=3)
    job_attempts_limit: int = Field(default=3, ge=1)
    resend_after_seconds: int = Field(default=60, ge=1)
    sweep_interval_seconds: float = Field(default=1.0, gt=0)
    stop_seconds: float = Field(default=20, ge=0)
    generate_threads: int = Field(default=64, ge=1)
    cache_mebibytes: int = Field(default=1024, ge=1)
    memory_mebibytes: int | None = Field(default=None, ge=1)
    score_threads: int = Field(default=32, ge=1)
    room_jobs: int = Field(default=64, ge=2)
    campaign_days: int = Field(default=30, ge=1)
    canary_interval_seconds: float = Field(default=600, gt=0)

    verify_interval_days: float = Field(default=7, gt=0)
    verify_megabytes_per_second: float = Field(default=50, ge=0)
    collect_after_days: float = Field(default=7, gt=0)

    toxicity_model: PublishedModel | None = None
    toxicity_checkpoint: Path | None = None
    toxicity_checkpoint_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    toxicity_config_dir: Path | None = None

    @model_validator(mode="after")
    def _published_checkpoint_is_complete(self) -> Self:
        """A checkpoint of somebody else's is only as good as the digest that pins it."""
        parts = (self.toxicity_path, self.toxicity_checkpoint_sha256, self.toxicity_config_dir)
        if any(parts) and not all(parts):
            raise ValueError(
                "toxicity_model or toxicity_checkpoint, toxicity_checkpoint_sha256 and "
                "toxicity_config_dir go together: set all three or none"
            )
        return self

    @property
    def toxicity_path(self) -> Path | None:
        """Where the toxicity checkpoint is, or will be once it is fetched; unset for ours."""
        if self.toxicity_checkpoint is None and self.toxicity_model is not None:
            return self.data_dir / "checkpoints" / f"{self.toxicity_model}.ckpt"
        return self.toxicity_checkpoint

    @property
    def store_dir(self) -> Path:
        """The content-addressed store of checkpoint files."""
        return self.data_dir / "store"

    @property
    def catalogues_path(self) -> Path:
        """Folder of the operator's own catalogues of published checkpoints; need not exist."""
        return self.catalogue_dir or self.data_dir / "catalogues"

    @property
    def keys_dir(self) -> Path:
        """Private keys of this instance, readable by its user alone."""
        return self.data_dir / "keys"

    @property
    def records_url(self) -> str:
        """The database: the one that was set, or SQLite in the data directory."""
        url = self.database_url.get_secret_value()
        return url or f"sqlite:///{self.data_dir.resolve() / 'corral.db'}"

    @property
    def queue_url(self) -> str:
        """The broker: the one that was set, or folders in the data directory."""
        return self.broker_url.get_secret_value() or "filesystem://localhost"


def read_settings(**overrides: object) -> Settings:
    """Read the environment; only entry points call this.

    Raises:
        pydantic.ValidationError: A value is wrong; the message names the field.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings.model_validate(given)
