"""Settings of an emitter from environment variables, the same as the worker's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MECHANISMS = {
    "plain": "PLAIN",
    "scram-sha-256": "SCRAM-SHA-256",
    "scram-sha-512": "SCRAM-SHA-512",
    "oauthbearer": "OAUTHBEARER",
}
"""librdkafka's names."""


class SettingError(ValueError):
    """A variable is missing or unusable; the message names it, and shows no secret."""


def read_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """Arguments for `UsageEmitter`. Raises SettingError, naming the variable."""
    topics = _list(env.get("KAFKA_TOPICS") or "agent-metrics")
    if len(topics) != 1:
        raise SettingError("KAFKA_TOPICS must name one topic: an emitter sends to one")
    return {
        "brokers": ",".join(_list(_required(env, "KAFKA_BROKERS"))),
        "schema_registry_url": _required(env, "SCHEMA_REGISTRY_URL"),
        "topic": topics[0],
        "kafka_config": _kafka_config(env),
        "registry_config": _registry_config(env),
    }


def _kafka_config(env: Mapping[str, str]) -> dict[str, Any]:
    is_ssl = _flag(env, "KAFKA_SSL")
    sasl = _sasl_config(env)
    config: dict[str, Any] = {
        "security.protocol": ("SASL_" if sasl else "") + ("SSL" if is_ssl else "PLAINTEXT"),
        **sasl,
    }
    if client_id := env.get("KAFKA_CLIENT_ID"):
        config["client.id"] = client_id
    for name, key in (
        ("KAFKA_SSL_CA_FILE", "ssl.ca.location"),
        ("KAFKA_SSL_CERT_FILE", "ssl.certificate.location"),
        ("KAFKA_SSL_KEY_FILE", "ssl.key.location"),
    ):
        if path := env.get(name):
            if not is_ssl:
                raise SettingError(f"{name} is set, but KAFKA_SSL is not; expected KAFKA_SSL=true")
            config[key] = path
    return config


def _sasl_config(env: Mapping[str, str]) -> dict[str, Any]:
    name = env.get("KAFKA_SASL_MECHANISM", "").lower()
    if not name:
        if env.get("KAFKA_SASL_USERNAME"):
            raise SettingError("KAFKA_SASL_USERNAME is set, but KAFKA_SASL_MECHANISM is not")
        return {}
    if name not in _MECHANISMS:
        expected = ", ".join(_MECHANISMS)
        raise SettingError(f"KAFKA_SASL_MECHANISM is {name!r}; an emitter knows {expected}")
    config = {"sasl.mechanism": _MECHANISMS[name]}
    if name != "oauthbearer":
        config["sasl.username"] = _required(env, "KAFKA_SASL_USERNAME")
        config["sasl.password"] = _secret(env, "KAFKA_SASL_PASSWORD")
        return config
    config["sasl.oauthbearer.method"] = "oidc"
    config["sasl.oauthbearer.token.endpoint.url"] = _required(env, "KAFKA_SASL_OAUTH_TOKEN_URL")
    config["sasl.oauthbearer.client.id"] = _required(env, "KAFKA_SASL_OAUTH_CLIENT_ID")
    config["sasl.oauthbearer.client.secret"] = _secret(env, "KAFKA_SASL_OAUTH_CLIENT_SECRET")
    if scope := env.get("KAFKA_SASL_OAUTH_SCOPE"):
        config["sasl.oauthbearer.scope"] = scope
    return config


def _registry_config(env: Mapping[str, str]) -> dict[str, Any]:
    username = env.get("SCHEMA_REGISTRY_USERNAME")
    if not username:
        return {}
    return {"basic.auth.user.info": f"{username}:{_secret(env, 'SCHEMA_REGISTRY_PASSWORD')}"}


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name) or "false"
    if value not in ("true", "false"):
        raise SettingError(f"{name} is {value!r}; expected true or false")
    return value == "true"


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        raise SettingError(f"{name} is not set")
    return value


def _secret(env: Mapping[str, str], name: str) -> str:
    value, path = env.get(name), env.get(f"{name}_FILE")
    if value and path:
        raise SettingError(f"{name} is set together with {name}_FILE; expected only one of them")
    if path:
        try:
            value = Path(path).read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeError) as error:
            raise SettingError(f"{name}_FILE cannot be read: {error}") from error
    if not value:
        raise SettingError(f"{name} is not set; give it, or {name}_FILE, a path to read it from")
    return value
