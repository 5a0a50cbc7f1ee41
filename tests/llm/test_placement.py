"""Where a model goes on machines that are not here, and what a user is told whose card is too small."""

from dataclasses import replace

import pytest
import torch

from pointllm.devices import Gpu, Machine
from pointllm.errors import InputError
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig
from pointllm.llm.bind_network import BindNetworkConfig
from pointllm.llm.memory import CARD_ALLOWANCE, MAIN_ALLOWANCE, Needs, count, language_model_needs
from pointllm.llm.placement import Request, choices, place

GIB = 2**30
BILLION = 10**9
# Of the size of LLaMA-7B with the published adapters and ImageBind-Huge.
BIG = Needs(linear=int(6.5 * BILLION), rest=int(0.26 * BILLION), injection=int(0.6 * BILLION), lora=40_000_000,
            token=2 * 32 * 4096, tower={"vision": 632_000_000, "text": 302_000_000}, point=6_000_000, layers=32)
SMALL = Needs(linear=100_000_000, rest=30_000_000, token=2 * 30 * 192, layers=30)


def machine(*cards, memory=64, bitsandbytes=True, bf16=True):
    gpus = tuple(Gpu(f"cuda:{i}", int(size * GIB), int(size * GIB), bf16) for i, size in enumerate(cards))
    return Machine(gpus, memory * GIB, memory * GIB, bitsandbytes)


def test_numbers_are_counted_on_networks_without_memory():
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig(vocab_size=100, hidden_size=24, intermediate_size=40, num_hidden_layers=3,
                        num_attention_heads=6, num_key_value_heads=2, head_dim=4, max_position_embeddings=64)
    bind = BindNetworkConfig(joint_dim=16, model_dim=24, hidden_dim=32)
    with torch.device("meta"):
        adapted = AdaptedLlama(LlamaForCausalLM(shape), AdapterConfig(bind))
    real = AdaptedLlama(LlamaForCausalLM(shape), AdapterConfig(bind))
    needs = language_model_needs(adapted.llama, adapted.injection, 2, ("q_proj", "down_proj"))
    block = 24 * 24 + 2 * 24 * 8 + 24 * 24 + 3 * 24 * 40
    assert needs.linear == 3 * block
    assert needs.linear + needs.rest == count(real.llama) and needs.injection == count(real.injection)
    assert needs.lora == 3 * 2 * (24 + 24 + 40 + 24)
    assert (needs.token, needs.tokens, needs.layers) == (2 * 3 * 2 * 4, 64, 3)
    assert needs.language_model("fp32") == 4 * (count(real.llama) + needs.injection + needs.token * 64)


