"""A tiny LLaMA with random weights and a byte-level tokenizer: everything real but small."""

import torch

from pointllm.llm.adapters import AdaptedLlama, AdapterConfig
from pointllm.llm.bind_network import BindNetworkConfig

BIASED = ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def tiny_llama(vocabulary=300, seed=0):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=2, head_dim=4, max_position_embeddings=256, bos_token_id=256, eos_token_id=257,
        pad_token_id=257, tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(False)


def tiny_config(positions="answer", rank=2):
    bind = BindNetworkConfig(joint_dim=16, model_dim=24, hidden_dim=32)
    return AdapterConfig(bind, positions, lora_rank=rank, lora_alpha=2.0 * rank, biased=BIASED, norms=True)


def randomised(model, seed=1):
    """Every added number away from its start, as after training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.stage_parameters(2).items():
            value += 0.3 * torch.randn(value.shape, generator=generator) * (1.0 if "injection" in name else 0.5)
    return model


def tiny_adapted(positions="answer", rank=2):
    return randomised(AdaptedLlama(tiny_llama(), tiny_config(positions, rank)))


def write_byte_tokenizer(folder):
    """tokenizer.json: one token a byte, and the ChatML marks."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True)])
    tokenizer.save(str(folder / "tokenizer.json"))
