"""The joint space of the published models: ImageBind's towers and a Point-Bind branch, loaded from a converted profile.

`space` has the same methods as `pointllm.encoders.compact.space`, `point_tower` prepares shapes as the published
encoders expect them. The networks themselves are `pointllm.encoders.imagebind` and `pointllm.encoders.point_head`.
"""
