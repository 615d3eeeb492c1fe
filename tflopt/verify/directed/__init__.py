"""Directed inputs: both models cut at tensors that correspond, and each part driven by itself.

A model's inputs are a weak witness: what is off by one in one channel is saturated, pooled or
rounded away before an output shows it. Here each part that isn't the same in both models gets its
inputs directly, so many and such that steps of its requantization are met from both sides.

``cuts`` and ``regions`` cut, ``submodel`` writes the parts of each side as one model, ``feeds``
makes inputs with the help of ``edges``, ``sums`` and ``tables``, ``run`` runs and compares. No
verdict rests on the arithmetic here: it chooses inputs, and the kernels give the outputs that are
compared.
"""
