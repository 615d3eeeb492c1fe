"""Fitting the cost tables: a grid of layers, its measurement on an emulator, the fit."""
