"""Asterisk's side of AGI: variables first, then commands and their answers, a line each.

docs.asterisk.org: "The Asterisk Gateway Interface (AGI)"; ``res/res_agi.c``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

from tests.patience import PATIENCE
from tests.recipes.story import Hub, environment

_SET = re.compile(r'SET VARIABLE (\w+) "((?:[^"\\]|\\.)*)"')
_VERBOSE = re.compile(r'VERBOSE "(?:[^"\\]|\\.)*" [1-4]')


@dataclass
class Channel:
    """A call. ``variables``: those of the channel, which the script sets and the dialplan reads."""

    uniqueid: str
    callerid: str
    variables: dict[str, str] = field(default_factory=dict)

    def agi(self, hub: Hub, *arguments: str) -> None:
        """Run ``AGI(throughline_agi.py,ARGUMENTS)``; it must end by itself."""
        process = subprocess.Popen(
            [sys.executable, str(hub.recipes / "asterisk" / "throughline_agi.py")],
            env={**os.environ, **environment(hub)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(self._heading(arguments))
            process.stdin.flush()
            for line in process.stdout:
                process.stdin.write(f"{self._answer(line.rstrip(chr(10)))}\n")
                process.stdin.flush()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def _heading(self, arguments: tuple[str, ...]) -> str:
        given = {
            "request": "throughline_agi.py",
            "channel": "PJSIP/trunk-00000001",
            "language": "en",
            "type": "PJSIP",
            "uniqueid": self.uniqueid,
            "version": "22.5.0",
            "callerid": self.callerid,
            "calleridname": "unknown",
            "dnid": "+15550100199",
            "context": "from-trunk",
            "extension": "+15550100199",
            "priority": "2",
            "enhanced": "0.0",
            "accountcode": "",
            **{f"arg_{number}": value for number, value in enumerate(arguments, 1)},
        }
        return "".join(f"agi_{name}: {value}\n" for name, value in given.items()) + "\n"

    def _answer(self, command: str) -> str:
        if match := _SET.fullmatch(command):
            self.variables[match[1]] = re.sub(r"\\(.)", r"\1", match[2])
        else:
            assert _VERBOSE.fullmatch(command), f"Asterisk answers 510 to {command!r}"
        return "200 result=1"
