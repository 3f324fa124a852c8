import pickle

import torch


def write_shards(folder, n=5):
    g = torch.Generator().manual_seed(0)
    for i in range(n):
        columns = 15 if i == 3 else 14
        shard = {"x": torch.randn(60, columns, generator=g), "y": torch.randint(0, 2, (60,), generator=g)}
        torch.save(shard, folder / f"shard_{i}.pt")
    with (folder / "meta.pkl").open("wb") as f:
        pickle.dump({"columns": 14, "shards": n}, f)
