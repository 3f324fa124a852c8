"""What Landlock does not hold back, held back by a filter on system calls (Linux, x86-64 and aarch64).

In comes nothing; afterwards this process starts no other process (threads are fine), connects to nothing, sends no signal to anyone
else, and changing the rights, owner or times of a file seems to work and does nothing. The filter is a list of tests on the number
of the system call, in the machine code of the kernel's packet filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass

# Offsets into what the filter sees: number, architecture, then six arguments of eight bytes (low half first).
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW = 0x7FFF0000
_ERROR = 0x00050000  # with the error number in the low bits; number 0 is success without doing anything

_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # the other way of calling on x86-64
_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1
_ALL_THREADS = 1


@dataclass(frozen=True, slots=True)
class _Calls:
    """The numbers of one architecture."""

    architecture: int
    seccomp: int
    clone: int
    sendto: int
    signals: tuple[int, ...]  # kill, tgkill: the first argument is the process
    refused: tuple[int, ...]  # fork vfork execve execveat ptrace process_vm_writev pidfd_send_signal
    offline: tuple[int, ...]  # connect bind listen sendmsg sendmmsg
    pretended: tuple[int, ...]  # chmod chown utime setxattr removexattr and their kin


# clone3 hides its flags behind a pointer, and io_uring its calls: "not there" makes programs use the older ways.
_NOT_THERE = (435, 425)
_CALLS = {
    "x86_64": _Calls(
        architecture=0xC000003E, seccomp=317, clone=56, sendto=44, signals=(62, 234),
        refused=(57, 58, 59, 322, 101, 311, 424), offline=(42, 49, 50, 46, 307),
        pretended=(90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 463, 197, 198, 199, 466),
    ),
    "aarch64": _Calls(
        architecture=0xC00000B7, seccomp=277, clone=220, sendto=206, signals=(129, 131),
        refused=(221, 281, 117, 271, 424), offline=(203, 200, 201, 211, 269),
        pretended=(52, 53, 452, 54, 55, 88, 5, 6, 7, 463, 14, 15, 16, 466),
    ),
}  # fmt: skip


def refuse() -> tuple[str, ...]:
    """Put up the filter for this process, for good. Returns its name, or nothing where there is none.

    Raises OSError when the system refuses.
    """
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None or struct.calcsize("P") != 8:
        return ()
    program = b"".join(_program(calls, os.getpid()))
    code = ctypes.create_string_buffer(program, len(program))
    whole = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(ctypes.c_long(calls.seccomp), ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_ALL_THREADS), whole) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return ("seccomp",)


def _program(calls: _Calls, process: int) -> Iterable[bytes]:
    yield _step(_LOAD, _ARCHITECTURE)
    yield from _unless(_EQUAL, calls.architecture, _ERROR | errno.EPERM)
    yield _step(_LOAD, _NUMBER)
    if calls.architecture == _CALLS["x86_64"].architecture:
        yield from _when(_AT_LEAST, _X32, _ERROR | errno.ENOSYS)
    for numbers, answer in (
        (calls.refused, _ERROR | errno.EPERM),
        (calls.offline, _ERROR | errno.ENETUNREACH),
        (calls.pretended, _ERROR),
        (_NOT_THERE, _ERROR | errno.ENOSYS),
    ):
        for number in numbers:
            yield from _when(_EQUAL, number, answer)
    # Each of these three ends with an answer, so that the number need not be loaded again.
    yield from _block(calls.clone, [_step(_LOAD, _ARGUMENTS), *_unless(_ANY_BIT, _CLONE_THREAD, _ERROR | errno.EPERM)])
    address = _ARGUMENTS + 8 * 4
    offline = _ERROR | errno.ENETUNREACH
    yield from _block(calls.sendto, [step for half in (0, 4) for step in (_step(_LOAD, address + half), *_unless(_EQUAL, 0, offline))])
    for number in calls.signals:
        yield from _block(number, [_step(_LOAD, _ARGUMENTS), *_unless(_EQUAL, process, _ERROR | errno.EPERM)])
    yield _step(_RETURN, _ALLOW)


def _when(test: int, value: int, answer: int) -> tuple[bytes, bytes]:
    return _step(test, value, 0, 1), _step(_RETURN, answer)


def _unless(test: int, value: int, answer: int) -> tuple[bytes, bytes]:
    return _step(test, value, 1, 0), _step(_RETURN, answer)


def _block(number: int, steps: list[bytes]) -> list[bytes]:
    """These steps for this system call, which is allowed when none of them answers."""
    return [_step(_EQUAL, number, 0, len(steps) + 1), *steps, _step(_RETURN, _ALLOW)]


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
