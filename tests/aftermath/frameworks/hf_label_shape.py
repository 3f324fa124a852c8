import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


class Reviews(Dataset):
    """Three annotators have judged each review."""

    def __init__(self, n=32, length=12):
        g = torch.Generator().manual_seed(0)
        self.ids = torch.randint(5, 80, (n, length), generator=g)
        self.votes = torch.randint(0, 4, (n, 3), generator=g)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "labels": self.votes[i]}


config = BertConfig(
    vocab_size=80, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, num_labels=4, problem_type="single_label_classification"
)
model = BertForSequenceClassification(config)
args = TrainingArguments(output_dir="out", num_train_epochs=1, per_device_train_batch_size=4, report_to="none", use_cpu=True, logging_steps=2)
trainer = Trainer(model=model, args=args, train_dataset=Reviews())
trainer.train()
