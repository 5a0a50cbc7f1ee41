"""The web app: layout, chat, viewer, panels, and what users read in English and Chinese.

Knows nothing of tensors: it hands file paths and sentences to `pointllm` and shows what comes back. Importing it is
cheap; PyTorch and the weights are loaded by `engine` in the background, after the page is served.
"""
