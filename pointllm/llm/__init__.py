"""Point-LLM: a LLaMA that answers about a joint embedding.

`bind_network` and `injection` carry the embedding into the layers, `adapters` puts them, LoRA and tuned biases on a
`transformers` Llama, `visual_cache` mends embeddings before, `prompts` and `facts` make the text, `generation` writes
token by token, `model` is the whole. Published files become these parts by `pointllm.weights.convert`.
"""
