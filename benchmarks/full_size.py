"""The official models at full size, from published layout to answer: ImageBind-Huge, Point-Bind, LLaMA-7B's shape.

The published weights may not be had everywhere; their layout can. This builds networks of the published sizes with
random numbers, saves them file by file as they are published, converts them with `pointllm weights convert`, loads the
profiles and asks about the samples. It shows that the way works and what it costs in memory, time and disk; the answers
mean nothing. On a CPU the language model has fewer layers (`--layers`), each of the full size; on a CUDA card all 32.

    python benchmarks/full_size.py                      # 4 layers on a CPU, 32 on a card
    python benchmarks/full_size.py --layers 8 --keep    # keeps /tmp/full_size
    python benchmarks/full_size.py --memory             # only counts: the table of docs/official.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "full_size.json"
SAMPLES = ("chair.ply", "cat.jpg", "rooster.ogg")
DIM, HEADS, FEED_FORWARD, BRIDGE, JOINT, VOCABULARY, RANK = 4096, 32, 11008, 4 * 4096, 1024, 32_000, 16
CACHE_VECTORS = 20_000  # of the visual cache; how many the published one has doesn't matter here
QUESTION = "What is this object?"


# -- files in the published layouts ------------------------------------------------------------------------------------


def numbers(*shape: int, scale: float = 0.02):
    """Random fp16, drawn in pieces: no fp32 copy of the whole."""
    import torch

    found = torch.empty(shape, dtype=torch.float16)
    rows = found.view(-1) if found.ndim else found
    for part in rows.split(1 << 24):
        part.copy_(torch.randn(len(part)) * scale)
    return found


def imagebind_state() -> dict:
    """The tensors of imagebind_huge.pth."""
    import torch

    from pointllm.encoders.imagebind.model import ImageBind

    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in ImageBind().state_dict().items()}
    state = {}
    for name, shape in shapes.items():
        if name.endswith("mask"):
            state[name] = torch.full(shape, float("-inf"), dtype=torch.float16).triu(1)
        elif name.endswith("log_logit_scale"):
            state[name] = torch.tensor(2.6, dtype=torch.float16)
        elif len(shape) == 1:  # norms and biases
            state[name] = torch.full(shape, float(name.endswith("weight")), dtype=torch.float16)
        else:
            state[name] = numbers(*shape)
    return state


def point_bind_state(encoder: str) -> dict:
    """The tensors of pointbind_i2pmae.pt or pointbind_pointbert.pt, ImageBind among them."""
    from pointllm.encoders.point_head import POINT_BIND_KEYS, PointBranch
    from pointllm.encoders.registry import build_encoder

    branch = PointBranch(build_encoder(encoder)).state_dict()
    state = {f"bind.{name}": value for name, value in imagebind_state().items()}
    for published, ours in POINT_BIND_KEYS.items():
        state |= {published + name[len(ours):]: value.half() if value.is_floating_point() else value
                  for name, value in branch.items() if name.startswith(ours)}
    return state


def llama_state(layers: int) -> dict:
    """The tensors of consolidated.00.pth."""
    state = {"tok_embeddings.weight": numbers(VOCABULARY, DIM), "output.weight": numbers(VOCABULARY, DIM),
             "norm.weight": 1 + numbers(DIM)}
    for layer in range(layers):
        block = f"layers.{layer}."
        state |= {f"{block}attention.w{name}.weight": numbers(DIM, DIM) for name in "qkvo"}
        state |= {f"{block}feed_forward.w{name}.weight": numbers(*shape) for name, shape in
                  (("1", (FEED_FORWARD, DIM)), ("2", (DIM, FEED_FORWARD)), ("3", (FEED_FORWARD, DIM)))}
        state |= {f"{block}{name}_norm.weight": 1 + numbers(DIM) for name in ("attention", "ffn")}
    return state


def adapter_state(layers: int) -> dict:
    """What 7B.pth holds under "model"."""
    state = {"image_bind_proj.weight": numbers(DIM, JOINT), "image_bind_proj.bias": numbers(DIM),
             "prefix_query.weight": numbers(layers, DIM), "llama.norm.weight": 1 + numbers(DIM)}
    for block in (1, 2, 3):
        state |= {f"image_bind_norm_{block}.weight": 1 + numbers(DIM), f"image_bind_norm_{block}.bias": numbers(DIM)}
        for name, shape in (("f1", (BRIDGE, DIM)), ("f2", (DIM, BRIDGE)), ("f3", (BRIDGE, DIM))):
            state |= {f"image_bind_{name}_{block}.weight": numbers(*shape),
                      f"image_bind_{name}_{block}.bias": numbers(shape[0])}
    linears = [("attention", f"w{name}", DIM, DIM, name in "qo") for name in "qkvo"]
    linears += [("feed_forward", "w1", FEED_FORWARD, DIM, True), ("feed_forward", "w2", DIM, FEED_FORWARD, True),
                ("feed_forward", "w3", FEED_FORWARD, DIM, True)]
    for layer in range(layers):
        block = f"llama.layers.{layer}."
        state[f"{block}attention.gate"] = numbers(1, HEADS, 1, 1, scale=0.5)
        state |= {f"{block}{name}_norm.weight": 1 + numbers(DIM) for name in ("attention", "ffn")}
        for part, name, outer, inner, biased in linears:
            state[f"{block}{part}.lora_{name}_l1.weight"] = numbers(RANK, inner)
            state[f"{block}{part}.lora_{name}_l2.weight"] = numbers(outer, RANK)
            if biased:
                state[f"{block}{part}.{name}.bias"] = numbers(outer)
    return state


def write(what: str, path: Path, layers: int) -> None:
    """One published file (or LLaMA's folder) at `path`."""
    import torch

    if what == "llama":
        path.mkdir()
        torch.save(llama_state(layers), path / "consolidated.00.pth")
        params = {"dim": DIM, "n_layers": layers, "n_heads": HEADS, "multiple_of": 256, "norm_eps": 1e-6,
                  "vocab_size": -1}
        (path / "params.json").write_text(json.dumps(params))
        write_tokenizer(path / "tokenizer.model")
    elif what == "adapter":
        torch.save({"model": adapter_state(layers)}, path)
    elif what == "knn":
        write_visual_cache(path)
    elif what == "imagebind":
        torch.save(imagebind_state(), path)
    else:
        torch.save(point_bind_state(what), path)


def write_tokenizer(path: Path) -> None:
    """A sentencepiece tokenizer trained on the project's own texts; it has fewer pieces than LLaMA's."""
    from sentencepiece import SentencePieceTrainer

    texts = [text for text in ROOT.glob("*.md")] + sorted((ROOT / "pointllm").rglob("*.py"))
    lines = [line for text in texts for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]
    with path.open("wb") as file:
        SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=file, vocab_size=VOCABULARY, model_type="bpe",
            byte_fallback=True, hard_vocab_limit=False, minloglevel=2, normalization_rule_name="identity",
            remove_extra_whitespaces=False)


