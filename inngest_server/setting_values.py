"""How the text of a setting is read. Each raises ValueError, in words for who wrote it."""

from ipaddress import ip_network

import psycopg
from psycopg.conninfo import conninfo_to_dict


def flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise ValueError("not one of 1, true, yes, on, 0, false, no, off")


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("not a whole number above 0")
    return number


def port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65_536:
        raise ValueError("not a port, a whole number from 1 to 65535")
    return number


def up_to_1000(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1_000:
        raise ValueError("not a whole number from 0 to 1000")
    return number


def number(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000_000:
        raise ValueError("not a number above 0")
    return number


def networks(text: str) -> list[str]:
    return [str(ip_network(name, strict=False)) for name in names(text)]


def pull_policy(text: str) -> str:
    if text not in {"missing", "always", "never"}:
        raise ValueError("not one of missing, always, never")
    return text


def database(text: str) -> str:
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError as error:
        raise ValueError(f"not an address of a PostgreSQL database ({str(error).strip()})") from None
    return text


def broker(text: str) -> str:
    if "://" not in text:
        raise ValueError("not an address such as redis://host:6379/0")
    return text


def log_level(text: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    if text.upper() not in levels:
        raise ValueError(f"not one of {', '.join(levels)}")
    return text.upper()


def seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError("not a number above 0")
    return number


def not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError("not a number of 0 or more")
    return number
