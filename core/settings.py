"""Settings from the environment: every one starts with `TEM_`."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`TEM_STORE_URL` names the store; `TEM_ACTOR` the person written into the audit trail; `TEM_SMTP_*` the mail
    server that sends the digest to `TEM_DIGEST_TO` (security: starttls, tls or none).

    `TEM_LOAD_PROCESSES` processes read the files of a load (1: the writer itself, 0: one for each core where a load is
    large), each with `TEM_LOAD_MEMORY_MB` of memory at most.
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


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
