"""Any-to-3D generation: embeddings of the joint space → coloured, closed meshes, after CLIP-Forge (arXiv 2110.02624).

    generator = ShapeGenerator.from_pretrained("embedded")
    shape, = generator.generate(bind.embed_text(["a chair"])[0], seed=1, best_of=4)
    shape.write("chair.glb")

`generator` is what users call, `networks` the model, `grids` and `surface` what its output means and how it becomes a
mesh, `shape` the result. Training is `pointllm.training.generator`.
"""

from .generator import ShapeGenerator, has_generator
from .shape import FORMATS, Shape, check_format

__all__ = ["FORMATS", "Shape", "ShapeGenerator", "check_format", "has_generator"]
