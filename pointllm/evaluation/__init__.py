"""Evaluation: protocols, metrics and reports behind `pointllm eval`; see docs/evaluation.md.

Each protocol is a file with `run(…) -> Report`: it embeds or asks, scores, and hands on figures. `metrics` holds the
mathematics, `answers` the rules by which an answer counts as right, `report` writes what people read.
"""
