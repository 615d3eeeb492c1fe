"""How TFLM's OfflineMemoryAllocation metadata is laid out: a header of int32, then an offset for
each tensor of all subgraphs (docs/memory_management.md of tflite-micro 90b983c).
"""

PLAN_NAME = "OfflineMemoryAllocation"
HEADER_WORDS = 3
"""The version, the number of subgraphs, and the number of offsets."""
ONLINE = -1
"""The offset of a tensor that the runtime places."""
OFFSET_LIMIT = 1 << 31
"""Offsets are of type int32."""
