"""The visual cache pulls towards neighbours by the published formula."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from pointllm.errors import InputError, WeightsError
from pointllm.llm.visual_cache import CacheOptions, FaissIndex, Keys, TensorIndex, VisualCache


def unit(*shape, seed=0):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_it_is_the_formula_written_out():
    stored, query = unit(20, 8), unit(1, 8, seed=1)
    got = VisualCache([Keys(TensorIndex(stored), k=3, weight=0.4, temperature=10)])(query)
    sims = [float(query[0] @ key) for key in stored]
    nearest = sorted(range(20), key=lambda i: -sims[i])[:3]
    shares = torch.softmax(10 * torch.tensor([sims[i] for i in nearest]), dim=0)
    pull = F.normalize(sum(s * stored[i] for s, i in zip(shares, nearest, strict=True)), dim=0)
    torch.testing.assert_close(got[0], F.normalize(0.6 * query[0] + 0.4 * pull, dim=0))


def test_faiss_and_tensor_find_the_same(tmp_path):
    faiss = pytest.importorskip("faiss")
    stored, queries = unit(30, 8), unit(4, 8, seed=1)
    index = faiss.IndexFlatIP(8)
    index.add(stored.numpy())
    faiss.write_index(index, str(tmp_path / "knn.index"))
    for got, wanted in zip(FaissIndex(tmp_path / "knn.index").search(queries, 5),
                           TensorIndex(stored).search(queries, 5), strict=True):
        torch.testing.assert_close(got, wanted)


def test_options_take_the_place_of_a_profiles_settings_and_leave_the_rest():
    stored, query = TensorIndex(unit(20, 8)), unit(1, 8, seed=1)
    cache = VisualCache([Keys(stored, k=3, weight=0.4, temperature=10)])
    torch.testing.assert_close(cache(query, CacheOptions()), cache(query))
    torch.testing.assert_close(cache(query, CacheOptions(weight=0)), query)
    changed = VisualCache([Keys(stored, k=7, weight=0.4, temperature=50)])(query)
    torch.testing.assert_close(cache(query, CacheOptions(k=7, temperature=50)), changed)


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 1.5}, {"weight": 1.5}, {"weight": float("nan")},
                                     {"temperature": 0}, {"temperature": float("inf")}])
def test_options_without_sense_are_refused(options):
    with pytest.raises(InputError, match="visual cache"):
        CacheOptions(**options)


def test_kinds_of_keys_apply_one_after_the_other():
    query = unit(2, 8, seed=2)
    first, second = (Keys(TensorIndex(unit(9, 8, seed=s)), 2, 0.5, 20) for s in (3, 4))
    both = VisualCache([first, second])(query)
    torch.testing.assert_close(both, VisualCache([second])(VisualCache([first])(query)))
    torch.testing.assert_close(both.norm(dim=-1), torch.ones(2))


def test_no_kinds_leave_the_embedding_alone():
    query = unit(2, 8)
    torch.testing.assert_close(VisualCache([])(query), query)


def test_fewer_keys_than_neighbours_are_all_used():
    query = unit(1, 8)
    assert VisualCache([Keys(TensorIndex(unit(2, 8, seed=1)), 5, 0.5, 20)])(query).shape == (1, 8)


def test_a_missing_or_broken_file_is_named(tmp_path):
    rows = [{"file": "visual_cache.safetensors", "tensor": "labels", "k": 3, "weight": 0.5, "temperature": 20}]
    with pytest.raises(WeightsError, match=r"visual_cache\.safetensors"):
        VisualCache.from_config(tmp_path, rows)
    (tmp_path / "visual_cache.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match=r"visual_cache\.safetensors"):
        VisualCache.from_config(tmp_path, rows)


def own_memory() -> int:
    """Bytes that are this process's alone."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux to tell own from mapped memory")
def test_a_large_index_is_mapped_rather_than_read(tmp_path):
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexFlatIP(512)
    index.add(unit(40_000, 512).numpy())
    faiss.write_index(index, str(tmp_path / "knn.index"))
    del index
    before = own_memory()
    found = FaissIndex(tmp_path / "knn.index")
    sims, _ = found.search(unit(1, 512), 3)
    assert float(sims[0, 0]) == pytest.approx(1, abs=1e-5)
    assert own_memory() - before < 40e6  # of 82 MB


def test_other_kinds_of_index_and_broken_ones(tmp_path):
    faiss = pytest.importorskip("faiss")
    stored, path = unit(400, 16), tmp_path / "knn.index"
    index = faiss.index_factory(16, "IVF4,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(stored.numpy())
    index.add(stored.numpy())
    index.make_direct_map()
    faiss.write_index(index, str(path))
    assert FaissIndex(path).search(stored[:2], 2)[1].shape == (2, 2, 16)
    flat = faiss.IndexFlatIP(16)
    flat.add(stored.numpy())
    faiss.write_index(flat, str(path))
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:20], b"", b"no index at all"):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="knn.index: not a faiss index"):
            FaissIndex(path)
