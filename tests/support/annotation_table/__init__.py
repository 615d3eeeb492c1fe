"""The annotation of format 1: how it was written, and the classes that flatc made."""
