"""The hub in containers, each of them stopped and started again while the story is told to it from outside: the story
holds every time, and nothing is lost.

    python -m tests.faults.compose_restarts [--down SECONDS] [--only SERVICE ...] [--no-build]

Needs Docker with Compose, 1.29 or 2. The project has a name, ports and secrets of its own and is gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from tests.faults.ground import Trial, fault_in, run
from tests.processes import bare_environment

from cx_events.errors import CxError
from cx_hub.demo.cast import Cast
from cx_hub.demo.run import PUBLIC_URL, Doors, play, until_ready
from cx_hub.demo.stage import Stage
from cx_hub.stack.processes import free_port
from cx_runtime.tenants import load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy" / "example.yaml"
SERVICES = ("channels", "pollers", "projectors", "api", "ops", "desktop", "gateway", "kafka", "postgres")
OURS = frozenset(SERVICES) - {"kafka", "postgres"}

UP_SECONDS = 900
STOP_SECONDS = 60
STEPS = (2, 3, 4, 5, 6)
"""Where in the story a container is stopped: at each of these in turn."""
PATIENCE = 120.0
"""Seconds that anything of the story may take: a sender goes on trying."""


class Project:
    """One Compose project: the hub as its users start it."""

    def __init__(self) -> None:
        self._compose = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        told = re.sub(r"(?m)^#.*$", "", CONFIG.read_text(encoding="utf-8"))
        self.secrets = {name: secrets.token_hex(16) for name in re.findall(r"\$\{([A-Z_]+)\}", told)}
        self.http_port, self.smtp_port = free_port(), free_port()
        self._environment = {
            **bare_environment(),
            **self.secrets,
            "COMPOSE_PROJECT_NAME": f"throughline-trial-{os.getpid()}",
            "HTTP_PORT": str(self.http_port),
            "SMTP_PORT": str(self.smtp_port),
            "PUBLIC_URL": PUBLIC_URL,
        }

    @property
    def doors(self) -> Doors:
        url = f"http://127.0.0.1:{self.http_port}"
        tenants = load(CONFIG, Path("unused"), self.secrets)
        return Doors(url, url, ("127.0.0.1", self.smtp_port), tenants, where=f"at {url}", patience=PATIENCE)

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._compose, *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def containers(self, service: str) -> list[str]:
        """Their ids, that of each replica."""
        return self.compose("ps", "-q", service).stdout.split()

    @contextmanager
    def up(self, build: bool) -> Iterator[None]:
        try:
            self.compose("up", "-d", *(["--build"] if build else []))
            yield
        finally:
            self.compose("down", "-v", "-t", str(STOP_SECONDS), check=False)


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=2 * STOP_SECONDS, check=True
    ).stdout.strip()


async def stopped_amid_a_story(
    trial: Trial, project: Project, container: str, what: str, step: int, down: float, number: int
) -> None:
    """One story, and one container that is away for a while in the middle of it."""
    stage = Stage(Console(file=io.StringIO(), width=160))
    began = time.monotonic()
    telling = asyncio.create_task(play(project.doors, stage, Cast.anew(number)))
    try:
        while stage.steps < step and not telling.done():
            await asyncio.sleep(0.01)
        if telling.done():
            telling.result()
        asked = time.monotonic()
        await asyncio.to_thread(docker, "stop", "-t", str(STOP_SECONDS), container)
        took = time.monotonic() - asked
        state = json.loads(await asyncio.to_thread(docker, "inspect", "-f", "{{json .State}}", container))
        if what.partition(" ")[0] in OURS:
            trial.check(state["ExitCode"] == 0, f"{what} stops in good order (exit {state['ExitCode']}, {took:.1f} s)")
        await asyncio.sleep(down)
        await asyncio.to_thread(docker, "start", container)
        await telling
    except (CxError, TimeoutError, OSError) as error:
        trial.check(False, f"the story broke off at step {stage.steps} while {what} was away: {error}")
        return
    finally:
        telling.cancel()
    seconds = time.monotonic() - began
    broken = "; ".join(stage.broken)
    trial.check(
        not stage.broken,
        f"the story with {what} away from step {step} on: {len(stage.checks)} checks, {seconds:.1f} s {broken}",
    )


async def compose_restarts(trial: Trial, project: Project, services: Sequence[str], down: float) -> None:
    url = project.doors.api
    await until_ready(url, STOP_SECONDS)
    trial.say(f"up and ready at {url}")
    number = secrets.randbelow(9_000_000)
    replicas = [
        (f"{service} {replica}", container)
        for service in services
        for replica, container in enumerate(project.containers(service), 1)
    ]
    trial.check(len(replicas) >= len(services), f"{len(replicas)} containers of {len(services)} services run")
    for index, (what, container) in enumerate(replicas):
        step = STEPS[index % len(STEPS)]
        await stopped_amid_a_story(trial, project, container, what, step, down, number + index)
        await until_ready(url, STOP_SECONDS)
    states = {what: docker("inspect", "-f", "{{.RestartCount}}", container) for what, container in replicas}
    trial.check(set(states.values()) <= {"0"}, f"no container had to be started again by Docker: {states}")
    while (lag := project.compose("exec", "-T", "ops", "cx", "lag", "-o", "json")).returncode or any(
        each["events"] for each in json.loads(lag.stdout)
    ):
        await asyncio.sleep(0.5)
    verified = project.compose("exec", "-T", "ops", "cx", "verify", check=False)
    trial.check(verified.returncode == 0, f"cx verify: {' '.join(verified.stdout.split())}")
    said = project.compose("logs", "--no-color", *(each for each in services if each in OURS)).stdout
    trial.check("Traceback" not in said, f"no service told of a fault{fault_in(said)}")


async def in_containers(services: Sequence[str], down: float, build: bool) -> Trial:
    trial, project = Trial("compose_restarts"), Project()
    with project.up(build):
        await compose_restarts(trial, project, services, down)
    return trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--down", type=float, default=3.0, help="seconds that a container is away")
    parser.add_argument("--only", nargs="+", choices=SERVICES, default=SERVICES, help="stop these alone")
    parser.add_argument("--no-build", dest="build", action="store_false", help="use the images that there are")
    given = parser.parse_args()
    return run(in_containers(given.only, given.down, given.build))


if __name__ == "__main__":
    sys.exit(main())
