"""What decides between forms: the cost vector, the budgets, and whether a change is worth it."""
