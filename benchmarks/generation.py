"""How fast answers are written, beside the original implementation, and whether every precision gives the same ones.

    python benchmarks/generation.py [--threads 1,2] [--repeats 5]      speed at the original's shapes
    python benchmarks/generation.py --answers                          the shipped model's answers about assets/samples

Speed: dim 576, 30 layers, 9 heads, FFN 1536, vocabulary 32,000, LoRA 16 (merged, as the product does), visual injection
at every position, 64 tokens of prompt and 64 new ones, random weights. "fp16" holds weights in fp16 and computes in
fp32; it is compared with the original in fp32, and in bf16, its quickest. "forward" is the model's own forward over a
key-value cache. Writes benchmarks/results/generation.json or generation_answers.json. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from unittest import mock

import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from yardstick import clock, in_process, machine, measured, table, write  # noqa: E402

from pointllm.llm import generation  # noqa: E402
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig  # noqa: E402
from pointllm.llm.bind_network import BindNetworkConfig  # noqa: E402
from pointllm.llm.fast_decoding import fast_decoder  # noqa: E402
from pointllm.llm.generation import Sampling, generate  # noqa: E402
from pointllm.llm.half_weights import hold_in_half  # noqa: E402

PROMPT, NEW = 64, 64
WAYS = ("fp32", "fp32 forward", "fp16", "bf16", "bf16 forward")
# (precision, cores) -> tokens a second and seconds to the first token of the original, see `yardstick`. Its rate is
# taken over all 64 tokens, the first one's time included.
ORIGINAL = {("fp32", 1): (18.6, 0.251), ("bf16", 1): (22.6, 0.088),
            ("fp32", 2): (19.0, 0.165), ("bf16", 2): (25.7, 0.069)}  # fmt: skip
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
QUESTIONS = ("What is this?", "Describe this object.", "What is it used for?")


def equal_shapes(precision: str) -> tuple[AdaptedLlama, list[torch.Tensor]]:
    """The model and its visual biases."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                         num_key_value_heads=9, vocab_size=32_000, tie_word_embeddings=False)
    adapters = AdapterConfig(BindNetworkConfig(joint_dim=1024, model_dim=576, hidden_dim=1536), lora_rank=16,
                             lora_alpha=16.0, norms=True,
                             biased=("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"))
    adapted = AdaptedLlama(LlamaForCausalLM(config), adapters).merge().eval()
    torch.nn.init.normal_(adapted.injection.gates, std=0.1)
    if precision == "fp16":
        hold_in_half(adapted)
        adapted.injection.forget_lora(adapted.llama, [])
    else:
        adapted.to(PRECISIONS[precision])
    seen = torch.nn.functional.normalize(torch.randn(1, 1024), dim=-1)
    with torch.inference_mode():
        return adapted, adapted.injection.biases(seen.to(adapted.injection.gates))


def decoder_of(way: str):
    """What `generate` is to ask for a decoder."""
    if "forward" in way:
        return lambda llama: None
    return fast_decoder


def worker(ways: list[str], repeats: int) -> dict[str, dict]:
    """{way: {"all": …, "first": …, "later": …}}: seconds of all tokens, of the first, and of each one after it."""
    found = {}
    for way in ways:
        adapted, biases = equal_shapes(way.split()[0])

        def run(way=way, adapted=adapted, biases=biases) -> dict[str, float]:
            started, moments = clock(), []
            with mock.patch.object(generation, "fast_decoder", decoder_of(way)):
                for _ in generate(adapted.llama, range(5, 5 + PROMPT), -1, Sampling(NEW), adapted.injection, biases):
                    moments.append(clock())
            return {"all": moments[-1] - started, "first": moments[0] - started,
                    "later": (moments[-1] - moments[0]) / (NEW - 1)}

        found[way] = measured(run, repeats)
        print(way, found[way], file=sys.stderr, flush=True)
    return found


