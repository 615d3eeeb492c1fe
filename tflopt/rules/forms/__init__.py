"""Rules that write an operator in another form where that is worth it on the device.

Each draws sketches, which search weighs; none decides by itself."""
