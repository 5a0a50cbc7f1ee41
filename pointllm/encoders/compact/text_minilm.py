"""The text tower of the embedded profile: sentences to unit vectors of dimension 384 (all-MiniLM-L6-v2).

Reads a folder with `config.json`, `tokenizer.json` and `model.safetensors` in the BERT layout of
Devlin et al. (arXiv 1810.04805); sentence vectors are the mean of the last layer's tokens
(Reimers & Gurevych, arXiv 1908.10084). The forward pass is written out here, about fifty lines, because
importing the library that has it costs several seconds that `classify` and `embed` would pay each time;
a test holds it to that library's numbers.

Knows nothing of prompts and labels: see `pointllm.data.templates`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pointllm.errors import InputError, WeightsError

FILES = ("config.json", "tokenizer.json", "model.safetensors")
# Weights of the published file that sentence vectors don't use.
UNUSED_PREFIXES = ("pooler.", "embeddings.position_ids")


class SelfAttention(nn.Module):
    """Multi-head self-attention with the residual and its LayerNorm after it (post-norm)."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        # `self` and `output` are the names of the published keys.
        self.add_module("self", nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")}))
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width), "LayerNorm": nn.LayerNorm(width, eps=eps)})

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D). No mask: a batch holds sentences of equal length only."""
        batch, length, width = x.shape
        projections = self.get_submodule("self")
        query, key, value = (
            projections[name](x).view(batch, length, self.heads, -1).transpose(1, 2)  # (B, H, T, D/H)
            for name in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, length, width)
        return self.output["LayerNorm"](x + self.output["dense"](mixed))


class Layer(nn.Module):
    """One post-norm transformer layer: attention, then a feed-forward network with the exact GELU."""

    def __init__(self, width: int, heads: int, hidden: int, eps: float) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, eps)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, hidden)})
        self.output = nn.ModuleDict({"dense": nn.Linear(hidden, width), "LayerNorm": nn.LayerNorm(width, eps=eps)})

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        x = self.attention(x)
        hidden = F.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](x + self.output["dense"](hidden))


class MiniLM(nn.Module):
    """The BERT encoder, key for key with the published weights (less the unused pooler)."""

    def __init__(self, config: dict) -> None:
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(config["vocab_size"], width),
                "position_embeddings": nn.Embedding(config["max_position_embeddings"], width),
                "token_type_embeddings": nn.Embedding(config["type_vocab_size"], width),
                "LayerNorm": nn.LayerNorm(width, eps=eps),
            }
        )
        layers = [
            Layer(width, config["num_attention_heads"], config["intermediate_size"], eps)
            for _ in range(config["num_hidden_layers"])
        ]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids (B, T) int64 → last hidden states (B, T, D)."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.embeddings["word_embeddings"](ids) + self.embeddings["position_embeddings"](positions)
        x = x + self.embeddings["token_type_embeddings"].weight[0]  # one segment: always type 0
        x = self.embeddings["LayerNorm"](x)
        for layer in self.encoder["layer"]:
            x = layer(x)
        return x


class WithoutInit(TorchFunctionMode):
    """Leaves new weights uninitialised: drawing 22 M random numbers only to overwrite them takes a second.

    (Building on the meta device would do the same, but its first use imports for several seconds.)
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))


class TextTower:
    """Sentences → unit vectors. Stored in half precision, computed in float32.

    Attributes:
        dim: width of the vectors (384).
        max_tokens: longer sentences are cut to this many tokens, begin and end marks included.
    """

    def __init__(self, model: MiniLM, tokenizer, max_tokens: int = 256) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.dim: int = model.embeddings["word_embeddings"].embedding_dim

    @classmethod
    def from_folder(cls, folder: str | Path, device: str | torch.device = "cpu") -> TextTower:
        """Load a tower from `folder`.

        Raises:
            WeightsError: a file is missing, is not what its name says, or does not fit its config.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        folder = Path(folder)
        for name in FILES:
            if not (folder / name).is_file():
                raise WeightsError(f"{folder / name}: missing; a text tower's folder holds {', '.join(FILES)}")
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            state = load_file(folder / "model.safetensors")
        except (SafetensorError, OSError, ValueError) as error:
            raise WeightsError(f"{folder}: damaged text tower ({error}); restore the folder") from error
        except Exception as error:  # tokenizers raises bare Exception for a malformed file
            raise WeightsError(f"{folder / 'tokenizer.json'}: not a tokenizer ({error}); restore the file") from error

        try:
            with WithoutInit():
                model = MiniLM(config)
            state = {name: tensor for name, tensor in state.items() if not name.startswith(UNUSED_PREFIXES)}
            model.load_state_dict(state, assign=True)
            model.float()
        except (KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{folder}: weights and config.json do not fit together ({reason})") from error

        max_tokens = int(config.get("max_tokens", 256))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=max_tokens)
        return cls(model.to(device), tokenizer, max_tokens)

    def to(self, device: str | torch.device) -> TextTower:
        """Move the weights; returns itself."""
        self.model.to(device)
        return self

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], batch_tokens: int = 4096) -> Tensor:
        """Sentences → (B, 384) float32 of unit norm, on the CPU, in the order given.

        Sentences of equal length go through together, so no padding is computed and a sentence's vector does
        not depend on its neighbours. `batch_tokens` bounds the tokens of a pass, and with them its memory.

        Raises:
            InputError: `texts` is a bare string, or holds something that is not one.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InputError("encode takes a list of strings")
        if not len(texts):
            return torch.zeros(0, self.dim)
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        device = self.model.embeddings["LayerNorm"].weight.device
        by_length: dict[int, list[int]] = {}
        for index, tokens in enumerate(ids):
            by_length.setdefault(len(tokens), []).append(index)

        vectors = torch.empty(len(ids), self.dim)
        for length, members in by_length.items():
            step = max(1, batch_tokens // length)
            for start in range(0, len(members), step):
                chunk = members[start : start + step]
                batch = torch.tensor([ids[index] for index in chunk], device=device)  # (b, T)
                mean = self.model(batch).mean(dim=1)  # (b, D): every token counts, no padding to mask
                vectors[chunk] = F.normalize(mean, dim=-1).cpu()
        return vectors
