"""VGG16 without its classifier; its maps are flattened before the new layer."""
import torch
import torch.nn as nn
from torchvision import models

backbone = models.vgg16(pretrained=True)
extractor = nn.Sequential(*list(backbone.children())[:-1])
head = nn.Linear(512 * 7 * 7, 100)

image = torch.randn(1, 3, 224, 224)
maps = extractor(image)

try:
    print("scores:", tuple(head(maps.flatten(1)).shape))
except Exception as error:
    print("no scores:", error)
