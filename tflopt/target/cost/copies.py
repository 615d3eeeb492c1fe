"""Features of the C library's ``memcpy``, which data movement comes down to."""

from __future__ import annotations

Features = dict[str, float]


def memory_copies(name: str, count: int, length: int) -> Features:
    """``count`` copies of ``length`` bytes each, one behind the other.

    newlib takes blocks of 64, 16 and 4 bytes, then single ones, and another way where an address
    is no multiple of 4, as most are when the length is not.
    """
    way = "aligned" if length % 4 == 0 else "unaligned"
    return {
        f"{name} {way}": count,
        f"{name} {way} sixty-fours": count * (length // 64),
        f"{name} {way} sixteens": count * (length % 64 // 16),
        f"{name} {way} fours": count * (length % 16 // 4),
        f"{name} ones": count * (length % 4),
    }
