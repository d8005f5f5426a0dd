"""Settings from the environment: every one starts with `TEM_`."""

from __future__ import annotations

from functools import lru_cache

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`TEM_STORE_URL` names the store; `TEM_ACTOR` the person written into the audit trail."""

    model_config = SettingsConfigDict(env_prefix="TEM_", extra="ignore")

    store_url: str = "sqlite:///tem.db"
    actor: str = "local"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
