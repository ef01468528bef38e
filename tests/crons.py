"""Functions that are started by crons, and triggers that have been due for a while."""

from datetime import datetime, timedelta

from msgspec import structs

from apps.datastore.definition.types import CronTrigger as DefinedCron
from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.models import CronTrigger, Function
from tests.functions import define, deploy, dev_environment
from tests.state.items import execute

EVERY_MINUTE = "* * * * *"
MINUTE = timedelta(minutes=1)


def define_crons(*crons: str, slug: str = "fn") -> FunctionDefinition:
    """A function of one step that nothing but these crons starts."""
    return structs.replace(define(slug=slug), triggers=(), crons=tuple(map(_parse, crons)))


def deploy_crons(*crons: str, slug: str = "fn", note: str = "") -> Function:
    """Another `note` makes it another version."""
    return deploy(dev_environment(), define_crons(*crons, slug=slug), {"note": note}).version.function


def let_be_due(ago: timedelta = timedelta(0)) -> datetime:
    """Let every trigger stand where it stood so long ago: at the last whole minute, and earlier by `ago`."""
    [(at,)] = execute("SELECT date_trunc('minute', now()) - %s", (ago,))
    assert isinstance(at, datetime)
    CronTrigger.objects.update(next_at=at)
    return at


def _parse(cron: str) -> DefinedCron:
    zone, _, schedule = cron.removeprefix("TZ=").partition(" ")
    return DefinedCron(cron, schedule, zone) if cron.startswith("TZ=") else DefinedCron(cron, cron)
