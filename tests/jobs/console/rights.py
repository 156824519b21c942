"""The rights of root, which may read and write everything, taken from the tests for a while."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

VERSION = 0x20080522  # of the structures of Linux for capabilities
DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2  # numbers of the rights to pass over the modes of files

Words = ctypes.c_uint32 * 6  # effective, permitted, inheritable; twice, for capabilities from 32 on


@contextmanager
def of_a_user() -> Iterator[None]:
    """Within the block this thread, and those that it starts, have the rights that the modes of files give."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, before = (ctypes.c_uint32 * 2)(VERSION, 0), Words()
    if libc.capget(header, before):
        pytest.skip("the system has no capabilities")
    without = Words(*before)
    without[0] &= ~(1 << DAC_OVERRIDE | 1 << DAC_READ_SEARCH)
    assert not libc.capset(header, without), os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        assert not libc.capset(header, before)
