"""Celery's broker: whether it can be reached, is one that processes can share, and drops no messages."""

import os
from typing import Any
from urllib.parse import urlsplit

from apps.cli.doctor.connecting import reason
from apps.cli.doctor.finding import Finding, fault, ok, skipped, warning

SECONDS = 3
_REDIS = ("redis", "rediss", "redis+socket", "sentinel")
_AMQP = ("amqp", "amqps", "pyamqp")


def check_broker() -> list[Finding]:
    url = os.environ["BROKER_URL"]
    scheme = url.partition("://")[0]
    if scheme not in {*_REDIS, *_AMQP}:
        to_do = "Redis, Valkey and RabbitMQ are supported: BROKER_URL=redis://host:6379/0 or amqp://host"
        return [fault("broker", f"{scheme} is of no kind that is supported", to_do)]
    from celery import Celery
    from kombu.exceptions import KombuError

    failures: tuple[type[Exception], ...] = (OSError, KombuError, *_errors())
    options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS} if scheme in _REDIS else {}
    try:
        # An application of its own, which knows nothing but the address.
        with Celery(broker=url, set_as_current=False).connection_for_write(
            connect_timeout=SECONDS, transport_options=options
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=SECONDS)
            return _of_redis(connection) if scheme in _REDIS else [_of_amqp(connection)]
    except failures as error:
        to_do = "is it running, and does BROKER_URL name it? Until it is back, accepted events wait in the database"
        return [fault("broker", f"{_place(url)} cannot be used: {reason(error)}", to_do)]


def _errors() -> tuple[type[Exception], ...]:
    import amqp
    import redis

    return amqp.AMQPError, redis.RedisError


def _place(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        return parts.path
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _of_redis(connection: Any) -> list[Finding]:
    import redis

    client = connection.default_channel.client
    server = client.info("server")
    valkey = server.get("valkey_version")
    what = f"Valkey {valkey}" if valkey else f"Redis {server.get('redis_version', '')}".strip()
    found = [ok("broker", f"{what}, {_place(os.environ['BROKER_URL'])}")]
    try:
        policy = str(client.config_get("maxmemory-policy").get("maxmemory-policy", ""))
    except redis.ResponseError:  # hosted ones tell nobody
        return [*found, skipped("broker's memory", "it does not tell its settings")]
    if policy != "noeviction":
        told = f"maxmemory-policy is {policy}: messages are dropped when it is full"
        return [*found, warning("broker's memory", told, "CONFIG SET maxmemory-policy noeviction")]
    return [*found, ok("broker's memory", "nothing is evicted")]


def _of_amqp(connection: Any) -> Finding:
    properties = connection.connection.server_properties
    what = " ".join(str(properties.get(name, "")) for name in ("product", "version"))
    return ok("broker", f"{what.strip()}, {_place(os.environ['BROKER_URL'])}")
