"""Commands as processes: in a pipe, or in a terminal of their own."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60
"""How long to wait for what must come: a busy machine is no failure."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Result(NamedTuple):
    status: int
    out: str
    """In a terminal, all that it showed, without colours."""
    err: str
    shown: str = ""
    """In a terminal, that with colours."""

    @property
    def last_line(self) -> str:
        """The last line; in a terminal, without the bar that it was written over."""
        return (self.out + self.err).splitlines()[-1].rpartition("\r")[2]


class Running:
    """A command that runs."""

    def __init__(self, launcher: Launcher, pid: int, files: dict[str, int]) -> None:
        self.pid = pid
        self._launcher, self._files = launcher, files
        self._read = dict.fromkeys(files, b"")
        self.is_in_terminal = "terminal" in files

    def wait_for(self, text: str) -> None:
        """Wait until the command has printed *text*."""
        while not any(text.encode() in each for each in self._read.values()):
            assert self._read_some(), f"{text!r} does not come: {self._read}"

    def type(self, text: str) -> None:
        os.write(self._files["terminal"], text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, or send what a shell sends for it."""
        if self.is_in_terminal:
            self.type("\x03")
        else:
            os.kill(self.pid, signal.SIGINT)

    def interrupt_question(self) -> None:
        """Press Ctrl-C at a question until the command notices: Python misses one just before it begins to read."""
        for _ in range(SECONDS):
            if not self._files or self._is_interrupted():
                return
            self.type("\x03")
            end = time.monotonic() + 1
            while self._files and time.monotonic() < end and not self._is_interrupted():
                if select.select(list(self._files.values()), [], [], 0.1)[0]:
                    self._read_some()
        raise AssertionError(f"Ctrl-C has no effect: {self._read}")

    def finish(self) -> Result:
        """Return what it printed, and its exit status."""
        while self._read_some():
            pass
        status = self._launcher.read_status()
        read = {name: text.decode() for name, text in self._read.items()}
        if self.is_in_terminal:
            shown = read["terminal"].replace("\r\n", "\n")
            return Result(status, _ESCAPES.sub("", shown), "", shown)
        return Result(status, read["out"], read["err"])

    def _is_interrupted(self) -> bool:
        return b"interrupted" in self._read["terminal"]

    def _read_some(self) -> bool:
        """Read what comes next; tell whether there may be more."""
        if not self._files:
            return False
        ready, _, _ = select.select(list(self._files.values()), [], [], SECONDS)
        assert ready, f"nothing comes any more: {self._read}"
        for name, file in list(self._files.items()):
            if file in ready:
                try:
                    data = os.read(file, 65536)
                except OSError:  # all who had the terminal open are gone
                    data = b""
                self._read[name] += data
                if not data:
                    os.close(self._files.pop(name))
        return True


class Launcher:
    """The process that starts the commands."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.launcher", str(number)],
            cwd=ROOT,
            pass_fds=[number],
            start_new_session=True,
        )
        theirs.close()
        self._numbers = self._channel.makefile("r")
        self._running: Running | None = None

    def start(
        self,
        *arguments: str,
        directory: Path,
        terminal: bool = False,
        environment: dict[str, str] | None = None,
    ) -> Running:
        """Start a command; variables whose value is empty are removed from its environment."""
        self._end_last()
        request = {
            "arguments": list(arguments),
            "directory": str(directory),
            "environment": {"TERM": "xterm", "COLUMNS": "200", **(environment or {})},
        }
        if terminal:
            ours, file = os.openpty()
            theirs, files = [file] * 3, {"terminal": ours}
        else:
            (out, to_out), (err, to_err) = os.pipe(), os.pipe()
            theirs = [os.open(os.devnull, os.O_RDONLY), to_out, to_err]
            files = {"out": out, "err": err}
        socket.send_fds(self._channel, [json.dumps(request).encode()], theirs)
        for each in set(theirs):
            os.close(each)
        self._running = Running(self, self.read_number(), files)
        return self._running

    def read_status(self) -> int:
        """Return the exit status of the command that runs, as soon as it has ended."""
        self._running = None
        return self.read_number()

    def read_number(self) -> int:
        return int(self._numbers.readline())

    def _end_last(self) -> None:
        """End the command of a test that failed before."""
        if self._running is not None:
            os.kill(self._running.pid, signal.SIGKILL)
            self.read_status()

    def stop(self) -> None:
        self._end_last()
        self._numbers.close()
        self._channel.close()
        self._process.wait(SECONDS)


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server
