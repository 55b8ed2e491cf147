"""The variables of the worker make an emitter; what is wrong with them is named."""

from pathlib import Path

import pytest

from usage_ledger_emitter.settings import read_environment

BASE = {"KAFKA_BROKERS": "a:1, b:2 ", "SCHEMA_REGISTRY_URL": "http://r"}


def test_the_defaults_are_those_of_the_worker() -> None:
    assert read_environment(BASE) == {
        "brokers": "a:1,b:2",
        "schema_registry_url": "http://r",
        "topic": "agent-metrics",
        "kafka_config": {"security.protocol": "PLAINTEXT"},
        "registry_config": {},
    }


def test_tls_sasl_and_basic_auth_with_secrets_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pass word\r\n")
    settings = read_environment(
        {
            **BASE,
            "KAFKA_CLIENT_ID": "agent",
            "KAFKA_SSL": "true",
            "KAFKA_SSL_CA_FILE": "/ca.pem",
            "KAFKA_SASL_MECHANISM": "scram-sha-512",
            "KAFKA_SASL_USERNAME": "u",
            "KAFKA_SASL_PASSWORD_FILE": str(secret),
            "SCHEMA_REGISTRY_USERNAME": "r",
            "SCHEMA_REGISTRY_PASSWORD_FILE": str(secret),
        }
    )
    assert settings["kafka_config"] == {
        "client.id": "agent",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": "/ca.pem",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": "pass word",
    }
    assert settings["registry_config"] == {"basic.auth.user.info": "r:pass word"}


def test_oauth_is_left_to_librdkafka() -> None:
    settings = read_environment(
        {
            **BASE,
            "KAFKA_SASL_MECHANISM": "oauthbearer",
            "KAFKA_SASL_OAUTH_TOKEN_URL": "https://t",
            "KAFKA_SASL_OAUTH_CLIENT_ID": "c",
            "KAFKA_SASL_OAUTH_CLIENT_SECRET": "s",
        }
    )
    assert settings["kafka_config"] == {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": "https://t",
        "sasl.oauthbearer.client.id": "c",
        "sasl.oauthbearer.client.secret": "s",
    }


SASL = {"KAFKA_SASL_MECHANISM": "plain", "KAFKA_SASL_USERNAME": "u"}


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"KAFKA_BROKERS": ""}, "KAFKA_BROKERS is not set"),
        ({"SCHEMA_REGISTRY_URL": ""}, "SCHEMA_REGISTRY_URL is not set"),
        ({"KAFKA_TOPICS": "one,two"}, "KAFKA_TOPICS must name one topic"),
        ({"KAFKA_SSL": "yes"}, "KAFKA_SSL is 'yes'; expected true or false"),
        ({"KAFKA_SSL_CA_FILE": "/ca.pem"}, "KAFKA_SSL_CA_FILE is set, but KAFKA_SSL is not"),
        ({"KAFKA_SASL_USERNAME": "u"}, "KAFKA_SASL_MECHANISM is not"),
        ({"KAFKA_SASL_MECHANISM": "aws-msk-iam"}, "KAFKA_SASL_MECHANISM is 'aws-msk-iam'"),
        (SASL, "KAFKA_SASL_PASSWORD is not set; give it, or KAFKA_SASL_PASSWORD_FILE"),
        ({**SASL, "KAFKA_SASL_PASSWORD_FILE": "/none"}, "KAFKA_SASL_PASSWORD_FILE cannot be read"),
        (
            {**SASL, "KAFKA_SASL_PASSWORD": "secret", "KAFKA_SASL_PASSWORD_FILE": "/none"},
            "KAFKA_SASL_PASSWORD is set together with KAFKA_SASL_PASSWORD_FILE",
        ),
    ],
)
def test_what_is_wrong_is_named(env: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        read_environment({**BASE, **env})
    assert "secret" not in str(raised.value)
