"""The lean decoder computes what the model's own forward computes, and steps aside where it can't."""

import pytest
import torch
from tiny_models import tiny_adapted, tiny_config, tiny_llama

from pointllm.llm.adapters import AdaptedLlama
from pointllm.llm.fast_decoding import fast_decoder
from pointllm.llm.generation import Sampling, generate

PROMPT = [5, 6, 7, 8, 9]
GOES_ON = [11, 3, 200, 42]


def merged(positions="answer"):
    return tiny_adapted(positions).merge().eval()


def own_logits(llama, ids):
    with torch.inference_mode():
        return llama(torch.tensor([ids]), use_cache=False).logits[0]


def decoded(llama):
    """Logits after the prompt and after each further token."""
    text = fast_decoder(llama).begin(len(PROMPT) + len(GOES_ON))
    rows = [text.read(PROMPT)] + [text.step(token) for token in GOES_ON]
    return torch.stack([torch.from_numpy(row) for row in rows])


@pytest.mark.parametrize("one_core", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_every_step_gives_the_logits_of_a_whole_pass(tied, one_core, monkeypatch):
    monkeypatch.setattr("pointllm.llm.fast_decoding._NUMPY_ON_ONE_CORE", one_core)
    llama = merged().llama
    if not tied:
        llama.lm_head.weight = torch.nn.Parameter(torch.randn(300, 24), requires_grad=False)
    wanted = own_logits(llama, PROMPT + GOES_ON)[len(PROMPT) - 1 :]
    torch.testing.assert_close(decoded(llama), wanted, atol=1e-5, rtol=1e-4)
    assert fast_decoder(llama).weights == "fp32"


def test_the_model_itself_works_as_before_on_the_rearranged_weights():
    llama = merged().llama
    before, names = own_logits(llama, PROMPT), list(llama.state_dict())
    values = [value.clone() for value in llama.state_dict().values()]
    decoded(llama)
    torch.testing.assert_close(own_logits(llama, PROMPT), before, atol=1e-5, rtol=1e-4)
    assert list(llama.state_dict()) == names
    assert all(torch.equal(now, then) for now, then in zip(llama.state_dict().values(), values, strict=True))
    assert llama.lm_head.weight.data_ptr() == llama.model.embed_tokens.weight.data_ptr()


@pytest.mark.parametrize("positions", ["answer", "all"])
def test_visual_biases_enter_where_they_should(positions, embeddings):
    model = merged(positions)
    with torch.inference_mode():
        biases = model.injection.biases(embeddings[:1])
    ids = PROMPT + GOES_ON
    first = len(PROMPT) - 1 if positions == "answer" else 0
    mask = (torch.arange(len(ids)) >= first).float()[None, :, None]
    with model.injection.injected([bias * mask for bias in biases]):
        wanted = own_logits(model.llama, ids)[len(PROMPT) - 1 :]
    assert not torch.allclose(wanted, own_logits(model.llama, ids)[len(PROMPT) - 1 :], atol=1e-3)
    text, late = fast_decoder(model.llama).begin(len(ids)), [bias[0, 0].numpy() for bias in biases]
    if positions == "answer":
        text.read(PROMPT[:-1], None, wanted=False)
        rows = [text.step(token, late) for token in PROMPT[-1:] + GOES_ON]
    else:
        rows = [text.read(PROMPT, biases)] + [text.step(token, late) for token in GOES_ON]
    torch.testing.assert_close(torch.stack([torch.from_numpy(row) for row in rows]), wanted, atol=1e-5, rtol=1e-4)


def test_scaled_rotary_positions_are_the_models():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    scaling = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 8}  # fmt: skip
    config = LlamaConfig(vocab_size=300, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
                         num_attention_heads=3, num_key_value_heads=1, rope_parameters=scaling)
    llama = LlamaForCausalLM(config).eval().requires_grad_(False)
    torch.testing.assert_close(decoded(llama), own_logits(llama, PROMPT + GOES_ON)[len(PROMPT) - 1 :],
                               atol=1e-5, rtol=1e-4)


def test_bfloat16_comes_close_and_is_noticed():
    llama = merged().llama
    wanted = own_logits(llama, PROMPT + GOES_ON)[len(PROMPT) - 1 :]
    assert fast_decoder(llama).weights == "fp32"
    got = decoded(llama.bfloat16())
    assert fast_decoder(llama).weights == "bf16"
    assert (got - wanted).norm() / wanted.norm() < 0.02


def test_changed_weights_norms_and_biases_are_seen():
    llama = merged().llama
    decoded(llama)
    layer = llama.model.layers[1]
    for change in (layer.self_attn.q_proj.weight, layer.mlp.down_proj.bias, layer.input_layernorm.weight):
        with torch.no_grad():
            change.mul_(1.5)
        wanted = own_logits(llama, PROMPT + GOES_ON)[len(PROMPT) - 1 :]
        torch.testing.assert_close(decoded(llama), wanted, atol=1e-5, rtol=1e-4)
    llama.to(torch.float64).to(torch.float32)  # moved elsewhere in memory
    torch.testing.assert_close(decoded(llama), wanted, atol=1e-5, rtol=1e-4)


def test_models_that_are_something_else_are_left_to_their_own_forward():
    assert fast_decoder(tiny_adapted().llama) is None  # LoRA beside the weights
    assert fast_decoder(merged().llama.half()) is None
    assert fast_decoder(merged().llama.train()) is None
    assert fast_decoder(merged().llama.requires_grad_(True)) is None
    assert fast_decoder(AdaptedLlama(tiny_llama(), tiny_config(rank=0)).llama.to("meta")) is None


def test_both_ways_write_the_same_answer(monkeypatch, embeddings):
    for positions in ("answer", "all"):
        model = merged(positions)
        with torch.inference_mode():
            biases = model.injection.biases(embeddings[:1])
        for sampling in (Sampling(max_tokens=12), Sampling(max_tokens=12, temperature=1.0, seed=5, no_repeat=2)):
            lean = list(generate(model.llama, PROMPT, -1, sampling, model.injection, biases))
            with monkeypatch.context() as patch:
                patch.setattr("pointllm.llm.generation.fast_decoder", lambda llama: None)
                assert lean == list(generate(model.llama, PROMPT, -1, sampling, model.injection, biases))


def test_two_answers_at_once_do_not_mix():
    llama = merged().llama
    alone = [list(generate(llama, prompt, -1, Sampling(max_tokens=8))) for prompt in (PROMPT, GOES_ON)]
    one, two = (generate(llama, prompt, -1, Sampling(max_tokens=8)) for prompt in (PROMPT, GOES_ON))
    together = list(zip(one, two, strict=True))
    assert [list(answer) for answer in zip(*together, strict=True)] == alone


def test_very_negative_gates_close_without_a_warning(recwarn):
    llama = merged().llama
    with torch.no_grad():
        llama.model.layers[0].mlp.gate_proj.bias.fill_(-500)
    assert torch.isfinite(decoded(llama)).all()
    assert not recwarn.list


def test_a_text_is_read_once():
    text = fast_decoder(merged().llama).begin(20)
    text.read(PROMPT)
    with pytest.raises(ValueError, match="read once"):
        text.read(PROMPT)
