"""One contender, as a run starts it: ``python -m cx_hub.bench floor|hub TASK`` (not for people: ``cx bench`` is)."""

import sys

import msgspec

from cx_hub.bench.child import Task, play
from cx_hub.bench.floor import run_floor
from cx_hub.bench.hub import run_hub

CONTENDERS = {"floor": run_floor, "hub": run_hub}

play(CONTENDERS[sys.argv[1]], msgspec.json.decode(sys.argv[2], type=Task))
