"""Transfer of features: a small VGG learns the digits 0-4, its features are frozen, and a new head learns 5-9 on them."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_digits():
    """500 random images in the size, range and labels of the handwritten digits."""
    return torch.rand(500, 1, 8, 8), torch.randint(0, 10, (500,))


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


def train(model, parameters, images, labels, epochs):
    loader = DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(parameters, lr=2e-3)
    compare = nn.CrossEntropyLoss()
    model.train()
    for epoch in range(1, epochs + 1):
        for batch, target in loader:
            loss = compare(model(batch), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"  epoch {epoch}: loss {loss.item():.3f}")


def main(epochs=2):
    torch.manual_seed(0)
    images, labels = load_digits()
    images = images.repeat(1, 3, 1, 1)  # VGG wants three channels
    low, high = labels < 5, labels >= 5

    print("all layers on the digits 0-4")
    backbone = SmallVGG(classes=5)
    train(backbone, backbone.parameters(), images[low], labels[low], epochs)

    print("a new head on the digits 5-9")
    extractor = nn.Sequential(*list(backbone.children())[:-1])
    for parameter in extractor.parameters():
        parameter.requires_grad_(False)
    head = nn.Linear(32 * 2 * 2, 5)
    model = nn.Sequential(extractor, nn.Flatten(), head)
    train(model, head.parameters(), images[high], labels[high] - 5, epochs)
    return model


if __name__ == "__main__":
    main()
