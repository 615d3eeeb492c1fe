"""Rules about bytes of the file that no kernel reads."""
