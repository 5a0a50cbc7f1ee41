"""Point-BERT: published names, and the feature's two halves."""

import torch

from pointllm.encoders.point_head import PointBranch
from pointllm.encoders.registry import build_encoder

SMALL = {"groups": 16, "group_size": 8, "dim": 12, "depth": 2, "heads": 2, "point_widths": [8, 16, 24],
         "token_dim": 10, "position_hidden": 8}  # fmt: skip


def clouds():
    return torch.randn(2, 64, 3, generator=torch.Generator().manual_seed(0))


def test_the_default_layout_is_the_published_one():
    state = build_encoder("point_bert").state_dict()
    assert state["blocks.blocks.11.mlp.fc1.weight"].shape == (1536, 384)
    assert state["encoder.second_conv.3.weight"].shape == (256, 512, 1)
    assert state["pos_embed.0.weight"].shape == (128, 3)
    assert state["cls_token"].shape == state["cls_pos"].shape == (1, 1, 384)


@torch.no_grad()
def test_the_order_of_points_does_not_matter_but_for_the_start():
    model, points = build_encoder("point_bert", SMALL).eval(), clouds()
    shuffled = torch.cat([points[:, :1], points[:, 1:][:, torch.randperm(63)]], 1)
    assert model(points).shape == (2, 24)
    torch.testing.assert_close(model(shuffled), model(points), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_branch_gives_unit_embeddings_and_reads_its_own_published_layout():
    branch = PointBranch(build_encoder("point_bert", SMALL), projection_dim=20, joint_dim=6).eval()
    embedding = branch(clouds())
    torch.testing.assert_close(embedding.norm(dim=-1), torch.ones(2))
    published = {
        key.replace("modality_head.", "modality_heads.point.").replace(
            "modality_postprocessor.", "modality_postprocessors.point."
        ): value
        for key, value in branch.state_dict().items()
        if key != "logit_scale"
    }
    published = {
        key if key.startswith("modality") else f"point_trunk.{key}": value for key, value in published.items()
    }
    published["modality_trunks.vision.blocks.0.weight"] = torch.zeros(1)  # other parts of the file are passed over
    again = PointBranch.from_published(published, "point_bert", SMALL)
    assert torch.equal(again(clouds()), embedding)
