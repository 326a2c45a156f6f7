"""Decoding in parallel: members in, FLAC and its facts out, in order, whatever a file does."""

import hashlib
import io
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import soundfile

from flows.steps.archives import Member
from flows.steps.decode import SAMPLE_RATE, DecodeError, decode

_AHEAD = 8  # members in flight per process
_LEVEL_5 = 5 / 8  # libsndfile counts 0..1 where FLAC counts 0..8


@dataclass(frozen=True)
class Encoded:
    """One clip as FLAC level 5, 44.1 kHz, mono, 16 bit, with what CLIPS says of its source."""

    flac: bytes
    samples: int
    sample_sha256: str
    source_bytes: int
    source_sha256: str
    source_rate: int
    source_channels: int
    source_format: str
    decoder: str
    downmix: str


@dataclass(frozen=True)
class Fault:
    """Why a member gave no clip: a `DecodeError`, or "decoder_crash"."""

    code: str
    detail: str


def encode(data: bytes, name: str) -> Encoded | Fault:
    """Decode one file and encode it as FLAC; same bytes in, same bytes out."""
    try:
        decoded = decode(data, name)
    except DecodeError as error:
        return Fault(error.code, error.detail)
    flac = io.BytesIO()
    soundfile.write(
        flac,
        decoded.samples,
        SAMPLE_RATE,
        format="FLAC",
        subtype="PCM_16",
        compression_level=_LEVEL_5,
    )
    return Encoded(
        flac=flac.getvalue(),
        samples=decoded.samples.size,
        sample_sha256=hashlib.sha256(decoded.samples.astype("<i2").tobytes()).hexdigest(),
        source_bytes=len(data),
        source_sha256=hashlib.sha256(data).hexdigest(),
        source_rate=decoded.rate,
        source_channels=decoded.channels,
        source_format=decoded.format,
        decoder=decoded.decoder,
        downmix=decoded.downmix,
    )


def encoded(members: Iterable[Member]) -> Iterator[tuple[Member, Encoded | Fault]]:
    """Encode members in one process a core, in their order, reading ahead only a little.

    A member that kills its process is a `Fault`; the others are not touched by it.
    """
    cores = len(os.sched_getaffinity(0))
    pending: deque[tuple[Member, Future[Encoded | Fault]]] = deque()
    pool = _pool(cores)
    try:
        for member in members:
            try:
                future = pool.submit(encode, member.data, member.name)
            except BrokenProcessPool:
                pool = _pool(cores)
                future = pool.submit(encode, member.data, member.name)
            pending.append((member, future))
            if len(pending) > _AHEAD * cores:
                yield _settled(*pending.popleft())
        while pending:
            yield _settled(*pending.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _settled(member: Member, future: Future[Encoded | Fault]) -> tuple[Member, Encoded | Fault]:
    try:
        return member, future.result()
    except BrokenProcessPool:  # by this member, or by one beside it: alone it shows
        with _pool(1) as alone:
            try:
                return member, alone.submit(encode, member.data, member.name).result()
            except BrokenProcessPool:
                return member, Fault("decoder_crash", "the decoding process died on this file")


def _pool(processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")  # a fork of this process may hold locks
    context.set_forkserver_preload(["flows.steps.encode"])
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_start)


def _start() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # C libraries warn there about damaged files
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in a child only
    parent.join()
    os._exit(1)
