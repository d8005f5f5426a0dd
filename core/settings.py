"""Settings from the environment: every one starts with `TEM_`."""

from __future__ import annotations

from functools import lru_cache

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`TEM_STORE_URL` names the store; `TEM_ACTOR` the person written into the audit trail; `TEM_SMTP_*` the mail
    server that sends the digest to `TEM_DIGEST_TO` (security: starttls, tls or none)."""

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


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
