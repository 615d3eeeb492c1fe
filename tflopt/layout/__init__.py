"""Which arrangement of its axes each tensor gets: one choice for the whole graph."""
