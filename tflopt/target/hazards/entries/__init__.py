"""The table of defects: one file for each, which exports ``HAZARD``."""
