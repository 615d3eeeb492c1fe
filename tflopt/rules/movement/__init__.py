"""Rules about operators that move data: TRANSPOSE, PAD, SLICE, CONCATENATION and layouts.

Views, which keep the order of the bytes, belong in views."""
