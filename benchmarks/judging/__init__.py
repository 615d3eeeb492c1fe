"""The second judge's models: motifs as exporters write them, composed at random."""
