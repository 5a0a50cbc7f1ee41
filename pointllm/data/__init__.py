"""Records, prompts and object knowledge: what the towers and the language model are trained and asked with."""
