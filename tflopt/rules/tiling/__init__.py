"""Rules that compute layers in bands of rows, so that less of them is alive at a time."""
