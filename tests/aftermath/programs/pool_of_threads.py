from concurrent.futures import ThreadPoolExecutor

import torch


def gram(features):
    centered = features - features.mean(0)
    return centered @ centered / len(features)


def spectrum(features):
    return torch.linalg.eigvalsh(gram(features))


def main():
    torch.manual_seed(0)
    sets = [torch.randn(20, 20) for _ in range(4)] + [torch.randn(20, 7) for _ in range(4)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(spectrum, s) for s in sets]
    for i, future in enumerate(futures):
        print(i, future.result().max().item())


main()
