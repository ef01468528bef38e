"""The plan of a new function: from flags, and from a person where they are silent."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from apps.cli.problems import Problem
from apps.cli.scaffold import answers
from apps.cli.scaffold.answers import NotAnAnswer
from apps.cli.scaffold.asking import ask, can_ask
from apps.cli.scaffold.plan import HTTP, LANGUAGES, RUNTIMES, Plan
from apps.cli.scaffold.steps import TEMPLATES
from apps.datastore.definition.suggestions import did_you_mean


class Flags(NamedTuple):
    """As they were given; None: not at all."""

    name: str | None = None
    event: str | None = None
    cron: str | None = None
    language: str | None = None
    url: str | None = None
    runtime: str | None = None
    template: str | None = None
    yes: bool = False


def named(flags: Flags, folder: Path | None) -> str:
    """The function's name; `folder` is where it is to be, if that is said. Raises Problem."""
    if flags.name is not None:
        return _flag("--name", flags.name, answers.name)
    default = answers.DEFAULT_NAME
    if folder is not None and (words := folder.resolve().name.replace("-", " ").replace("_", " ").strip()):
        default = words[0].upper() + words[1:]
    if not flags.yes and can_ask():
        return ask("Name", default, answers.name)
    if folder is None and not flags.yes:
        raise Problem("there is nobody to ask: --name is missing", _EXAMPLE)
    return _flag("--name", default, answers.name)


def decide(flags: Flags, name: str) -> Plan:
    """Raises Problem for a flag that is wrong, or missing where nobody can be asked."""
    _refuse_both(flags)
    template = flags.template or "plain"
    if template not in TEMPLATES:
        raise _no_template(template)
    asks = not flags.yes and can_ask()
    event, cron = _trigger(flags, asks)
    language, url = _language(flags, asks)
    runtime = HTTP
    if language != HTTP:
        runtime = flags.runtime or RUNTIMES[language][0]
        _flag("--runtime", runtime, lambda text: answers.runtime(text, language))
    return Plan(answers.slug(name), name, event, cron, language, runtime, url, template)


def template_folder(flags: Flags) -> Path | None:
    """The folder that is to be copied; None for a template of ours. Raises Problem."""
    if flags.template is None or flags.template in TEMPLATES:
        return None
    folder = Path(flags.template)
    if not folder.is_dir():
        raise _no_template(flags.template)
    given = {"--event": flags.event, "--cron": flags.cron, "--language": flags.language, "--url": flags.url}
    given["--runtime"] = flags.runtime
    if wrong := [option for option, value in given.items() if value is not None]:
        raise Problem(f"{', '.join(wrong)}: the template {flags.template} says that itself", "--name is all it needs")
    return folder


_EXAMPLE = "for example: inngest init --name 'Welcome mail' --event user/signed.up --language typescript"


def _refuse_both(flags: Flags) -> None:
    if flags.event is not None and flags.cron is not None:
        raise Problem("--event and --cron: one of them starts the function", "a second trigger goes into inngest.json")
    if flags.url is not None and (flags.language is not None or flags.runtime is not None):
        option = "--language" if flags.language is not None else "--runtime"
        raise Problem(f"--url and {option}: behind a URL the code is in any language, and runs where it runs")


def _trigger(flags: Flags, asks: bool) -> tuple[str | None, str | None]:
    if flags.event is not None:
        return _flag("--event", flags.event, answers.event), None
    if flags.cron is not None:
        return None, _flag("--cron", flags.cron, answers.cron)
    if asks:
        given = ask("Event or cron that starts it", answers.DEFAULT_EVENT, _event_or_cron)
        return (None, given) if answers.is_cron(given) else (given, None)
    if flags.yes:
        return answers.DEFAULT_EVENT, None
    raise Problem("there is nobody to ask: --event or --cron is missing", _EXAMPLE)


def _event_or_cron(text: str) -> str:
    return answers.cron(text) if answers.is_cron(text) else answers.event(text)


def _language(flags: Flags, asks: bool) -> tuple[str, str | None]:
    """And the URL, where it is HTTP."""
    if flags.url is not None:
        return HTTP, _flag("--url", flags.url, answers.url)
    if flags.language is not None:
        return _flag("--language", flags.language, answers.language), None
    if not asks or flags.runtime is not None:
        fitting = [one for one in LANGUAGES if flags.runtime in RUNTIMES[one]]
        return (fitting or [answers.DEFAULT_LANGUAGE])[0], None
    question = f"Language: {', '.join(LANGUAGES)}, or the URL of an http step"
    given = ask(question, answers.DEFAULT_LANGUAGE, _language_or_url)
    return (HTTP, given) if "://" in given else (given, None)


def _language_or_url(text: str) -> str:
    return answers.url(text) if "://" in text else answers.language(text)


def _flag(option: str, text: str, check: Callable[[str], str]) -> str:
    try:
        return check(text)
    except NotAnAnswer as wrong:
        raise Problem(f"{option}: {wrong}") from None


def _no_template(name: str) -> Problem:
    width = max(map(len, TEMPLATES))
    listed = [f"  {one:<{width}}  {said}" for one, said in TEMPLATES.items()]
    return Problem(
        f"there is no template {name}{did_you_mean(name, TEMPLATES)}",
        "\n".join(["the templates are", *listed, "or a folder with a function, which is copied"]),
    )
