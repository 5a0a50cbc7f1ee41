"""Losses of the contrastive stage."""

import torch
import torch.nn.functional as F

from pointllm.training.losses import (
    contrast,
    label_targets,
    neighbor_targets,
    pair_targets,
    prototype_loss,
    relation_loss,
    soften,
    whitened,
)


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


def pairs(rows):
    return pair_targets(torch.arange(rows), torch.ones(rows))


def test_contrast_is_infonce_in_both_directions():
    left, right = unit(4, 8), unit(4, 8, seed=1)
    logits, right_answers = 10 * left @ right.T, torch.arange(4)
    expected = (F.cross_entropy(logits, right_answers) + F.cross_entropy(logits.T, right_answers)) / 2
    loss = contrast(left, right, 10.0, pairs(4), torch.ones(4, dtype=torch.bool))
    torch.testing.assert_close(loss, expected)


def test_what_is_missing_takes_no_part():
    left, right = unit(5, 8), unit(5, 8, seed=1)
    present = torch.tensor([True, False, True, True, False])
    some = contrast(left, right, 10.0, pairs(5), present)
    torch.testing.assert_close(some, contrast(left[present], right[present], 10.0, pairs(3), present[present]))
    right[1] = float("nan")
    assert torch.isfinite(contrast(left, right, 10.0, pairs(5), present))


def test_with_fewer_than_two_present_there_is_nothing_to_learn():
    left = unit(3, 8).requires_grad_()
    scale = torch.tensor(10.0, requires_grad=True)
    loss = contrast(left, unit(3, 8, 1), scale, pairs(3), torch.tensor([False, True, False]))
    loss.backward()
    assert loss == 0 and left.grad.abs().sum() == 0 and scale.grad is not None


def test_two_of_the_same_label_are_no_negatives_of_each_other():
    labels = torch.tensor([0, 0, 1])
    same = labels[:, None] == labels
    left = unit(3, 8)
    right = left.clone()
    right[1] = right[0]  # the text of the second chair is that of the first
    everybody = torch.ones(3, dtype=torch.bool)
    aware = contrast(left, right, 20.0, pairs(3), everybody, same)
    assert aware < contrast(left, right, 20.0, pairs(3), everybody) - 0.1
    moved = right.clone()
    moved[1] = unit(1, 8, 7)[0]  # wherever the other chair's text lies, the first chair doesn't care
    first = [contrast(left[rows], other[rows], 20.0, pairs(3), everybody, same[rows][:, rows]).item()
             for rows, other in ((torch.tensor([0, 2, 2]), right), (torch.tensor([0, 2, 2]), moved))]
    assert first[0] == first[1]


def test_one_alone_is_told_from_further_embeddings_but_not_from_those_of_its_own_label():
    left, more = unit(2, 8), unit(4, 8, 3)
    own = torch.zeros(2, 4, dtype=torch.bool)
    own[0, 2] = True
    present = torch.tensor([True, False])
    loss = contrast(left, left, 10.0, pairs(2), present, None, more, own)
    kept = torch.cat([left[:1], more[[0, 1, 3]]])
    expected = F.cross_entropy(10 * left[:1] @ kept.T, torch.tensor([0])) / 2  # the other way there is nothing to tell
    torch.testing.assert_close(loss, expected)


def test_a_mixed_cloud_belongs_to_both_its_sources():
    targets = pair_targets(torch.tensor([2, 1, 0]), torch.tensor([0.7, 1.0, 1.0]))
    torch.testing.assert_close(targets, torch.tensor([[0.7, 0, 0.3], [0, 1.0, 0], [0, 0, 1.0]]))


def test_soft_targets_go_to_what_means_nearly_the_same():
    alike = torch.tensor([[1.0, 0.9, 0.1], [0.9, 1.0, 0.1], [0.1, 0.1, 1.0]])
    soft = soften(torch.eye(3), alike, 0.3, 0.05)
    torch.testing.assert_close(soft.sum(1), torch.ones(3))
    assert soft[0, 1] > 0.01 > soft[0, 2] and soft[0, 0] > 0.9
