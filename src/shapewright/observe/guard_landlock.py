"""Landlock: a wall around this process that the Linux kernel enforces, whatever code runs inside it.

In comes the private folder; afterwards nothing outside of it can be created, changed or deleted, no program started, and no TCP
port bound or connected, from Python or from C, for the rest of this process. Reading stays as it was. It needs no privilege and no
package: three system calls through ctypes.
"""

from __future__ import annotations

import ctypes
import os
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on all architectures
_SET_NO_NEW_PRIVS = 38
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_REMOVE_FILE = 1 << 5
_MAKE_REG = 1 << 8
_TRUNCATE = 1 << 14
_CHANGE = _WRITE_FILE | 1 << 4 | _REMOVE_FILE | 1 << 6 | 1 << 7 | _MAKE_REG | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
# What newer versions can also hold back: moving between folders, cutting short, commands to devices.
_SINCE = {2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}
_TCP = 1 << 0 | 1 << 1  # bind, connect
_TCP_SINCE = 4
_SCOPED = 1 << 0 | 1 << 1  # abstract unix sockets and signals of other processes
_SCOPED_SINCE = 6


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # asked for beside _pack_ from Python 3.14 on
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """The version of Landlock that this system has, 0 for none."""
    if sys.platform != "linux":
        return 0
    try:
        return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION)))
    except OSError:
        return 0


def enclose(private: str) -> tuple[str, ...]:
    """Put up the wall for this thread and all that it starts; it cannot be taken down. Returns the names of what is held back.

    Raises OSError when the system refuses.
    """
    abi = version()
    if abi == 0:
        return ()
    files = _EXECUTE | _CHANGE
    for since, right in _SINCE.items():
        files |= right if abi >= since else 0
    wanted = _Ruleset(files, _TCP if abi >= _TCP_SINCE else 0, _SCOPED if abi >= _SCOPED_SINCE else 0)
    size = 24 if abi >= _SCOPED_SINCE else 16 if abi >= _TCP_SINCE else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        _allow(ruleset, private, files & ~_EXECUTE)
        _allow(ruleset, os.devnull, files & (_WRITE_FILE | _TRUNCATE))
        # Locks and OpenMP runtimes live in this memory; some of them end the process when they cannot have it.
        _allow(ruleset, "/dev/shm", files & (_WRITE_FILE | _TRUNCATE | _MAKE_REG | _REMOVE_FILE))
        if ctypes.CDLL(None, use_errno=True).prctl(_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return ("landlock-files", "landlock-tcp") if abi >= _TCP_SINCE else ("landlock-files",)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = _Beneath(rights, folder)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(folder)


def _call(number: int, *args: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)
