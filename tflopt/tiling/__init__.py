"""Layers in bands of rows: what a band reads, how it is written, what it costs, and the search.

The bands are plain operators (SPLIT_V, CONCATENATION, PAD and the layers themselves), so stock TFLM
runs them. What changes the model is `tflopt.rules.tiling`; this room only looks at it.
"""
