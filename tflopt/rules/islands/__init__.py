"""Rules about float operators between integer ones, which are made integers again.

The exact ones are shown by enumeration; those behind --allow-lsb say so."""
