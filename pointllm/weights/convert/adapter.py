"""Plans `llm/adapters.safetensors`: the adapter files of ImageBind-LLM and Point-LLM (7B.pth, 7B-beta.pth).

LoRA, biases, norms, gates, prefixes and the bind network under the names of `pointllm.llm.adapters`. Every size and
the kind of norm is read off the tensors, so that the file can be converted before or after its LLaMA; whether they
belong together is compared then. Query and key rows are permuted as the base's are (see `llama`): their biases and
the outer half of their LoRA. ImageBind-LLM, arXiv 2309.03905.
"""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor

from pointllm.errors import WeightsError
from pointllm.llm.adapters import LINEARS, AdapterConfig
from pointllm.llm.bind_network import BindNetworkConfig
from pointllm.weights.convert.llama import LAYER, permute_rotary
from pointllm.weights.convert.plan import Part, Planned, count, stored_dtype, take
from pointllm.weights.convert.tables import Table
from pointllm.weights.profile_parts import place_of

GENERATION = {"temperature": 0.1, "top_p": 0.75}  # the defaults of the original's `generate`
BIND = "injection.bind_network."


def plan_adapter(table: Table, dtype: torch.dtype | None = None) -> Part:
    """The adapters' part of `llm/`. WeightsError names the first key that is missing, surplus or misshapen."""
    plan = _Plan(table, dtype)
    config = plan.config()
    plan.bind_network(config.bind)
    plan.injection()
    plan.layers(config)
    base = {f"llama.{name}.weight" for name in ("tok_embeddings", "output")}
    base |= {f"llama.layers.{layer}.{name}.weight" for layer in range(plan.depth) for name in LAYER}
    others = {key for key in table if key.startswith("image_bind.")}  # whole models saved along with the adapters
    if surplus := sorted(table.keys() - plan.used - base - others):
        raise WeightsError(f"{table.file.name}: {surplus[0]} is unknown; expected {table.expected}")
    values = {
        "adapters": asdict(config), "cache": [], "generation": GENERATION, "normalise_mixture": False,
        "prompt": "alpaca", "language_model": "base",
    }
    return Part(place_of("llm/adapters"), (table.file,), plan.tensors, values, facts=plan.facts(config), sharded=False)


