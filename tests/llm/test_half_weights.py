"""Weights held in fp16 on a CPU: only they are rounded, nothing is held twice, and other processors do it as before."""

import gc
import weakref

import numpy as np
import pytest
import torch
from tiny_models import tiny_adapted
from tiny_official import write_language_model
from torch import nn

from pointllm.devices import Machine, half_products
from pointllm.llm import half_weights
from pointllm.llm.fast_decoding import fast_decoder
from pointllm.llm.generation import Sampling, generate
from pointllm.llm.half_weights import HalfEmbedding, HalfLinear, HalfMatrix, hold_in_half
from pointllm.llm.loading import load_adapted, load_plain
from pointllm.llm.placement import Request
from pointllm.profiles import read_config

needs_kernel = pytest.mark.skipif(not half_products(), reason="FBGEMM doesn't run on this processor")
PROMPT = [5, 6, 7, 8, 9]
GOES_ON = [11, 3, 200, 42]


def rounded(module):
    """The same network with its matrices rounded to fp16, in fp32: what the other form has to compute."""
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Linear | nn.Embedding):
                part.weight.copy_(part.weight.half().float())
    return module


def both():
    """A model with rounded weights in fp32, and the same held in fp16."""
    plain, held = (rounded(tiny_adapted().merge().eval()) for _ in range(2))
    hold_in_half(held)
    held.injection.forget_lora(held.llama, [])
    return plain, held


@pytest.fixture(params=[512, 20, 16], ids=["beyond blocks", "partly beyond", "in blocks"])
def block(request, monkeypatch):
    """The tiny model's 24 and 40 features by each way: kept in fp32, 20 and the rest, and packed."""
    if request.param != 512 and not half_products():
        pytest.skip("FBGEMM doesn't run on this processor")
    monkeypatch.setattr(half_weights, "BLOCK", request.param)


