"""From the published files to a profile's folder: safetensors with a config, sizes read off the tensors.

    tables      opens .pth, .pt, .bin and .safetensors; gives one tensor at a time, executes nothing
    recognise   what a file or folder is, by its keys
    imagebind, point, llama, adapter, visual_cache
                each plans one part of a profile: which tensor goes where, under which name and shape
    plan        what a part is, and the checks of its shapes
    stream      writes safetensors tensor by tensor and reads it back
    part_folder the unfinished folder, its journal, and the step that makes a part appear
    profile     whether the parts of a profile belong together, and the configs made from several parts
    run         puts these together for `pointllm weights convert`

Fetching is `pointllm.weights`' matter, loading a converted profile that of `pointllm.bind` and `pointllm.llm`.
"""

from .loading import load_meta_llama, load_published_adapter
from .run import Converted, convert, read_sizes

__all__ = ["Converted", "convert", "load_meta_llama", "load_published_adapter", "read_sizes"]