class _Plan:
    """Collects the tensors of one file and remembers which keys went in."""

    def __init__(self, table: Table, dtype: torch.dtype | None):
        self.table, self.dtype = table, dtype
        self.tensors: list[Planned] = []
        self.used: set[str] = set()
        self.depth = count(table, "llama.layers.")
        if not self.depth:
            raise WeightsError(f"{table.file.name}: llama.layers.0 is missing; expected {table.expected}")
        self.prefixes, self.width = table.need("prefix_query.weight", 2)
        gate = table.need(f"llama.layers.{self.depth - 1}.attention.gate")
        self.heads = torch.Size(gate).numel()
        if self.prefixes > self.depth or self.width % self.heads or self.width // self.heads % 2:
            raise WeightsError(f"{table.file.name}: {self.prefixes} prefixes of {self.width} for {self.depth} layers "
                               f"of {self.heads} heads don't fit together; expected {table.expected}")

    def add(self, key: str, name: str, shape: tuple[int, ...], turn: int | None = None) -> None:
        """A tensor of this shape; `turn`: the number of heads by which its rows are permuted."""
        found = self.table.need(key)
        if found != shape:
            raise WeightsError(f"{self.table.file.name}: {key} has shape {found}, the others ask for {shape}; expected "
                               f"{self.table.expected}")
        planned = take(self.table, key, name, self.dtype)
        if turn:
            planned = Planned(name, shape, planned.dtype, lambda: permute_rotary(self.table.read(key), turn),
                              planned.origin)
        self.used.add(key)
        self.tensors.append(planned)

    def config(self) -> AdapterConfig:
        """Our config, from what is there and how large it is."""
        table, first = self.table, "llama.layers.0."
        layer_norm = "image_bind_norm_1.bias" in table
        blocks = sum(key.startswith("image_bind_f1_") and key.endswith(".weight") for key in table)
        bind = BindNetworkConfig(
            joint_dim=table.need("image_bind_proj.weight", 2)[1], model_dim=self.width,
            hidden_dim=table.need("image_bind_f1_1.weight", 2)[0], blocks=blocks,
            norm="layer" if layer_norm else "rms", norm_eps=1e-5 if layer_norm else 1e-6,
            linear_bias="image_bind_f1_1.bias" in table,
        )
        lora = f"{first}attention.lora_wq_l1.weight"
        rank = table.need(lora, 2)[0] if lora in table else 0
        biased = tuple(ours.split(".")[1] for theirs, (ours, _) in LAYER.items() if f"{first}{theirs}.bias" in table)
        return AdapterConfig(bind, positions="all", lora_rank=rank, lora_alpha=float(rank), lora_targets=LINEARS,
                             biased=biased, norms=f"{first}attention_norm.weight" in table)

    def bind_network(self, bind: BindNetworkConfig) -> None:
        """From the joint space to the language model's width."""
        width, hidden = self.width, bind.hidden_dim
        self.add("image_bind_proj.weight", f"{BIND}project.weight", (width, bind.joint_dim))
        self.add("image_bind_proj.bias", f"{BIND}project.bias", (width,))
        linears = {"w1": (hidden, width), "w2": (width, hidden), "w3": (hidden, width)}
        for block in range(bind.blocks):
            ours, number = f"{BIND}blocks.{block}.", block + 1
            self.add(f"image_bind_norm_{number}.weight", f"{ours}norm.weight", (width,))
            if bind.norm == "layer":
                self.add(f"image_bind_norm_{number}.bias", f"{ours}norm.bias", (width,))
            for name, shape in linears.items():
                theirs = f"image_bind_f{name[1]}_{number}"
                self.add(f"{theirs}.weight", f"{ours}{name}.weight", shape)
                if bind.linear_bias:
                    self.add(f"{theirs}.bias", f"{ours}{name}.bias", shape[:1])

    def injection(self) -> None:
        """Prefixes and gates of all layers in one tensor each.

        Where there are fewer prefixes than layers, the last layers have them; a gate of 0 keeps the others out.
        """
        table, before = self.table, self.depth - self.prefixes
        gates = [f"llama.layers.{layer}.attention.gate" for layer in range(self.depth)]
        for key in gates[before:]:
            if torch.Size(table.need(key)).numel() != self.heads:
                raise WeightsError(f"{table.file.name}: {key} has shape {table[key].shape}, {self.heads} heads are "
                                   f"needed; expected {table.expected}")

        def read_prefix() -> Tensor:
            prefix = table.read("prefix_query.weight")
            return torch.cat([prefix.new_zeros(before, self.width), prefix])

        def read_gates() -> Tensor:
            rows = [table.read(key).flatten() for key in gates[before:]]
            return torch.cat([rows[0].new_zeros(before, self.heads), torch.stack(rows)])

        for name, key, columns, read in (("prefix_query", "prefix_query.weight", self.width, read_prefix),
                                         ("gates", gates[-1], self.heads, read_gates)):
            self.tensors.append(Planned(f"injection.{name}", (self.depth, columns),
                                        stored_dtype(table, key, self.dtype), read, f"{table.file.name}: {key}"))
        self.used |= {"prefix_query.weight", *(key for key in gates if key in table)}

    def layers(self, config: AdapterConfig) -> None:
        """LoRA, biases and norms of every layer."""
        if config.norms:
            self.add("llama.norm.weight", "llama.model.norm.weight", (self.width,))
        rank, rows = config.lora_rank, self._rows()
        for layer in range(self.depth):
            for theirs, (ours, _) in LAYER.items():
                source, target = f"llama.layers.{layer}.{theirs}", f"llama.model.layers.{layer}.{ours}"
                leaf = ours.split(".")[-1]
                if leaf in LINEARS:
                    inside, outside, turn = rows[leaf]
                if leaf in LINEARS and rank:
                    block, _, linear = theirs.partition(".")
                    stem = f"llama.layers.{layer}.{block}.lora_{linear}"
                    self.add(f"{stem}_l1.weight", f"{target}.lora_A.weight", (rank, inside))
                    self.add(f"{stem}_l2.weight", f"{target}.lora_B.weight", (outside, rank), turn)
                if leaf in config.biased:
                    self.add(f"{source}.bias", f"{target}.bias", (outside,), turn)
                if leaf.endswith("layernorm") and config.norms:
                    self.add(f"{source}.weight", f"{target}.weight", (self.width,))

    def _rows(self) -> dict[str, tuple[int, int, int | None]]:
        """Each linear layer of the base: columns, rows, and the heads by which rows are permuted."""
        width, keys, hidden = self.width, self._output("attention", "wk", self.width), self._output(
            "feed_forward", "w1", 0)
        head = width // self.heads
        if keys % head:
            raise WeightsError(f"{self.table.file.name}: keys of {keys} rows and heads of {head} don't fit together; "
                               f"expected {self.table.expected}")
        return {"q_proj": (width, width, self.heads), "k_proj": (width, keys, keys // head),
                "v_proj": (width, keys, None), "o_proj": (width, width, None), "gate_proj": (width, hidden, None),
                "up_proj": (width, hidden, None), "down_proj": (hidden, width, None)}

    def _output(self, block: str, linear: str, otherwise: int) -> int:
        """The rows of one of the base's linear layers, as its LoRA or its bias shows them."""
        for key in (f"llama.layers.0.{block}.lora_{linear}_l2.weight", f"llama.layers.0.{block}.{linear}.bias"):
            if key in self.table:
                return self.table.need(key)[0]
        return otherwise

    def facts(self, config: AdapterConfig) -> dict:
        """What the base and the towers must agree with."""
        facts = {"dim": config.bind.joint_dim, "width": self.width, "layers": self.depth, "heads": self.heads}
        rows = self._rows()
        if config.lora_rank or "k_proj" in config.biased:
            facts["key_rows"] = rows["k_proj"][1]
        if rows["gate_proj"][1]:
            facts["feed_forward"] = rows["gate_proj"][1]
        return facts
