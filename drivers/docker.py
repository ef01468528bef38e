"""The docker driver: run a step in a container of its own, made from the step's folder or from an image."""

import contextlib
import dataclasses
from collections.abc import Callable

import docker
import urllib3

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.docker_attempt import Attempt, remove
from drivers.docker_containers import Refused
from drivers.docker_engine import EngineAway, client, close_client
from drivers.docker_image_store import ImageStore, Stopped
from drivers.docker_images import ImageFault
from drivers.settings import current
from drivers.shown_text import one_line


class DockerDriver:
    queue = "steps.docker"

    def __init__(self) -> None:
        self._images = ImageStore()

    def run(self, call: Call, abort: Abort) -> Outcome:
        if abort.is_set():
            return answers.aborted()
        settings = current().docker
        try:
            engine = client()
            if abort.is_set():
                return answers.aborted()
            attempt = Attempt(engine, call, abort, self._images, settings)
            outcome = attempt.run()
        except Refused as fault:
            return answers.failed(fault.name, str(fault), retryable=False)
        except ImageFault as fault:
            return answers.failed(fault.name, str(fault), retryable=fault.retryable, log=fault.log)
        except Stopped:
            return answers.aborted()
        except EngineAway as fault:
            return answers.aborted() if abort.is_set() else answers.unavailable("DockerUnavailable", str(fault))
        except (docker.errors.DockerException, OSError, urllib3.exceptions.HTTPError) as fault:
            # An answer that we did not expect, as of something before the engine that lets not everything pass.
            return answers.unavailable("DockerUnavailable", f"the Docker engine answers: {one_line(str(fault))}")
        outcome = dataclasses.replace(outcome, env=attempt.env)
        if attempt.container is None or (outcome.error is not None and outcome.error.name == "StepAborted"):
            return outcome
        return dataclasses.replace(outcome, kept=_removal(attempt.container))

    def close(self) -> None:
        close_client()


def _removal(container: str) -> Callable[[], None]:
    def take_away() -> None:
        # An engine that is away keeps it; the chore that looks for orphans removes it later.
        with contextlib.suppress(EngineAway):
            remove(client(), container)

    return take_away
