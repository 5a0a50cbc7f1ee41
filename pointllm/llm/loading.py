"""Loads a language model with its adapters where `placement` wants it, tensor by tensor, without a second copy.

The networks are built without memory; each tensor is read from its file, LoRA is added in fp32, the sum is rounded to
the wanted precision and put on its device: no layer of LoRA is left at inference, and what was merged is as exact as
the precision allows. Over several devices, and for layers kept in main memory or on disk, `accelerate` moves the data.
On a CPU, fp16 is how weights are held, where it can be: arithmetic is in fp32 (`half_weights`).
In 8 and 4 bits (`bitsandbytes`) LoRA stays beside the base weights, unquantised: merged, it would be rounded with them.
"""

from __future__ import annotations

import ctypes
import logging
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from pointllm.devices import QUANTISED, Machine, half_products
from pointllm.errors import InputError, WeightsError
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig, check_adapter_tensors, load_llama
from pointllm.llm.fast_decoding import fast_decoder
from pointllm.llm.half_weights import hold_in_half
from pointllm.llm.memory import language_model_needs
from pointllm.llm.placement import Plan, Request, place
from pointllm.tensor_folder import TensorFolder

logger = logging.getLogger("pointllm")

ADAPTERS = "adapters.safetensors"


def load_adapted(base: Path, folder: Path, config: dict, request: Request | None = None, machine: Machine | None = None,
                 tower: dict[str, int] | None = None, point: int = 0,
                 name: str = "this profile") -> tuple[AdaptedLlama, Plan]:
    """The language model of `base` with the adapters of `folder`, ready to answer, and where it was put.

    Args:
        base: a folder in the Hugging Face layout; folder: with `adapters.safetensors`; config: its config.json.
        request: what the user asked for. machine: this one, when None.
        tower, point: numbers in ImageBind's towers and in the point branch, for room beside the language model.

    Raises WeightsError for files that are missing, damaged or don't fit, InputError for a request that can't be met.
    """
    adapters = AdapterConfig.from_dict(config.get("adapters") or {})
    given = TensorFolder(folder, ADAPTERS)
    with torch.device("meta"):
        adapted = AdaptedLlama(_empty_llama(base), replace(adapters, lora_rank=0))
    needs = language_model_needs(adapted.llama, adapted.injection, adapters.lora_rank, adapters.lora_targets,
                                 tower, point)
    plan = place(request or Request(), needs, machine or Machine.here(), name)
    lora = _lora_shapes(adapted.llama, adapters)
    shapes = {key: tuple(value.shape) for key, value in adapted.stage_parameters(2).items()} | lora
    check_adapter_tensors(shapes, {key: given.shape(key) for key in given}, f"{Path(folder).name}/{ADAPTERS}")
    try:
        if plan.precision in QUANTISED:
            return _quantised(base, adapters, given, plan), plan
        return _merged(adapted, TensorFolder(base), adapters, given, plan), plan
    except torch.OutOfMemoryError as error:
        raise InputError(f"{name}: {plan.device} ran out of memory while loading; close other programs on it, or give "
                         "another --device or --precision") from error


def load_plain(base: Path, plan: Plan) -> nn.Module:
    """The language model of `base` as it is, without adapters, in a plan's precision on its first device."""
    with torch.device("meta"):
        llama = _empty_llama(base)
    weights = TensorFolder(base)
    for key in _own_tensors(llama, weights):
        _put(llama, key, weights[key].to(plan.device, plan.dtype))
    _complete(llama, plan.device)
    if _held_in_half(plan):
        hold_in_half(llama)
    fast_decoder(llama)
    _give_freed_memory_back()
    return llama


# -- sixteen and thirty-two bits ---------------------------------------------------------------------------------------


