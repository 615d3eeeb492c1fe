"""From the bytes of a file to a model; every access is checked."""
