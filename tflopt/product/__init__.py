"""What the commands do: optimize with its settings, budgets, annotation, facts of a result.

Presentation belongs in report; what a user types in cli."""
