"""One attempt in its container: make it, or find the one that an earlier worker made, and follow it to its end.

A worker may be killed between any two lines. What the next one finds is
- no container: it makes one;
- one that was never started: it takes it away and makes another (its input may be half written);
- one that runs: it waits for it, up to the deadline that counts from its start;
- one that has ended: it reads its result.

The input lies in the buffers of the engine's connection before the start, so that no worker is needed to hand it over.
That holds for inputs that are an argument too (below 128 KiB). Whether a longer one arrived whole nobody can tell: such
a container is ended and the attempt run anew.
"""

import contextlib
import math
import time
from collections.abc import Mapping
from typing import Any

import docker

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.cutoff import Cutoff
from drivers.docker_containers import ARGUMENT_BYTES, allowance, configuration, name_of
from drivers.docker_engine import EngineAway, answering, engine_fault, explanation, host, reaching
from drivers.docker_image_store import Image, ImageStore, Stopped
from drivers.docker_output import Output
from drivers.docker_results import (
    lacks_network,
    not_run,
    of_end,
    of_refusal,
    ran_for,
    seconds_of,
    too_much,
    was_cut_off,
)
from drivers.docker_streams import Gone, Stream, attach, end, follow, log
from drivers.settings import DockerSettings

_LOOKS, _LOOK_SECONDS = 6, 20.0
_GRACE_SECONDS, _PAUSE_SECONDS = 2.0, 0.1
_LOG_SECONDS = 120.0
"""For how long an engine may pause in the middle of a log."""

_LAST_PIECES = 1_000
_PROMPT_SECONDS = 1.0
"""An engine that takes no request for longer, as while it is restarted, is away."""

_without_init: set[str] = set()
"""Engines that were installed without their init. Only steps that leave children behind miss it."""