def _merged(adapted: AdaptedLlama, weights: TensorFolder, adapters: AdapterConfig, given: TensorFolder,
            plan: Plan) -> AdaptedLlama:
    llama = adapted.llama
    places = _places(llama, plan)
    spill = _Spill() if "disk" in places.values() else None
    small = torch.float32 if _held_in_half(plan) else plan.dtype  # of what isn't a layer's matrix
    for key in _own_tensors(llama, weights, given):
        value = given[f"llama.{key}"] if f"llama.{key}" in given else weights[key]
        value = _with_lora(value, key.removesuffix(".weight"), adapters, given)
        place = _place_of(key, places)
        if place == "disk":
            spill.write(key, value.to(plan.dtype))
            if key == "model.embed_tokens.weight" and llama.config.tie_word_embeddings:
                spill.write("lm_head.weight", value.to(plan.dtype))  # looked up under both names
        else:
            _put(llama, key, value.to(place, plan.dtype if value.ndim > 1 else small))
    _complete(llama, plan.device)
    for key in adapted.injection.state_dict():
        value = given[f"injection.{key}"]
        matrix = value.ndim > 1 and key.startswith("bind_network")
        _put(adapted.injection, key, value.to(plan.device, plan.dtype if matrix else small))
    if _held_in_half(plan):
        hold_in_half(adapted)
    adapted.injection.forget_lora(llama, [
        (inner.to(plan.device, small), outer.to(plan.device, small))
        for inner, outer in _value_factors(llama, adapters, given)
    ])
    if plan.max_memory is not None:
        _dispatch(llama, places, plan, spill)
    adapted.eval().requires_grad_(False)
    fast_decoder(llama)  # on a CPU: arranges the weights for answering now, rather than at the first question
    _give_freed_memory_back()
    return adapted


def _held_in_half(plan: Plan) -> bool:
    return (plan.device, plan.precision) == ("cpu", "fp16") and plan.max_memory is None and half_products()


def _give_freed_memory_back() -> None:
    """What was freed between the tensors that stay, as much as a small model takes, goes back to the system.

    glibc keeps it otherwise; other libraries don't have the call.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, TypeError, AttributeError):  # TypeError: on Windows
        pass


def _with_lora(weight: Tensor, module: str, adapters: AdapterConfig, given: Mapping[str, Tensor]) -> Tensor:
    """W + s · B A of one linear layer, in fp32; other tensors as they are."""
    if f"llama.{module}.lora_A.weight" not in given:
        return weight
    inner, outer = (given[f"llama.{module}.lora_{side}.weight"].float() for side in "AB")
    return weight.float() + (outer @ inner) * (adapters.lora_alpha / adapters.lora_rank)


def _value_factors(llama: nn.Module, adapters: AdapterConfig, given: Mapping[str, Tensor]) -> list:
    """The LoRA of every value projection, the scale in the outer factor: equation (1) of `injection` leaves it out."""
    scale = adapters.lora_alpha / adapters.lora_rank if adapters.lora_rank else 0.0
    stems = [f"llama.model.layers.{layer}.self_attn.v_proj.lora_" for layer in range(llama.config.num_hidden_layers)]
    return [(given[f"{stem}A.weight"], given[f"{stem}B.weight"].float() * scale)
            for stem in stems if f"{stem}A.weight" in given]


def _lora_shapes(llama: nn.Module, adapters: AdapterConfig) -> dict[str, tuple[int, int]]:
    """Names and shapes that the adapter file must hold for LoRA."""
    shapes: dict[str, tuple[int, int]] = {}
    for name, module in llama.named_modules() if adapters.lora_rank else ():
        if isinstance(module, nn.Linear) and name.rsplit(".", 1)[-1] in adapters.lora_targets:
            shapes[f"llama.{name}.lora_A.weight"] = (adapters.lora_rank, module.in_features)
            shapes[f"llama.{name}.lora_B.weight"] = (module.out_features, adapters.lora_rank)
    return shapes


# -- several devices ---------------------------------------------------------------------------------------------------


class _Spill:
    """A folder for layers on disk, in the cache, gone with the model."""

    def __init__(self):
        from pointllm.weights.paths import cache_dir

        cache_dir().mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="offload-", dir=cache_dir()))
        self.index: dict[str, dict] = {}
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, key: str, value: Tensor) -> None:
        from accelerate.utils import offload_weight

        try:
            offload_weight(value, key, str(self.folder), self.index)
        except OSError as error:
            raise InputError(f"{self.folder}: layers can't be kept there ({error.strerror}); free some space or name "
                             "another folder in POINTLLM_CACHE") from error


def _places(llama: nn.Module, plan: Plan) -> dict[str, str]:
    """Module name → device ("cuda:0", "cpu" or "disk"), by `accelerate`; {"": device} for a single one."""
    if plan.max_memory is None:
        return {"": plan.device}
    from accelerate import infer_auto_device_map

    found = infer_auto_device_map(llama, dict(plan.max_memory), no_split_module_classes=llama._no_split_modules,
                                  dtype=plan.dtype)
    places = {name: f"cuda:{place}" if isinstance(place, int) else str(place) for name, place in found.items()}
    if "disk" in places.values() and plan.offload != "disk":
        advice = "--offload disk" if plan.offload == "cpu" else "--offload cpu or disk"
        raise InputError(f"not every layer fits on {plan.device} and what else may be used; give {advice}, or a lower "
                         "--precision")
    return places


def _place_of(key: str, places: dict[str, str]) -> str:
    """The place of a tensor: that of the longest module name it begins with."""
    fitting = [name for name in places if not name or key == name or key.startswith(f"{name}.")]
    return places[max(fitting, key=len)]


def _dispatch(llama: nn.Module, places: dict[str, str], plan: Plan, spill: _Spill | None) -> None:
    """Let `accelerate` move inputs to each layer's device, and offloaded layers there and back."""
    from accelerate import dispatch_model
    from accelerate.utils import save_offload_index

    if spill is not None:
        save_offload_index(spill.index, str(spill.folder))
        llama.spill = spill  # the folder lives as long as the model
    dispatch_model(llama, places, main_device=plan.device, offload_dir=spill and str(spill.folder),
                   skip_keys=llama._skip_keys_device_placement, force_hooks=True)
    # Parameters of offloaded layers lie nowhere; ids of tokens go where computing starts.
    llama.input_device = torch.device(plan.device)


