"""Rules about what is known or not needed: constants, identities, duplicates, the dead."""
