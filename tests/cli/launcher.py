"""Starts commands as processes of their own: forks of one that has imported them all, which is quick."""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import socket
import sys

# What the commands import, and what finding credentials does.
import botocore.session
import rich.progress
import rich.table  # noqa: F401

from dynamodb_py.cli import main
from dynamodb_py.cli.with_click import root


def become(request: dict, files: list[int]) -> int:
    """Be the process of a command, and return its exit status."""
    import fcntl  # there are none on Windows
    import termios

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C there is of this process
    os.chdir(request["directory"])
    os.environ.update(request["environment"])
    for name in [name for name, value in os.environ.items() if not value]:
        del os.environ[name]
    return main(request["arguments"])


def serve(channel: socket.socket) -> None:
    """Start a command for each message, answer with its process id, and then with its exit status."""
    while True:
        message, files, _, _ = socket.recv_fds(channel, 65536, 3)
        if not message:
            return
        pid = os.fork()
        if not pid:
            channel.close()
            status = become(json.loads(message), files)
            sys.stdout.flush()
            os._exit(status)  # the end of the interpreter takes longer than most commands
        for file in files:
            os.close(file)
        channel.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    botocore.session.get_session().create_client("dynamodb", region_name="us-east-1")
    for name in root.list_commands(None):
        root.get_command(None, name)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