@needs_kernel
@pytest.mark.parametrize(("out", "features"), [(1, 1), (7, 5), (33, 512), (300, 576), (65, 800), (48, 1536)])
def test_products_are_those_of_the_rounded_weights(out, features):
    torch.manual_seed(out)
    weight, x = torch.randn(out, features), torch.randn(5, features)
    matrix, wanted = HalfMatrix(weight), x.double() @ weight.half().double().T
    torch.testing.assert_close(matrix.rows(x).double(), wanted, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(torch.from_numpy(matrix.row(x[2].numpy())).double(), wanted[2], atol=1e-4, rtol=1e-5)
    assert matrix.weight().dtype == torch.float16 and torch.equal(matrix.weight(), weight.half())


@needs_kernel
def test_given_weights_are_not_changed_and_outputs_not_shared():
    weight = torch.tensor([[1e5, -1e5, 1e-9, 0.1]]).repeat(1, 128)
    before = weight.clone()
    matrix = HalfMatrix(weight)
    assert torch.equal(weight, before)
    first = matrix.row(np.ones(512, np.float32))
    kept = first.copy()
    matrix.row(np.zeros(512, np.float32))
    assert np.array_equal(first, kept)


def test_whole_passes_and_steps_give_the_logits_of_the_rounded_model(block):
    plain, held = both()
    ids = torch.tensor([PROMPT + GOES_ON])
    with torch.inference_mode():
        wanted = plain.llama(ids).logits[0]
        torch.testing.assert_close(held.llama(ids).logits[0], wanted, atol=1e-5, rtol=1e-4)
    text = fast_decoder(held.llama).begin(20)
    rows = [text.read(PROMPT)] + [text.step(token) for token in GOES_ON]
    torch.testing.assert_close(torch.from_numpy(np.stack(rows)), wanted[len(PROMPT) - 1 :], atol=1e-5, rtol=1e-4)
    assert fast_decoder(held.llama).weights == "fp16"


def test_visual_biases_are_those_of_the_rounded_model(block, embeddings):
    plain, held = both()
    with torch.inference_mode():
        wanted, found = (model.injection.biases(embeddings[:1]) for model in (plain, held))
    torch.testing.assert_close(torch.stack(found), torch.stack(wanted), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sampling", [Sampling(12), Sampling(12, temperature=1.0, seed=5, no_repeat=2)])
def test_answers_are_those_of_the_rounded_model(block, sampling, embeddings):
    plain, held = both()
    answers = []
    for model in (plain, held):
        with torch.inference_mode():
            biases = model.injection.biases(embeddings[:1])
        answers.append(list(generate(model.llama, PROMPT, -1, sampling, model.injection, biases)))
    assert answers[0] == answers[1]


def test_changed_biases_and_norms_are_seen():
    plain, held = both()
    ids = torch.tensor([PROMPT])
    fast_decoder(held.llama)
    for model in (plain, held):
        with torch.no_grad():
            model.llama.model.layers[1].mlp.down_proj.bias.mul_(1.5)
            model.llama.model.layers[0].input_layernorm.weight.mul_(1.5)
    with torch.inference_mode():
        wanted = plain.llama(ids).logits[0, -1]
    torch.testing.assert_close(torch.from_numpy(fast_decoder(held.llama).begin(9).read(PROMPT)), wanted,
                               atol=1e-5, rtol=1e-4)


@needs_kernel
def test_no_matrix_is_held_twice():
    model = tiny_adapted().merge().eval()
    matrices = [weakref.ref(part.weight) for part in model.modules() if isinstance(part, nn.Linear | nn.Embedding)]
    hold_in_half(model)
    model.injection.forget_lora(model.llama, [])
    fast_decoder(model.llama)
    gc.collect()
    assert not [kept for kept in matrices if kept() is not None]
    packed = [part for part in model.modules() if isinstance(part, HalfLinear)]
    assert len(packed) == 3 * 7 + 1 + 1 + 3 * model.injection.bind_network.config.blocks
    for layer in model.llama.model.layers:  # one matrix for those that are computed together
        attention, mlp = layer.self_attn, layer.mlp
        assert attention.q_proj.matrix is attention.k_proj.matrix is attention.v_proj.matrix
        assert mlp.gate_proj.matrix is mlp.up_proj.matrix is not mlp.down_proj.matrix
    tables = [part for part in model.modules() if isinstance(part, HalfEmbedding)]
    assert [table.weight.dtype for table in tables] == [torch.float16]
    others = {value.dtype for name, value in model.named_parameters() if "embed_tokens" not in name}
    assert others == {torch.float32}


@needs_kernel
def test_weights_take_half_the_bytes_of_fp32():
    features, out = 512 + 64, 3000  # as in the shipped model: 64 features beyond the block
    matrix = HalfMatrix(torch.randn(out, features))
    kept = matrix._rest.numel() * 4 + 2 * matrix._packed_in * out
    assert kept < 0.56 * 4 * features * out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llm") / "llm"
    write_language_model(folder)
    return folder


def load(folder, *request, machine=None):
    return load_adapted(folder / "base", folder, read_config(folder), Request(*request), machine)


@needs_kernel
def test_fp16_on_a_cpu_is_loaded_that_way_and_is_what_nothing_asked_for_means(folder):
    whole, _ = load(folder, "cpu", "fp32")
    for request in (("cpu", "fp16"), ("cpu",)):
        model, plan = load(folder, *request)
        assert (plan.device, plan.precision) == ("cpu", "fp16")
        assert type(model.llama.lm_head) is HalfLinear
        for name, value in model.llama.state_dict().items():
            wanted = whole.llama.state_dict()[name]  # merged in fp32, matrices then rounded once
            assert torch.equal(value.float(), wanted.half().float() if wanted.ndim > 1 else wanted), name
        assert fast_decoder(model.llama).weights == "fp16"
        plain = load_plain(folder / "base", plan)
        assert type(plain.lm_head) is HalfLinear and fast_decoder(plain).weights == "fp16"


def test_fp32_stays_exact(folder):
    model, plan = load(folder, "cpu", "fp32")
    assert plan.precision == "fp32" and type(model.llama.lm_head) is nn.Linear
    assert {value.dtype for value in model.parameters()} == {torch.float32}


def test_without_the_kernel_models_are_what_they_were(folder, monkeypatch):
    monkeypatch.setattr("pointllm.llm.loading.half_products", lambda: False)
    here = Machine((), 2**36, 2**36, half=False)
    model, plan = load(folder, "cpu", machine=here)
    assert plan.precision == "fp32" and fast_decoder(model.llama).weights == "fp32"
    model, plan = load(folder, "cpu", "fp16", machine=here)
    assert plan.precision == "fp16" and {value.dtype for value in model.parameters()} == {torch.float16}
    assert fast_decoder(model.llama) is None  # the model's own forward
