"""Training: one module a stage; run with `python -m`."""
