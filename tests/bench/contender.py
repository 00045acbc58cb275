"""One contender, as a run starts it: ``python -m tests.bench.contender KIND TASK``. People use ``cx bench``."""

import sys
from importlib import import_module

import msgspec
from tests.bench.children import Task, play

CONTENDERS = {
    "floor": "tests.bench.floors.projector",
    "hub": "tests.bench.hubs.projector",
    "hub-relayed": "tests.bench.hubs.relayed",
    "hub-profiled": "tests.bench.hubs.profiled",
    "floor-intake": "tests.bench.floors.intake",
    "floor-reading": "tests.bench.floors.reading",
    "floor-embedded": "tests.bench.floors.embedded",
    "hub-embedded": "tests.bench.hubs.embedded",
    "floor-freshness": "tests.bench.floors.freshness",
    "hub-freshness": "tests.bench.hubs.freshness",
    "hub-following": "tests.bench.hubs.following",
    "hub-long": "tests.bench.hubs.long",
    "load": "tests.bench.load",
}
"""Each in a module of its own, with a function ``run``: a floor imports nothing of the hub's that it does not use."""

if __name__ == "__main__":
    play(import_module(CONTENDERS[sys.argv[1]]).run, msgspec.json.decode(sys.argv[2], type=Task))