def test_fewer_bits_take_less():
    sizes = [BIG.language_model(precision) for precision in ("fp32", "bf16", "int8", "int4")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 2 * sizes[1] == 2 * BIG.language_model("fp16")
    assert sizes[1] / GIB == pytest.approx(14.7, abs=0.2)  # 7.36 billion numbers and 2048 tokens of cache
    assert BIG.layer("bf16") == pytest.approx(2 * BIG.linear / 32)


def test_a_small_model_stays_in_full_precision_wherever_it_goes():
    for here in (machine(), machine(24), machine(8, memory=8)):
        assert place(Request(), SMALL, here).precision == "fp32"


def test_a_processor_that_can_hold_weights_in_fp16_does_so_unless_asked_for_something_else():
    able = replace(machine(), half=True)
    for needs in (SMALL, BIG):
        plan = place(Request(), needs, able)
        assert (plan.device, plan.precision) == ("cpu", "fp16")
        assert plan.needed == needs.language_model("fp16") + needs.beside_half() + MAIN_ALLOWANCE
        for precision in ("fp32", "bf16"):
            assert place(Request("cpu", precision), needs, able).precision == precision
    assert place(Request(), SMALL, replace(machine(24), half=True)).precision == "fp32"  # on the card
    assert place(Request("cpu", offload="disk"), BIG, replace(able, free=8 * GIB)).precision == "bf16"
    assert any(choice.startswith("--device cpu --precision fp16 (") for choice in choices(BIG, able))


def test_keys_in_fp32_and_a_table_packed_for_the_output_are_counted():
    from transformers import LlamaConfig, LlamaForCausalLM

    for tied in (True, False):
        config = LlamaConfig(vocab_size=100, hidden_size=24, intermediate_size=40, num_hidden_layers=3,
                             num_attention_heads=6, num_key_value_heads=2, head_dim=4, max_position_embeddings=64,
                             tie_word_embeddings=tied)
        with torch.device("meta"):
            needs = language_model_needs(LlamaForCausalLM(config))
        assert needs.beside_half() == 2 * (2 * 3 * 2 * 4 * 64 + (100 * 24 if tied else 0))


def test_left_open_the_quickest_place_that_fits_is_taken():
    plan = place(Request(), BIG, machine(12, 24, 16))
    assert (plan.device, plan.precision, plan.max_memory) == ("cuda:1", "bf16", None)
    assert (plan.towers_device, plan.towers_dtype) == ("cuda:1", torch.float16)
    assert place(Request(), BIG, machine(24, bf16=False)).precision == "fp16"
    on_cpu = place(Request(), BIG, machine())
    assert (on_cpu.device, on_cpu.precision, on_cpu.towers_device) == ("cpu", "bf16", "cpu")
    assert on_cpu.towers_dtype == torch.float32


def test_left_open_layers_are_divided_over_cards_and_then_memory():
    split = place(Request(), BIG, machine(12, 12))
    assert split.offload == "none" and sorted(split.max_memory) == [0, 1] and split.device == "cuda:0"
    beside = place(Request(), BIG, machine(8))
    assert beside.offload == "cpu" and sorted(beside.max_memory, key=str) == [0, "cpu"]
    assert place(Request(), BIG, machine(1.05)).device == "cpu"


def test_a_card_that_is_too_small_is_told_the_choices_that_fit_with_their_sizes():
    with pytest.raises(InputError) as caught:
        place(Request("cuda"), BIG, machine(12), "profile official-i2pmae")
    message = str(caught.value)
    assert "\n" not in message and message.startswith("profile official-i2pmae takes 15.7 GiB in bf16, and cuda:0 has")
    for choice in ("--device cuda:0 --precision int8 (9.", "--device cuda:0 --precision int4 (6.",
                   "--precision bf16 --offload cpu (", "--device cpu --precision bf16 (15."):
        assert choice in message
    assert "fp32 (" in message and "--device cuda:0 --precision fp32" not in message


def test_only_what_this_machine_can_do_is_offered():
    assert not [c for c in choices(BIG, machine(12, bitsandbytes=False)) if "int" in c]
    assert any("--device split --precision bf16 (14.7 GiB over 2 cards)" in c for c in choices(BIG, machine(12, 12)))
    assert choices(BIG, machine(memory=8)) == ["--device cpu --precision bf16 --offload disk (7.1 GiB of memory; very "
                                               "slow)"]


def test_every_offered_choice_is_accepted():
    several = (machine(12), machine(12, 12), machine(80), machine(memory=8), machine(8, memory=32), machine(40))
    for here in (*several, replace(machine(), half=True), replace(machine(memory=16), half=True)):
        for choice in choices(BIG, here):
            words = choice.split(" (")[0].split()
            options = dict(zip([w.removeprefix("--") for w in words[::2]], words[1::2], strict=True))
            plan = place(Request.of(**options), BIG, here)
            assert plan.precision == options["precision"]


def test_too_little_memory_is_told_before_anything_is_loaded():
    with pytest.raises(InputError, match="takes 15.* cpu has 8.0 GiB free; what fits here: .*--offload disk"):
        place(Request("cpu", "bf16"), BIG, machine(memory=8))
    plan = place(Request("cpu", "bf16", offload="disk"), BIG, machine(memory=8))
    assert plan.offload == "disk" and set(plan.max_memory) == {"cpu"}
    assert plan.max_memory["cpu"] <= 8 * GIB - MAIN_ALLOWANCE


@pytest.mark.parametrize(("request_", "here", "reason"), [
    (Request("cuda"), machine(), "this machine has: cpu"),
    (Request("cuda:1"), machine(24), "this machine has: cpu, cuda:0"),
    (Request("split"), machine(), "has none"),
    (Request(precision="int4"), machine(), "needs a CUDA card"),
    (Request("cpu", "int8"), machine(24), "needs a CUDA card"),
    (Request("cuda", "int8"), machine(24, bitsandbytes=False), "pip install bitsandbytes"),
    (Request("cuda", "int8", offload="cpu"), machine(24), "can't be offloaded"),
    (Request("cuda", "fp16"), machine(4), "takes 15.7 GiB in fp16"),
    (Request("split"), machine(6, 6), "cuda:0.cuda:1 has"),
])
def test_what_cannot_be_done_is_refused_in_one_line(request_, here, reason):
    with pytest.raises(InputError, match=reason) as caught:
        place(request_, BIG, here)
    assert "\n" not in str(caught.value)


def test_towers_go_where_they_are_wanted_or_fit():
    def towers(*cards, **asked):
        return place(Request(**asked), BIG, machine(*cards)).towers_device

    assert towers(24, device="cuda") == "cuda:0"
    assert towers(17, device="cuda") == "cpu"  # the language model alone fits
    assert towers(24, device="cuda", towers_device="cpu") == "cpu"
    assert towers(24, 8, device="cuda:0", towers_device="cuda:1") == "cuda:1"
    assert towers(24, device="cpu", towers_device="cuda") == "cuda:0"


def test_quantised_models_go_to_a_card_and_keep_their_towers_in_sixteen_bits():
    plan = place(Request(precision="int4"), BIG, machine(10))
    assert (plan.device, plan.precision, plan.dtype) == ("cuda:0", "int4", torch.bfloat16)
    assert plan.towers_dtype == torch.float16
    assert plan.needed < BIG.language_model("bf16") and plan.needed > CARD_ALLOWANCE
    assert "int4 on cuda:0" in plan.summary()
    assert place(Request(precision="int8"), BIG, machine(12)).dtype == torch.float16
