import argparse

import lightning as L
from model import LitRegressor, RandomData

parser = argparse.ArgumentParser()
parser.add_argument("--max-epochs", type=int, default=5)
args = parser.parse_args()

if __name__ == "__main__":
    trainer = L.Trainer(max_epochs=args.max_epochs, limit_train_batches=4, accelerator="cpu", enable_progress_bar=False, log_every_n_steps=1)
    trainer.fit(LitRegressor(widths=(8, 12, 16)), datamodule=RandomData())
