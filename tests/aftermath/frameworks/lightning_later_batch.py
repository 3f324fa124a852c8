import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class LitClassifier(L.LightningModule):
    def __init__(self, classes=4, batch_size=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, classes))
        self.classes = classes
        self.noise = torch.full((batch_size, classes), 0.1 / classes)

    def training_step(self, batch, batch_idx):
        x, y = batch
        smooth = 0.9 * F.one_hot(y, self.classes) + self.noise
        return F.cross_entropy(self.net(x), smooth)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


if __name__ == "__main__":
    L.seed_everything(0)
    data = TensorDataset(torch.randn(40, 10), torch.randint(0, 4, (40,)))
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(LitClassifier(), DataLoader(data, batch_size=16))