def speed(args: argparse.Namespace) -> None:
    rows, summary = [], []
    for threads in map(int, args.threads.split(",")):
        arguments = ["--repeats", str(args.repeats), "--ways", args.ways]
        for way, times in in_process(__file__, threads, arguments, args.cpu_time).items():
            for other in {"fp16": ("fp32", "bf16")}.get(way, (way.split()[0],)):
                rate, first = ORIGINAL.get((other, threads), (None, None))
                name = way if len(way) > 4 or way == other else f"{way} (the original in {other})"
                rows += [{"what": f"{name}: 64 tokens", "threads": threads, "ours": times["all"],
                          "original": rate and NEW / rate},
                         {"what": f"{name}: first token", "threads": threads, "ours": times["first"],
                          "original": first},
                         {"what": f"{name}: each later one", "threads": threads, "ours": times["later"],
                          "original": rate and (NEW / rate - first) / (NEW - 1)}]
                summary.append({"way": name, "threads": threads, "original": rate,
                                "tokens_per_second": round(NEW / times["all"]["seconds"], 1)})
    name = "generation_cpu_time.json" if args.cpu_time else "generation.json"
    path = write(name, {"machine": machine(), "cpu_time": args.cpu_time, "prompt": PROMPT, "new": NEW,
                                     "rows": rows, "tokens_per_second": summary})
    print(table(rows))
    for row in summary:
        print(f"{row['way']}, {row['threads']} cores: {row['tokens_per_second']} tokens/s (original {row['original']})")
    print("written to", path)


def answers(ways: list[str]) -> None:
    """Greedy tokens of every way, and logits along the same tokens, beside those of the fp32 forward."""
    from pointllm import PointLLM

    samples = Path(__file__).parents[1] / "assets" / "samples"
    files = sorted(path for path in samples.iterdir()
                   if path.suffix in {".stl", ".obj", ".ply", ".xyz", ".glb", ".off", ".pcd", ".jpg", ".ogg"})
    rows: dict[str, list[list[int]]] = {}
    apart: dict[str, dict[str, float]] = {}
    reference: list[torch.Tensor] = []
    looks = PointLLM.from_pretrained("embedded", device="cpu", precision="fp32")
    plan = [(looks.look([path]), question) for path in files for question in QUESTIONS]
    for way in ["fp32 forward", *(way for way in ways if way != "fp32 forward")]:
        model = PointLLM.from_pretrained("embedded", device="cpu", precision=way.split()[0])
        with mock.patch.object(generation, "fast_decoder", decoder_of(way)):
            rows[way] = [_tokens(model, *asked) for asked in plan]
            logits = [_logits(model, *asked, tokens) for asked, tokens in
                      zip(plan, rows["fp32 forward"], strict=True)]
        reference = reference or logits
        differences = torch.cat([(own - first).abs().flatten() for own, first in zip(logits, reference, strict=True)])
        apart[way] = {"logits_apart_at_most": round(float(differences.max()), 5),
                      "logits_apart_on_average": round(float(differences.mean()), 6)}
        print(way, "done", file=sys.stderr, flush=True)
    wanted = rows["fp32 forward"]
    report = {"questions": len(wanted), "tokens": sum(map(len, wanted))}
    for way in ways:
        same = [_agreeing(got, want) for got, want in zip(rows[way], wanted, strict=True)]
        report[way] = {"same_answers": sum(got == want for got, want in zip(rows[way], wanted, strict=True)),
                       "tokens_until_first_difference": sum(same), **apart[way]}
    print(json.dumps(report, indent=1), "\nwritten to", write("generation_answers.json", report))


def _tokens(model, look, question: str) -> list[int]:
    ids = model._prompt_ids(question, [], True, 64, model._adapted.llama.config.max_position_embeddings)
    sampling = Sampling(64, no_repeat=model.config["generation"]["no_repeat"])
    end = model._tokenizer.end
    return list(generate(model._adapted.llama, ids, end, sampling, model._adapted.injection,
                         model._biases(look.embedding, True)))


def _logits(model, look, question: str, tokens: list[int]) -> torch.Tensor:
    """(T, vocabulary) of the places where `tokens` and the end are chosen, whatever the model would choose itself."""
    rest, seen = iter(tokens), []

    def choose(logits: torch.Tensor, *_) -> int:
        seen.append(logits.clone())
        return next(rest, model._tokenizer.end)

    with mock.patch.object(generation, "_choose", choose):
        _tokens(model, look, question)
    return torch.stack(seen)


def _agreeing(got: list[int], wanted: list[int]) -> int:
    pairs = list(zip(got, wanted, strict=False))
    return next((place for place, (a, b) in enumerate(pairs) if a != b), len(pairs))


def main() -> None:
    """Measure in processes of their own, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS), help="of: " + ", ".join(WAYS))
    parser.add_argument("--answers", action="store_true", help="compare answers instead of measuring")
    parser.add_argument("--cpu-time", action="store_true", help="measure processor time (one core, busy machine)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    ways = args.ways.split(",")
    if args.worker:
        print(json.dumps(worker(ways, args.repeats)))
    elif args.answers:
        answers(ways)
    else:
        speed(args)


if __name__ == "__main__":
    main()
