"""Settings of an emitter from environment variables, the same as the worker's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class SettingError(ValueError):
    """A variable is missing or unusable; the message names it."""


def read_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """Arguments for `UsageEmitter`. Raises SettingError, naming the variable."""
    topics = [name.strip() for name in env.get("KAFKA_TOPICS", "agent-metrics").split(",")]
    if len(topics) != 1:
        raise SettingError("KAFKA_TOPICS must name one topic: an emitter sends to one")
    return {
        "brokers": _required(env, "KAFKA_BROKERS"),
        "schema_registry_url": _required(env, "SCHEMA_REGISTRY_URL"),
        "topic": topics[0],
        "kafka_config": _kafka_config(env),
        "registry_config": _registry_config(env),
    }


def _kafka_config(env: Mapping[str, str]) -> dict[str, Any]:
    is_ssl = env.get("KAFKA_SSL", "false").lower() == "true"
    mechanism = env.get("KAFKA_SASL_MECHANISM")
    config: dict[str, Any] = {
        "security.protocol": ("SASL_" if mechanism else "") + ("SSL" if is_ssl else "PLAINTEXT")
    }
    if client_id := env.get("KAFKA_CLIENT_ID"):
        config["client.id"] = client_id
    for name, key in (
        ("KAFKA_SSL_CA_FILE", "ssl.ca.location"),
        ("KAFKA_SSL_CERT_FILE", "ssl.certificate.location"),
        ("KAFKA_SSL_KEY_FILE", "ssl.key.location"),
    ):
        if path := env.get(name):
            config[key] = path
    if mechanism:
        config["sasl.mechanism"] = mechanism.upper()
        config["sasl.username"] = _required(env, "KAFKA_SASL_USERNAME")
        config["sasl.password"] = _required(env, "KAFKA_SASL_PASSWORD")
    return config


def _registry_config(env: Mapping[str, str]) -> dict[str, Any]:
    username = _optional(env, "SCHEMA_REGISTRY_USERNAME")
    if username is None:
        return {}
    password = _required(env, "SCHEMA_REGISTRY_PASSWORD")
    return {"basic.auth.user.info": f"{username}:{password}"}


def _optional(env: Mapping[str, str], name: str) -> str | None:
    if value := env.get(name):
        return value
    path = env.get(f"{name}_FILE")
    return Path(path).read_text("utf-8").rstrip("\n") if path else None


def _required(env: Mapping[str, str], name: str) -> str:
    value = _optional(env, name)
    if not value:
        raise SettingError(f"{name} is not set; give it, or {name}_FILE, a path to read it from")
    return value
