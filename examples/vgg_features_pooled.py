"""VGG16 features of a 300x300 image, pooled to 7x7 so that every image size fits the new layer. It runs as it stands."""
import torch
import torch.nn as nn
import torchvision

backbone = torchvision.models.vgg16(weights="IMAGENET1K_V1")
extractor = nn.Sequential(*list(backbone.children())[:-1])
pool = nn.AdaptiveAvgPool2d((7, 7))
head = nn.Linear(512 * 7 * 7, 100)

maps = pool(extractor(torch.randn(1, 3, 300, 300)))
vectors = maps.view(maps.size(0), -1)
print("scores:", tuple(head(vectors).shape))
