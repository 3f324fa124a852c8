import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        g = torch.Generator().manual_seed(index)
        image = torch.rand(3, 16, 16, generator=g)
        mask = (image.mean(0) > 0.5).float()
        return {"image": image, "mask": mask}


def conv_block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


class TinySeg(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = conv_block(3, 8)
        self.mid = conv_block(8, 8)
        self.head = nn.Conv2d(8, 1, kernel_size=1)

    def forward(self, x):
        return self.head(self.mid(self.enc(x)))


def main():
    loader = DataLoader(Cells(24), batch_size=4, shuffle=True)
    model = TinySeg()
    loss_fn = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(model.parameters())
    for epoch in range(1, 3):
        for i, sample in enumerate(loader, 1):
            image, mask = sample["image"], sample["mask"]
            pred = model(image)
            loss = loss_fn(pred, mask)
            opt.zero_grad()
            loss.backward()
            opt.step()
            print(f"epoch {epoch} [{i}/{len(loader)}] {loss.item():.4f}")


if __name__ == "__main__":
    main()
