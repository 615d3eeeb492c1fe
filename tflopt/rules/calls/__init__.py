"""What control flow calls, put where it is called: turns of a loop, the branch that is taken.

Which of it pays is decided on a copy of the model (``rules/trials``).
"""
