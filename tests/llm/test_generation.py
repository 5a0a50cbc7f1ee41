"""Writing token by token equals reading it all at once, repeats with its seed, and can be stopped."""

import torch
from tiny_models import tiny_adapted

from pointllm.llm.generation import Sampling, generate

PROMPT = [5, 6, 7, 8]


def slow_greedy(model, biases, steps):
    """The plain twin: the whole text through the model for every token, biases at the positions that predict."""
    ids, out = list(PROMPT), []
    first = len(PROMPT) - 1 if model.injection.positions == "answer" else 0
    for _ in range(steps):
        mask = (torch.arange(len(ids)) >= first).float()[None, :, None]
        with torch.inference_mode(), model.injection.injected([bias * mask for bias in biases]):
            token = int(model.llama(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        ids.append(token)
        out.append(token)
    return out


def test_the_cached_loop_equals_the_whole_pass(embeddings):
    for positions in ("answer", "all"):
        model = tiny_adapted(positions)
        with torch.inference_mode():
            biases = model.injection.biases(embeddings[:1])
        got = list(generate(model.llama, PROMPT, -1, Sampling(max_tokens=8), model.injection, biases))
        assert got == slow_greedy(model, biases, 8)


def test_a_seed_gives_one_answer_and_another_seed_another(embeddings):
    model = tiny_adapted()
    biases = [bias.detach() for bias in model.injection.biases(embeddings[:1])]

    def answer(seed):
        sampling = Sampling(max_tokens=12, temperature=1.5, seed=seed)
        return list(generate(model.llama, PROMPT, -1, sampling, model.injection, biases))

    assert answer(3) == answer(3)
    assert answer(3) != answer(4)


def test_the_end_mark_ends_and_is_not_part_of_the_answer():
    model = tiny_adapted()
    free = list(generate(model.llama, PROMPT, -1, Sampling(max_tokens=6)))
    assert list(generate(model.llama, PROMPT, free[3], Sampling(max_tokens=6))) == free[: free.index(free[3])]


def test_no_run_is_written_twice():
    model = tiny_adapted()
    written = list(generate(model.llama, PROMPT, -1, Sampling(max_tokens=60, no_repeat=2)))
    pairs = list(zip(written, written[1:], strict=False))
    assert len(pairs) == len(set(pairs))


def test_a_stopped_answer_leaves_nothing_switched_on(embeddings):
    model = tiny_adapted()
    biases = [bias.detach() for bias in model.injection.biases(embeddings[:1])]
    answer = generate(model.llama, PROMPT, -1, Sampling(max_tokens=50), model.injection, biases)
    next(answer)
    answer.close()
    plain = list(generate(model.llama, PROMPT, -1, Sampling(max_tokens=5)))
    assert plain == list(generate(tiny_adapted().llama, PROMPT, -1, Sampling(max_tokens=5)))