def write_visual_cache(path: Path) -> None:
    """A faiss index with inner product over random unit vectors."""
    import faiss
    import numpy as np

    vectors = np.random.default_rng(0).standard_normal((CACHE_VECTORS, JOINT), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(JOINT)
    index.add(vectors)
    faiss.write_index(index, str(path))


# -- loading and asking ------------------------------------------------------------------------------------------------


def answer(profile: str, tokens: int, device: str, precision: str) -> dict:
    """Loads a profile and asks about each sample, twice: the second time its embedding is remembered."""
    import torch

    from pointllm import PointLLM

    started = time.monotonic()
    model = PointLLM.from_pretrained(profile, device=device, precision=precision)
    found = {"seconds_to_load": round(time.monotonic() - started, 1), "plan": model.plan.summary(),
             "needed_bytes": model.plan.needed, "parameters": sum(p.numel() for p in model._adapted.parameters()),
             "threads": torch.get_num_threads(), "inputs": {}}
    for name in SAMPLES:
        path = ROOT / "assets" / "samples" / name
        rows = {}
        for turn in ("first", "again"):
            given = model.answer([path], QUESTION, max_tokens=tokens, temperature=0.0)
            rows[turn] = {"seconds_to_first_token": given.seconds_to_first_token, "tokens": given.tokens}
            if given.tokens > 1:
                rate = (given.tokens - 1) / (given.seconds - given.seconds_to_first_token)
                rows[turn]["tokens_per_second"] = round(rate, 2)
        found["inputs"][name] = rows
    started = time.monotonic()
    vectors = model.bind.embed(text=["a chair", "a cat"])
    found["text_embedding"] = {"shape": list(vectors.shape), "seconds": round(time.monotonic() - started, 2)}
    if torch.cuda.is_available():
        found["card_peak_bytes"] = torch.cuda.max_memory_allocated()
    return found


# -- measuring ---------------------------------------------------------------------------------------------------------


def watched(command: list[str]) -> tuple[str, dict]:
    """Runs a command; gives its output, its time, and the peak of its memory: all, and without mapped files."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    ended, own = threading.Event(), [0]

    def watch() -> None:
        status = Path(f"/proc/{process.pid}/status")
        while not ended.wait(0.05):
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
                own[0] = max(own[0], int(lines["RssAnon"].split()[0]) * 1024)
            except (OSError, KeyError, ValueError):  # over already, or no Linux
                pass

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit status {process.returncode}")
    resident = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    # Anonymous memory is the process's own; pages of mapped files count as resident and can be given up at any time.
    return output, {"seconds": round(time.monotonic() - started, 1), "peak_resident_bytes": resident,
                    "peak_own_bytes": own[0]}


def memory_table() -> str:
    """Markdown: what the official profiles take by precision, counted on networks without memory."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from pointllm.encoders.imagebind.model import MODALITIES, ImageBind
    from pointllm.llm.adapters import LINEARS, AdaptedLlama, AdapterConfig
    from pointllm.llm.bind_network import BindNetworkConfig
    from pointllm.llm.memory import CARD_ALLOWANCE, language_model_needs

    with torch.device("meta"):
        llama = LlamaForCausalLM(LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=DIM, intermediate_size=FEED_FORWARD, num_hidden_layers=32,
            num_attention_heads=HEADS, max_position_embeddings=2048, tie_word_embeddings=False))
        bind = BindNetworkConfig(JOINT, DIM, BRIDGE, norm="layer", linear_bias=True)
        biased = ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
        adapted = AdaptedLlama(llama, AdapterConfig(bind, biased=biased, norms=True))
        towers = {name: sum(p.numel() for p in ImageBind(None, (name,)).parameters()) for name in MODALITIES}
    needs = language_model_needs(adapted.llama, adapted.injection, RANK, LINEARS, towers)

    def gib(count: float) -> str:
        return f"{count / 2**30:.1f}"

    lines = ["| precision | language model with adapters (GiB) | with 2048 tokens and a card's overhead (GiB) |",
             "| --- | --- | --- |"]
    for precision in ("fp32", "bf16", "int8", "int4"):
        whole = needs.language_model(precision)
        cache = needs.token * needs.tokens * (4 if precision == "fp32" else 2)
        name = "bf16, fp16" if precision == "bf16" else precision
        lines.append(f"| {name} | {gib(whole - cache)} | {gib(whole + CARD_ALLOWANCE)} |")
    lines += ["", "| ImageBind's tower | fp32 (GiB) | fp16 (GiB) |", "| --- | --- | --- |"]
    lines += [f"| {name} | {count * 4 / 2**30:.2f} | {count * 2 / 2**30:.2f} |" for name, count in towers.items()]
    return "\n".join(lines)


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def machine() -> dict:
    """What it ran on."""
    import torch

    from pointllm.devices import Machine

    here = Machine.here()
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.partition(":")[2] for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].strip() if names else processor
    cards = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {"processor": processor, "cores": os.cpu_count(), "memory_bytes": here.total, "cards": cards,
            "torch": torch.__version__, "python": platform.python_version(), "load": round(os.getloadavg()[0], 1)}