# -- eight and four bits -----------------------------------------------------------------------------------------------


def _quantised(base: Path, adapters: AdapterConfig, given: TensorFolder, plan: Plan) -> AdaptedLlama:
    from transformers import BitsAndBytesConfig

    if plan.precision == "int8":
        kind = BitsAndBytesConfig(load_in_8bit=True)
    else:
        kind = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                  bnb_4bit_compute_dtype=plan.dtype)
    spread = {"device_map": "auto", "max_memory": plan.max_memory} if plan.max_memory else \
        {"device_map": {"": plan.device}}
    llama = load_llama(base, plan.dtype, quantization_config=kind, **spread)
    adapted = AdaptedLlama(llama, adapters)
    adapted.injection.to(plan.device, plan.dtype)
    adapted.load_adapter_state(given, ADAPTERS)
    return adapted.eval()


# -- one model ---------------------------------------------------------------------------------------------------------


def _empty_llama(base: Path) -> nn.Module:
    """The network that `base` describes; its tensors lie where PyTorch's default device says."""
    from transformers import LlamaConfig, LlamaForCausalLM

    try:
        config = LlamaConfig.from_pretrained(base, local_files_only=True)
        if config.model_type != "llama":
            raise ValueError(f"model_type is {config.model_type!r}, expected 'llama'")
        return LlamaForCausalLM(config)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{Path(base).name}/config.json: not a language model's ({reason}); fetch or convert it "
                           "again") from error


def _own_tensors(llama: nn.Module, weights: TensorFolder, given: TensorFolder | None = None) -> list[str]:
    """Names of the tensors to be loaded, in the order of the layers. WeightsError where one is missing or misshapen."""
    source = weights.folder.name
    tied = {"lm_head.weight"} if llama.config.tie_word_embeddings else set()
    names = []
    for key, empty in llama.state_dict().items():
        added = given is not None and f"llama.{key}" in given
        if key in tied:
            continue
        if not added and key not in weights:
            raise WeightsError(f"{source}: {key} is missing; the language model is incomplete, fetch or convert it "
                               "again")
        shape = given.shape(f"llama.{key}") if added else weights.shape(key)
        if shape != tuple(empty.shape):
            raise WeightsError(f"{source}: {key} has shape {shape}, its config.json asks for {tuple(empty.shape)}")
        names.append(key)
    return names


def _put(module: nn.Module, key: str, value: Tensor) -> None:
    """Give a module built without memory one of its tensors."""
    parent, _, leaf = key.rpartition(".")
    holder = module.get_submodule(parent)
    table = holder._parameters if leaf in holder._parameters else holder._buffers
    table[leaf] = nn.Parameter(value, requires_grad=False) if table is holder._parameters else value


def _complete(llama: nn.Module, device: str) -> nn.Module:
    """What is no file's: shared output weights, and the rotary frequencies, which are computed."""
    if llama.config.tie_word_embeddings:
        llama.lm_head.weight = llama.model.embed_tokens.weight
    llama.model.rotary_emb = type(llama.model.rotary_emb)(llama.config).to(device)
    return llama.eval().requires_grad_(False)
