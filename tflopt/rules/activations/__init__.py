"""Rules about functions of single elements: activations, and chains and diamonds of them.

What lies between DEQUANTIZE and QUANTIZE belongs in islands."""
