import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Block(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.expand = nn.Linear(n_in, 4 * n_out)
        self.reduce = nn.Linear(4 * n_out, n_out)

    def forward(self, x):
        return self.reduce(self.expand(x).relu())


class Backbone(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.blocks = nn.ModuleList(Block(widths[0], w) for w in widths[1:])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class LitRegressor(L.LightningModule):
    def __init__(self, widths, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.backbone = Backbone(widths)
        self.head = nn.Linear(widths[-1], 1)

    def forward(self, x):
        return self.head(self.backbone(x))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.mse_loss(self(x), y)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)


class RandomData(L.LightningDataModule):
    def setup(self, stage):
        x = torch.randn(64, 8)
        self.train = TensorDataset(x, x.sum(1, keepdim=True))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=16, shuffle=True)
