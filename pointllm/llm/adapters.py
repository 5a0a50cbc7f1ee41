"""A LLaMA with everything that Point-LLM adds to it: LoRA, tuned biases and norms, and the gated injection.

Builds it from a config, loads and saves the added part (`adapters.safetensors`). One code path for the embedded model
and the published one; `pointllm.weights.convert` renames the published keys into the ones used here:

    injection.bind_network.*, injection.prefix_query, injection.gates     bind network, prefixes, gates
    llama.<module>.lora_A.weight / lora_B.weight                          LoRA of a linear layer (peft's names)
    llama.<module>.bias, llama.<norm>.weight                              tuned biases and norms

Knows nothing of prompts, files or generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from pointllm.errors import WeightsError
from pointllm.llm.bind_network import BindNetworkConfig
from pointllm.llm.injection import VisualInjection

LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
NORMS = ("input_layernorm", "post_attention_layernorm")


@dataclass(frozen=True)
class AdapterConfig:
    """Sizes of what is added to the language model; `bind` describes the bind network.

    `positions`: where the visual bias enters, see `injection`. `lora_rank` 0: no LoRA. `lora_alpha` / `lora_rank` is
    LoRA's scale. `biased`: the linear layers that get a bias. `norms`: whether the file replaces the norms.
    """

    bind: BindNetworkConfig
    positions: str = "all"
    lora_rank: int = 0
    lora_alpha: float = 0.0
    lora_targets: tuple[str, ...] = LINEARS
    biased: tuple[str, ...] = field(default=())
    norms: bool = False

    @classmethod
    def from_dict(cls, values: dict) -> AdapterConfig:
        """From the `adapters` object of a config.json; raises WeightsError for unknown or missing keys."""
        try:
            values = dict(values)
            bind = BindNetworkConfig(**values.pop("bind"))
            lists = {key: tuple(values.pop(key)) for key in ("lora_targets", "biased") if key in values}
            return cls(bind=bind, **lists, **values)
        except (KeyError, TypeError) as error:
            raise WeightsError(f"config.json: 'adapters' can't be used ({error})") from error


class AdaptedLlama(nn.Module):
    """`llama` (a LlamaForCausalLM) and `injection`, wired together."""

    def __init__(self, llama: nn.Module, config: AdapterConfig):
        super().__init__()
        self.config = config
        shape = llama.config
        self._add_biases(llama)
        if config.lora_rank:
            from peft import LoraConfig, inject_adapter_in_model

            targets = list(config.lora_targets)
            lora = LoraConfig(r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules=targets)
            llama = inject_adapter_in_model(lora, llama)
        self.llama = llama
        self.injection = VisualInjection(
            config.bind, shape.num_hidden_layers, shape.num_attention_heads, config.positions
        )
        self.injection.attach(llama)
        self.requires_grad_(False)

    def _add_biases(self, llama: nn.Module) -> None:
        """Give the linear layers named in the config a zero bias.

        `attention_bias`/`mlp_bias` of the Llama config would add them to every linear of a block, and the adapters
        tune some only; a linear layer's bias is the same thing wherever it comes from.
        """
        for name, module in llama.named_modules():
            if name.rsplit(".", 1)[-1] in self.config.biased and module.bias is None:
                weight = module.weight
                dtype = weight.dtype if weight.is_floating_point() else llama.dtype
                module.bias = nn.Parameter(torch.zeros(module.out_features, dtype=dtype, device=weight.device))

    def stage_parameters(self, stage: int) -> dict[str, nn.Parameter]:
        """The parameters of a training stage by their names in the file: 1 injection; 2 also LoRA, biases, norms."""
        chosen = {f"injection.{name}": value for name, value in self.injection.named_parameters()}
        if stage >= 2:
            chosen |= {_file_name(n): p for n, p in self.llama.named_parameters() if self._is_added(n)}
        return chosen

    def _is_added(self, name: str) -> bool:
        kind, leaf = name.split(".")[-2:]
        if ".lora_" in name:
            return True
        if leaf == "bias":
            return any(part in self.config.biased for part in name.split("."))
        return self.config.norms and (kind in NORMS or name == "model.norm.weight")

    def adapter_state(self) -> dict[str, Tensor]:
        """Everything added, by its name in the file."""
        return {name: value.detach() for name, value in self.stage_parameters(2).items()}

    def load_adapter_state(self, state: Mapping[str, Tensor], source: str) -> None:
        """Copy `state` in. Raises WeightsError naming the first missing, surplus or misshapen tensor."""
        own = self.stage_parameters(2)
        shapes = {name: tuple(value.shape) for name, value in own.items()}
        check_adapter_tensors(shapes, {name: tuple(value.shape) for name, value in state.items()}, source)
        with torch.no_grad():
            for name, value in state.items():
                own[name].copy_(value)

    def merge(self) -> AdaptedLlama:
        """Fold LoRA into the base weights for inference: the same numbers, no extra work per token."""
        if self.config.lora_rank:
            values = [layer.self_attn.v_proj for layer in self.llama.model.layers]
            kept = [_factors(value) for value in values if hasattr(value, "lora_A")]
            for name, module in list(self.llama.named_modules()):
                if hasattr(module, "merge") and hasattr(module, "get_base_layer"):
                    module.merge()
                    parent, _, leaf = name.rpartition(".")
                    setattr(self.llama.get_submodule(parent), leaf, module.get_base_layer())
            self.injection.forget_lora(self.llama, kept)
        return self


def check_adapter_tensors(wanted: Mapping[str, tuple], given: Mapping[str, tuple], source: str) -> None:
    """Raises WeightsError naming the first tensor of `given` (name → shape) that is missing, surplus or misshapen."""
    for name in sorted(wanted.keys() - given.keys()):
        raise WeightsError(f"{source}: {name} is missing; the file doesn't belong to this config.json")
    for name, shape in given.items():
        if name not in wanted:
            raise WeightsError(f"{source}: {name} has no place in this model; is it another one's adapter file?")
        if shape != wanted[name]:
            raise WeightsError(f"{source}: {name} has shape {shape}, expected {wanted[name]}")


def _factors(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """The two factors of a layer's LoRA, the scale in the outer one."""
    (name, inner), outer = next(iter(layer.lora_A.items())), next(iter(layer.lora_B.values()))
    return inner.weight.detach().clone(), outer.weight.detach() * layer.scaling[name]


def _file_name(name: str) -> str:
    return "llama." + name.replace(".default", "").replace(".base_layer", "")


def load_llama(folder: Path, dtype: torch.dtype = torch.float32, **options) -> nn.Module:
    """A frozen LlamaForCausalLM in eval mode from a folder in the Hugging Face layout; `options` go to transformers."""
    from safetensors import SafetensorError
    from transformers import LlamaForCausalLM
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # a library doesn't draw on its users' terminals
    try:
        llama = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True, **options)
    except (OSError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{Path(folder).name}: the language model can't be read ({reason})") from error
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
    return llama.eval().requires_grad_(False)
