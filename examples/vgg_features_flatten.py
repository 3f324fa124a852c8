"""VGG16 without its classifier: its maps are flattened before the new layer. It runs as it stands."""
import torch
import torch.nn as nn
from torchvision.models import VGG16_Weights, vgg16

backbone = vgg16(weights=VGG16_Weights.DEFAULT)
extractor = nn.Sequential(*list(backbone.children())[:-1])
head = nn.Linear(512 * 7 * 7, 100)

maps = extractor(torch.randn(1, 3, 224, 224))
vectors = maps.view(maps.size(0), -1)
print("scores:", tuple(head(vectors).shape))
