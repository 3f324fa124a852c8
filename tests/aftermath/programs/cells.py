# %% [markdown]
# # Decoder, exported from a notebook

# %%
import torch
import torch.nn as nn
import torch.nn.functional as F

device = "cuda" if torch.cuda.is_available() else "cpu"

# %%
class Decoder(nn.Module):
    def __init__(self, latent=12):
        super().__init__()
        self.fc = nn.Linear(latent, 16 * 7 * 7)
        self.deconv1 = nn.ConvTranspose2d(32, 8, 4, stride=2, padding=1)
        self.deconv2 = nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1)

    def forward(self, z):
        x = self.fc(z).view(-1, 16, 7, 7)
        x = F.relu(self.deconv1(x))
        return torch.sigmoid(self.deconv2(x))

# %%
codes = torch.randn(64, 12).to(device)
images = torch.rand(64, 1, 28, 28).to(device)

# %%
decoder = Decoder().to(device)
optimizer = torch.optim.Adam(decoder.parameters())

# %%
history = []
for i in range(0, 64, 16):
    out = decoder(codes[i : i + 16])
    loss = F.binary_cross_entropy(out, images[i : i + 16])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())

# %%
history
