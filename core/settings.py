"""Settings from the environment: every one starts with `TEM_`."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.issues import BadInput, Issue


class Settings(BaseSettings):
    """`TEM_STORE_URL` names the store; `TEM_ACTOR` the person written into the audit trail; `TEM_SMTP_*` the mail
    server that sends the digest to `TEM_DIGEST_TO` (security: starttls, tls or none).

    `TEM_LOAD_PROCESSES` processes read the files of a load (1: the writer itself, 0: one for each core where a load is
    large), each with `TEM_LOAD_MEMORY_MB` of memory at most.

    `TEM_WATCH_*` are the house's limits of early warnings (:class:`anomaly.watch.Limits`), as text where a person
    writes a list or an amount.
    """

    model_config = SettingsConfigDict(env_prefix="TEM_", extra="ignore")

    store_url: str = "sqlite:///tem.db"
    actor: str = "local"
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = "opentem@localhost"
    digest_to: str = ""
    load_processes: int = Field(default=0, ge=0)
    load_memory_mb: int = Field(default=2048, ge=256)
    watch_thresholds: str = "80,100"
    watch_step: int = Field(default=20, ge=0, le=1000)
    watch_ahead: int = Field(default=5, ge=0, le=31)
    watch_roaming: str = "50"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        BadInput: for a value that a setting cannot have.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise BadInput(
            [
                Issue(field=f"TEM_{str(one['loc'][0]).upper()}", found=str(one["input"]), expected=one["msg"])
                for one in error.errors()
            ]
        ) from error
