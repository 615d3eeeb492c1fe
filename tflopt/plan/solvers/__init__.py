"""Solvers for `tflopt.plan.problem.Problem`; `tflopt.plan.solve` chooses among them."""
