"""Losses of the contrastive stage."""

import torch
import torch.nn.functional as F

from pointllm.training.losses import label_targets, neighbor_targets, prototype_loss, relation_loss, whitened


def unit(rows, dim, seed=0):
    return F.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_targets_are_shared_between_both_labels_and_sum_to_one():
    targets = label_targets(torch.tensor([0, 2]), torch.tensor([1, 0]), torch.tensor([0.7, 1.0]), 4, 0.0)
    torch.testing.assert_close(targets, torch.tensor([[0.7, 0, 0.3, 0], [0, 0, 1.0, 0]]))
    smoothed = label_targets(torch.tensor([0]), torch.tensor([0]), torch.ones(1), 4, 0.2)
    torch.testing.assert_close(smoothed, torch.tensor([[0.85, 0.05, 0.05, 0.05]]))


def test_the_right_prototype_costs_less():
    prototypes = unit(5, 8)
    targets = F.one_hot(torch.tensor([3]), 5).float()
    right, wrong = (prototype_loss(prototypes[i : i + 1], prototypes, targets, 20.0) for i in (3, 1))
    assert right < wrong


def test_relation_is_least_where_student_and_teacher_agree():
    teacher = unit(6, 8)
    targets = neighbor_targets(teacher, torch.tensor([2]), 0.1)
    assert targets.argmax() == 2
    torch.testing.assert_close(targets.sum(), torch.tensor(1.0))
    losses = [relation_loss(teacher[i : i + 1], teacher, targets, 0.1) for i in range(6)]
    assert min(range(6), key=losses.__getitem__) == 2


def test_whitening_evens_out_the_spread():
    features = torch.randn(200, 10, generator=torch.Generator().manual_seed(0)) * torch.logspace(0, 2, 10)
    rows, mean, change = whitened(features, 4, power=1.0)
    torch.testing.assert_close(rows.norm(dim=-1), torch.ones(200))
    spread = ((features - mean) @ change).std(0)
    torch.testing.assert_close(spread, spread.mean().expand(4), rtol=0.01, atol=0)
