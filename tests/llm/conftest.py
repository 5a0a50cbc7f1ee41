"""Embeddings for the small models of `tiny_models`."""

import pytest
import torch


@pytest.fixture
def embeddings():
    return torch.nn.functional.normalize(torch.randn(2, 16, generator=torch.Generator().manual_seed(3)), dim=-1)
