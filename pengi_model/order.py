"""Training order: a keyed bijection over pair positions, one a (seed, epoch).

A Feistel network on the smallest even number of bits that holds n, with cycle walking for the rest
(Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). Nothing is stored: "which pairs
did step N see" and "which steps saw this pair" are both computed.
"""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDS = 8
Integers = NDArray[np.int64]


def positions(n: int, seed: int, epoch: int, index: ArrayLike) -> Integers:
    """Pair positions in [0, n) that stand at places `index` of this epoch's order."""
    return _walk(n, _keys(seed, epoch), index)


def indices(n: int, seed: int, epoch: int, position: ArrayLike) -> Integers:
    """Places in this epoch's order at which `position` stands; the inverse of `positions`."""
    return _walk(n, _keys(seed, epoch)[::-1], position, inverse=True)


def indices_in_epochs(n: int, seed: int, epochs: int, position: int) -> Integers:
    """`indices` of one position in each of the epochs [0, epochs)."""
    keys = np.stack([_keys(seed, epoch)[::-1] for epoch in range(epochs)], axis=1)
    return _walk(n, keys, np.full(epochs, position), inverse=True)


def samples(n: int, seed: int, first: int, count: int) -> Integers:
    """Pair positions of the samples [first, first + count) of a training, epoch after epoch."""
    counter = np.arange(first, first + count, dtype=np.int64)
    epochs = counter // n
    return np.concatenate(
        [
            positions(n, seed, int(epoch), counter[epochs == epoch] % n)
            for epoch in np.unique(epochs)
        ]
        or [np.empty(0, np.int64)]
    )


def _keys(seed: int, epoch: int) -> NDArray[np.uint64]:
    digest = b"".join(
        hashlib.sha256(f"pengi order {seed} {epoch} {part}".encode()).digest()
        for part in range(_ROUNDS // 4)
    )
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


def _mix(value: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    """The output function of splitmix64 of value xor key."""
    value = (value ^ key) * np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _permute(
    value: NDArray[np.uint64], keys: NDArray[np.uint64], half: int, inverse: bool
) -> NDArray[np.uint64]:
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = value >> shift, value & mask
    if inverse:
        left, right = right, left
    for key in keys:
        left, right = right, left ^ (_mix(right, key) & mask)
    if inverse:
        left, right = right, left
    return (left << shift) | right


def _walk(n: int, keys: NDArray[np.uint64], start: ArrayLike, inverse: bool = False) -> Integers:
    given = np.asarray(start, dtype=np.int64)
    if n < 1 or (given.size and (given.min() < 0 or given.max() >= n)):
        raise ValueError(
            f"order over {n} pairs: expected places in [0, {n}), found {given.tolist()}"
        )
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    value = _permute(given.astype(np.uint64).reshape(-1), keys, half, inverse)
    while (outside := value >= n).any():
        mine = keys[:, outside] if keys.ndim == 2 else keys  # keys of one order, or of each value
        value[outside] = _permute(value[outside], mine, half, inverse)
    return value.astype(np.int64).reshape(given.shape)
