"""Builders of the generated test models; one module per family, listed in ``registry``."""
