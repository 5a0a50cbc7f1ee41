"""The injection equals attention to one gated visual token, and does nothing while the gates are closed."""

import threading

import torch
from tiny_models import tiny_adapted, tiny_config, tiny_llama

from pointllm.llm.adapters import AdaptedLlama

IDS = torch.tensor([[1, 2, 3, 4, 5], [9, 8, 7, 6, 5]])


def logits(model, biases):
    with torch.inference_mode(), model.injection.injected(biases):
        return model.llama(IDS).logits


def test_closed_gates_leave_the_language_model_as_it_was(embeddings):
    wanted = tiny_llama()(IDS).logits
    model = AdaptedLlama(tiny_llama(), tiny_config())
    torch.testing.assert_close(logits(model, model.injection.biases(embeddings)), wanted)


def test_without_biases_the_hooks_do_nothing():
    model = AdaptedLlama(tiny_llama(), tiny_config())
    torch.testing.assert_close(logits(model, None), tiny_llama()(IDS).logits)


def test_the_bias_is_the_plain_sum_over_one_visual_token(embeddings):
    """Equation (1) written out head by head, for grouped-query attention and LoRA on the output projection."""
    model = tiny_adapted()
    injection = model.injection
    biases = injection.biases(embeddings)
    feature = injection.feature(embeddings)
    for index, layer in enumerate(model.llama.model.layers):
        attention = layer.self_attn
        base = attention.v_proj.base_layer.weight
        output = attention.o_proj
        for row in range(len(embeddings)):
            token = feature[row] + injection.prefix_query[index]
            value = base @ token  # (kv_heads * head_dim,)
            heads = []
            for head in range(6):
                group = head // 3  # six heads share two key-value heads
                heads.append(torch.tanh(injection.gates[index, head]) * value[4 * group : 4 * group + 4])
            whole = torch.cat(heads)
            lora = output.lora_B["default"].weight @ (output.lora_A["default"].weight @ whole) * 2.0
            wanted = output.base_layer.weight @ whole + lora
            torch.testing.assert_close(biases[index][row, 0], wanted, atol=1e-5, rtol=1e-4)


def test_two_threads_see_their_own_biases(embeddings):
    model = tiny_adapted()
    one, two = (model.injection.biases(e[None]) for e in embeddings)
    alone = [logits(model, one), logits(model, two)]
    together = [None, None]
    barrier = threading.Barrier(2)

    def run(place, biases):
        with torch.inference_mode(), model.injection.injected(biases):
            barrier.wait()
            together[place] = model.llama(IDS).logits

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate((one, two))]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for got, wanted in zip(together, alone, strict=True):
        torch.testing.assert_close(got, wanted)


def test_an_unknown_kind_of_positions_is_named():
    try:
        tiny_adapted(positions="somewhere")
    except ValueError as error:
        assert "somewhere" in str(error)
        assert "answer" in str(error)
    else:
        raise AssertionError("accepted")