def convert(home: Path, profile: Path, what: str, published: str, layers: int, log: list) -> None:
    """Writes one published file, converts it, and deletes it."""
    path = home / published
    write_in_process = [sys.executable, __file__, "--write", what, "--path", str(path), "--layers", str(layers)]
    _, made = watched(write_in_process)
    size = size_of(path)
    _, figures = watched([sys.executable, "-m", "pointllm", "weights", "convert", str(path), "--out", str(profile)])
    log.append({"file": published, "bytes": size, "seconds_to_write": made["seconds"], **figures,
                "peak_own_to_file": round(figures["peak_own_bytes"] / size, 3)})
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(f"{published}: {size / 2**30:.2f} GiB converted in {figures['seconds']} s", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--layers", type=int, help="of the language model (default: 32 on a CUDA card, else 4)")
    parser.add_argument("--home", type=Path, default=Path("/tmp/full_size"), help="scratch (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=32, help="of each answer (default: %(default)s)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--keep", action="store_true", help="keep the converted profiles")
    parser.add_argument("--memory", action="store_true", help="only print what the profiles take, by precision")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--answer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if args.write:
        return write(args.write, args.path, args.layers)
    if args.memory:
        return print(memory_table())
    if args.answer:
        return print(json.dumps(answer(args.answer, args.tokens, args.device, args.precision)))

    import torch
    from yardstick import yardstick

    layers = args.layers or (32 if torch.cuda.is_available() else 4)
    args.home.mkdir(parents=True)
    results = {"machine": machine(), "layers": layers, "weights": "random, fp16, in the published layouts",
               "yardstick_seconds": round(yardstick(), 3), "converted": [], "profiles": {}}
    profiles = {"official-i2pmae": "i2p_mae", "official-pointbert": "point_bert"}
    try:
        language_model = None
        for name, encoder in profiles.items():
            profile = args.home / name
            log = results["converted"]
            convert(args.home, profile, encoder, f"pointbind_{encoder.replace('_', '')}.pt", layers, log)
            if language_model is None:
                convert(args.home, profile, "imagebind", "imagebind_huge.pth", layers, log)
                for what, published in (("llama", "7B"), ("adapter", "7B.pth"), ("knn", "knn.index")):
                    convert(args.home, profile, what, published, layers, log)
                language_model = profile / "llm"
            else:  # the same one, without a second copy on disk
                shutil.copytree(language_model, profile / "llm", copy_function=os.link)
            command = [sys.executable, __file__, "--answer", str(profile), "--tokens", str(args.tokens)]
            command += ["--device", args.device, "--precision", args.precision]
            output, figures = watched(command)
            results["profiles"][name] = {"bytes_on_disk": size_of(profile), **figures, **json.loads(output)}
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {json.dumps(results['profiles'][name])}", file=sys.stderr)
    finally:
        if not args.keep:
            shutil.rmtree(args.home, ignore_errors=True)


if __name__ == "__main__":
    main()