class Attempt:
    """``container`` is its id once there is one, ``env`` what one was made with that was found."""

    def __init__(
        self, client: docker.APIClient, call: Call, abort: Abort, images: ImageStore, settings: DockerSettings
    ) -> None:
        """Raises Refused."""
        self._client = client
        self._call = call
        self._abort = abort
        self._allowed = allowance(call.runtime, settings)
        self._images = images
        self._settings = settings
        self.container: str | None = None
        self.env: Mapping[str, str] | None = None

    def run(self) -> Outcome:
        """Raises EngineAway, ImageFault, Stopped, Refused."""
        looks, until = 1, time.monotonic() + _LOOK_SECONDS
        while (outcome := self._look()) is None:
            # Another worker may be making it: the engine holds the name some time before it shows the container.
            if looks >= _LOOKS and time.monotonic() > until:
                raise EngineAway(f"the container {name_of(self._call)} is made and removed by someone else")
            looks += 1
            time.sleep(_PAUSE_SECONDS)
            if self._abort.is_set():
                return answers.aborted()
        return outcome

    def _look(self) -> Outcome | None:
        """None: what there was has gone; look again."""
        image = self._images.known(self._call, self._settings)
        if image is None:
            found = self._find()
            if found is not None:
                return self._go_on(found)
            image = self._images.ensure(self._client, self._call, self._settings, self._abort)
        if self._abort.is_set():
            return answers.aborted()
        if not image.entrypoint and not image.command:
            return not_run("it has neither ENTRYPOINT nor CMD")
        try:
            made = self._create(image)
        except docker.errors.APIError as fault:
            if fault.status_code == 409:
                found = self._find()
                return None if found is None else self._go_on(found)
            if fault.status_code == 404 and not lacks_network(fault, self._settings.network):
                self._images.forget(self._call, self._settings)
                return None
            return of_refusal(fault, self._settings.network)
        self.container = made
        return self._begin(made)

    def _create(self, image: Image) -> str:
        init = host() not in _without_init
        body = configuration(self._call, image, self._allowed, self._settings, init)
        with reaching():
            return str(self._client.create_container_from_config(body, name_of(self._call))["Id"])

    def _begin(self, container: str) -> Outcome | None:
        try:
            with attach(self._client, container) as stream:
                stream.give(self._call.payload, wait=len(self._call.payload) <= ARGUMENT_BYTES)
                try:
                    with reaching():  # it may have been started all the same: the next look tells
                        self._client.start(container)
                except docker.errors.NotFound as fault:
                    if "no such container" in str(fault).lower():
                        raise Gone from fault
                    return of_refusal(fault, self._settings.network)
                except docker.errors.APIError as fault:
                    if "docker-init" in explanation(fault) and host() not in _without_init:
                        _without_init.add(host())
                        self._remove()
                        return None
                    return of_refusal(fault, self._settings.network)
                return self._follow(stream, self._call.timeout)
        except Gone:
            return None

    def _find(self) -> Mapping[str, Any] | None:
        try:
            with answering():
                found: Mapping[str, Any] = self._client.inspect_container(name_of(self._call))
        except docker.errors.NotFound:
            return None
        self.container = str(found["Id"])
        return found

    def _go_on(self, found: Mapping[str, Any]) -> Outcome | None:
        state, call = found["State"], self._call
        if state["Status"] == "created" and self._is_being_started():
            return None
        if state["Status"] not in ("running", "paused", "exited") or len(call.payload) > ARGUMENT_BYTES:
            self._remove()
            return None
        self.env = self._variables_of(found)
        if state["Status"] == "exited":
            return self._read_end(state)
        with answering():
            now = seconds_of(self._client.info()["SystemTime"])  # the engine's machine may have another clock
        left = seconds_of(state["StartedAt"]) + call.timeout - now
        try:
            with follow(self._client, str(self.container)) as stream:
                return self._follow(stream, max(left, 0.0), again=True)
        except Gone:  # removed meanwhile
            return None

    def _variables_of(self, found: Mapping[str, Any]) -> Mapping[str, str]:
        """What its maker gave it, which may have been changed since: without what its image brings."""
        own: list[str] = []
        with contextlib.suppress(docker.errors.NotFound), answering():
            own = (self._client.inspect_image(found["Image"]).get("Config") or {}).get("Env") or []
        given = [line for line in found["Config"]["Env"] or [] if line not in own]
        return {name: value for name, _, value in (line.partition("=") for line in given)}

    def _is_being_started(self) -> bool:
        """Whether its maker, which has lost the attempt but lives, starts it before long."""
        until = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < until and not self._abort.is_set():
            time.sleep(_PAUSE_SECONDS)
            found = self._find()
            if found is None or found["State"]["Status"] != "created":
                return True
        return False

    def _follow(self, stream: Stream, seconds: float, *, again: bool = False) -> Outcome:
        output = Output(self._call.limits)
        with Cutoff(seconds, self._abort) as cutoff:
            cutoff.stops(stream.sever)
            output.read_from(stream)
            state = None if output.overflown else self._wait(cutoff)
        if cutoff.reason == "abort":
            if self._abort.reason == "cancel":
                self._remove()
            return answers.aborted(output.written().log)
        if output.overflown:
            stream.sever()  # else the engine waits for us to read on, and does not come to kill
            self._kill()
            return too_much(output, self._call.limits)
        if cutoff.reason == "timeout" or state is None:
            self._kill()
            if again:  # its deadline may have passed long ago, and then nothing was read
                with contextlib.suppress(Gone):
                    output = self._logged()
            return answers.timed_out(self._call.timeout, output.written().log)
        # A followed log may miss what was written at the last moment; and what lies between may have ended a connection
        # over which nothing went for long. A log of many short lines takes a minute to read, hence only its end if that
        # will do.
        with contextlib.suppress(Gone):
            if again or not output.ends_with(self._logged(_LAST_PIECES)):
                output = self._logged()
        return of_end(state, output, self._call.limits, self._allowed.memory)

    def _wait(self, cutoff: Cutoff) -> Mapping[str, Any] | None:
        """Its state once it has ended: its streams do so a little earlier, or much, if it closed them itself."""
        try:
            asked = time.monotonic()
            with end(self._client, str(self.container), cutoff) as ending:
                is_prompt = time.monotonic() - asked < _PROMPT_SECONDS
                ending.read()
            if cutoff.reason is not None:
                return None
            with answering():
                state: Mapping[str, Any] = self._client.inspect_container(self.container)["State"]
        except (Gone, docker.errors.NotFound):
            return {"ExitCode": 137}  # removed by someone else
        except EngineAway:
            if cutoff.reason is None:
                raise
            return None
        if was_cut_off(state) and not (is_prompt and engine_fault() is None):
            raise EngineAway("the Docker engine was going away when the container ended")
        if state["Running"]:
            raise EngineAway("the Docker engine ended a connection while the container runs")
        return state

    def _read_end(self, state: Mapping[str, Any]) -> Outcome | None:
        try:
            output = self._logged()
        except Gone:
            return None
        if output.overflown:
            return too_much(output, self._call.limits)
        if was_cut_off(state):
            if ran_for(state) >= self._call.timeout:
                return answers.timed_out(self._call.timeout, output.written().log)
            self._remove()
            return None
        return of_end(state, output, self._call.limits, self._allowed.memory)

    def _logged(self, last: int | None = None) -> Output:
        """What it has written, or the last pieces of it. Raises Gone, Stopped, EngineAway."""
        output = Output(self._call.limits)
        with Cutoff(math.inf, self._abort) as cutoff:
            try:
                with log(self._client, str(self.container), cutoff, patience=_LOG_SECONDS, last=last) as stream:
                    output.read_log(stream)
            except EngineAway:
                if cutoff.reason is None:
                    raise
        if cutoff.reason is not None:
            if self._abort.reason == "cancel":
                self._remove()
            raise Stopped
        return output

    def _kill(self) -> None:
        try:
            with answering():
                self._client.kill(self.container)
        except docker.errors.APIError:
            pass  # it has ended meanwhile, or has been removed

    def _remove(self) -> None:
        remove(self._client, str(self.container))


def remove(client: docker.APIClient, container: str) -> None:
    """Kill it if it runs, and remove it. Raises EngineAway."""
    try:
        with answering():
            client.remove_container(container, force=True, v=True)
    except docker.errors.APIError:
        pass  # it has gone, or is just going
