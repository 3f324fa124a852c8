"""The network, answered as if the machine were offline.

Everything above sockets (urllib, http.client, requests, smtplib) fails the way it does without a connection, at once and without a
time-out, which is what programs are prepared for. Binding and listening seem to work, so that a program that looks for a free port
goes on.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from .guard_base import Answers

_LOCAL = "127.0.0.1"


def install(answers: Answers) -> None:
    """Put the answers in place."""

    def unreachable(self: socket.socket, *args: Any, **_: Any) -> Any:
        answers.say("network", f"a connection to {_name(args)} was answered as if offline")
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    def connect_ex(self: socket.socket, address: Any) -> int:
        answers.say("network", f"a connection to {_name((address,))} was answered as if offline")
        return errno.ENETUNREACH

    def unknown_name(host: Any, *_: Any, **__: Any) -> Any:
        answers.say("network", f"a connection to {_name((host,))} was answered as if offline")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def gethostbyname(host: str) -> str:
        return _LOCAL if host in ("", "localhost", _LOCAL, socket.gethostname()) else str(unknown_name(host))

    def gethostbyname_ex(host: str) -> tuple[str, list[str], list[str]]:
        return host, [], [gethostbyname(host)]

    def nothing(self: socket.socket, *_: Any) -> None:
        answers.say("server", "opening a network port was answered without opening it")

    for name, answer in (
        ("connect", unreachable), ("sendto", unreachable), ("sendmsg", unreachable), ("_accept", unreachable),
        ("connect_ex", connect_ex), ("bind", nothing), ("listen", nothing),
    ):  # fmt: skip
        if hasattr(socket.socket, name):
            answers.put(socket.socket, name, answer)
    answers.put(socket, "getaddrinfo", unknown_name)
    answers.put(socket, "gethostbyaddr", unknown_name)
    answers.put(socket, "gethostbyname", gethostbyname)
    answers.put(socket, "gethostbyname_ex", gethostbyname_ex)
    answers.put(socket, "getfqdn", lambda name="": name or socket.gethostname())


def _name(args: tuple[Any, ...]) -> str:
    """The host in the arguments of a call, in words."""
    for argument in reversed(args):
        host = argument[0] if isinstance(argument, tuple) and argument else argument
        if isinstance(host, str) and host:
            return host
    return "another machine"
