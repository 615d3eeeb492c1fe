"""Rules about the arena: the order of the operators and the offline plan."""
