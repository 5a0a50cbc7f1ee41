"""The commands of `pointllm`, a file each: `add_to(subparsers)` declares it, `run(args)` does it.

They hold no logic of their own; `inputs` and `output` are what several of them share.
"""
