"""Transfer of features: a small VGG learns the digits 0-4, its features are frozen, and a new head learns 5-9 on them."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def digit_images():
    """1797 handwritten digits in a random order: images from 0 to 1, and the digit that each one shows."""
    digits = load_digits()
    order = torch.randperm(len(digits.target))
    grey = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    return grey[order], torch.tensor(digits.target)[order]


def block(channels_in, channels_out):
    """Two 3x3 convolutions and a pooling that halves the image, as in VGG."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


class SmallVGG(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(block(3, 16), block(16, 32))
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(nn.Linear(32 * 2 * 2, 64), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(64, classes))

    def forward(self, images):
        maps = self.avgpool(self.features(images))
        return self.classifier(torch.flatten(maps, 1))


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


def train(model, parameters, images, labels, epochs):
    """Train on all but the last 150 images; give the accuracy on those before and after."""
    loader = DataLoader(TensorDataset(images[:-150], labels[:-150]), batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    compare = nn.CrossEntropyLoss()
    before = accuracy(model, images[-150:], labels[-150:])
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for batch, target in loader:
            loss = compare(model(batch), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"  epoch {epoch}: loss {total / len(loader):.3f}")
    return before, accuracy(model, images[-150:], labels[-150:])


def main(epochs=6):
    torch.manual_seed(0)
    images, labels = digit_images()
    low, high = labels < 5, labels >= 5

    backbone = SmallVGG(classes=5)
    before, after = train(backbone, backbone.parameters(), images[low], labels[low], epochs)
    print(f"all layers on the digits 0-4: accuracy {before:.2f} -> {after:.2f}")

    extractor = nn.Sequential(*list(backbone.children())[:-1])
    for parameter in extractor.parameters():
        parameter.requires_grad_(False)
    head = nn.Linear(32 * 2 * 2, 5)
    model = nn.Sequential(extractor, head)
    before, after = train(model, head.parameters(), images[high], labels[high] - 5, epochs)
    print(f"a new head on the digits 5-9: accuracy {before:.2f} -> {after:.2f}")


if __name__ == "__main__":
    main()
