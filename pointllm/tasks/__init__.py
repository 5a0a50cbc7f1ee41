"""What the joint space is good for: each task is a thin use of `pointllm.bind`, a file each."""
