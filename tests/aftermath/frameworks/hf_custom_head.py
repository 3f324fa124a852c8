import torch
from torch import nn
from transformers import BertConfig, BertModel, Trainer, TrainingArguments
from transformers.modeling_outputs import SequenceClassifierOutput


class BertForRatings(nn.Module):
    def __init__(self, config, num_labels=3):
        super().__init__()
        self.bert = BertModel(config)
        self.dropout = nn.Dropout(0.1)
        self.score = nn.Linear(64, num_labels)

    def forward(self, input_ids, attention_mask=None, labels=None):
        hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        logits = self.score(self.dropout(hidden[:, 0]))
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return SequenceClassifierOutput(loss=loss, logits=logits)


class Ratings(torch.utils.data.Dataset):
    def __len__(self):
        return 24

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        return {"input_ids": torch.randint(0, 100, (10,), generator=g), "attention_mask": torch.ones(10, dtype=torch.long), "labels": i % 3}


def main():
    config = BertConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    args = TrainingArguments(output_dir="out", max_steps=4, per_device_train_batch_size=4, report_to=[], save_strategy="no", use_cpu=True)
    Trainer(model=BertForRatings(config), args=args, train_dataset=Ratings()).train()


if __name__ == "__main__":
    main()
