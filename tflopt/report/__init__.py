"""Reports: facts, JSON, the terminal."""
