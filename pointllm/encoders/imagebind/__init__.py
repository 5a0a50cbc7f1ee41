"""ImageBind (Girdhar et al., arXiv 2305.05665): six modalities in one space, from the published weights.

`stems` turns each modality into tokens, `transformer` is the trunk that all share in form, `model` puts them
together, `tokenizer` and `preprocess` (with `resample`) make the tensors that go in. The point cloud branch that
Point-Bind adds is `pointllm.encoders.point_head`.
"""
