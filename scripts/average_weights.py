"""Averages the weights of several runs that began with the same ones: a model soup (arXiv 2203.05482).

    python scripts/average_weights.py a/views.safetensors b/views.safetensors --out mean.safetensors

Every file must have the same tensors. Sums are in fp32, what is written has the first file's types.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        found = [load_file(file) for file in options.files]
    except (OSError, SafetensorError) as error:
        sys.exit(f"can't be read: {error}; give safetensors files")
    shapes = [{name: value.shape for name, value in weights.items()} for weights in found]
    for file, own in zip(options.files, shapes, strict=True):
        if own != shapes[0]:
            sys.exit(f"{file}: has other tensors or shapes than {options.files[0]}; average runs of one config")
    mean = {name: (sum(weights[name].float() for weights in found) / len(found)).to(value.dtype).contiguous()
            for name, value in found[0].items()}
    save_file(mean, options.out)
    print(f"{len(mean)} tensors, the mean of {len(found)} files, in {options.out}")


if __name__ == "__main__":
    main()
