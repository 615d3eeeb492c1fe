"""From a model to the bytes of a file, which is written whole or not at all."""
