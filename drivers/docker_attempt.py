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

import time
from collections.abc import Mapping
from typing import Any

import docker

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.cutoff import Cutoff
from drivers.docker_containers import ARGUMENT_BYTES, allowance, configuration, name_of
from drivers.docker_engine import EngineAway, answering, explanation, host
from drivers.docker_image_store import Image, ImageStore
from drivers.docker_output import Output
from drivers.docker_results import not_run, of_end, of_refusal, ran_for, seconds_of, too_much, was_cut_off
from drivers.docker_streams import Gone, Stream, attach, end, log
from drivers.settings import DockerSettings

_LOOKS = 6
_GRACE_SECONDS, _PAUSE_SECONDS = 2.0, 0.1

_without_init: set[str] = set()
"""Engines that were installed without their init. Only steps that leave children behind miss it."""


class Attempt:
    """``container`` is its id once there is one."""

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

    def run(self) -> Outcome:
        """Raises EngineAway, ImageFault, Stopped, Refused."""
        for _ in range(_LOOKS):
            outcome = self._look()
            if outcome is not None:
                return outcome
        raise EngineAway(f"the container {name_of(self._call)} is made and removed by someone else")

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
            if fault.status_code == 404:
                self._images.forget(self._call, self._settings)
                return None
            return of_refusal(fault)
        self.container = made
        return self._begin(made)

    def _create(self, image: Image) -> str:
        init = host() not in _without_init
        body = configuration(self._call, image, self._allowed, self._settings, init)
        with answering():
            return str(self._client.create_container_from_config(body, name_of(self._call))["Id"])

    def _begin(self, container: str) -> Outcome | None:
        try:
            with attach(self._client, container) as stream:
                stream.give(self._call.payload, wait=len(self._call.payload) <= ARGUMENT_BYTES)
                try:
                    self._client.start(container)
                except docker.errors.NotFound as fault:
                    if "no such container" in str(fault).lower():
                        raise Gone from fault
                    return of_refusal(fault)
                except docker.errors.APIError as fault:
                    if "docker-init" in explanation(fault) and host() not in _without_init:
                        _without_init.add(host())
                        self._remove()
                        return None
                    return of_refusal(fault)
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
        if state["Status"] == "exited":
            return self._read_end(state)
        with answering():
            now = seconds_of(self._client.info()["SystemTime"])  # the engine's machine may have another clock
        left = seconds_of(state["StartedAt"]) + call.timeout - now
        try:
            with log(self._client, str(self.container), follow=True) as stream:
                return self._follow(stream, max(left, 0.0), again=True)
        except Gone:  # removed meanwhile
            return None

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
                output = self._logged()
            return answers.timed_out(self._call.timeout, output.written().log)
        if again:  # a followed log may miss what was written at the last moment
            output = self._logged()
        return of_end(state, output, self._call.limits, self._allowed.memory)

    def _wait(self, cutoff: Cutoff) -> Mapping[str, Any] | None:
        """Its state once it has ended: its streams do so a little earlier, or much, if it closed them itself."""
        try:
            with end(self._client, str(self.container)) as ending:
                cutoff.stops(ending.sever)
                ending.read()
            if cutoff.reason is not None:
                return None
            with answering():
                state: Mapping[str, Any] = self._client.inspect_container(self.container)["State"]
        except (Gone, docker.errors.NotFound):
            return {"ExitCode": 137}  # removed by someone else
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

    def _logged(self) -> Output:
        output = Output(self._call.limits)
        with log(self._client, str(self.container), follow=False) as stream:
            output.read_from(stream)
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
