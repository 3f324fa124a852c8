import torch
import torch.nn as nn
import torch.optim as optim

batch_size = 64
images = torch.rand(1000, 28, 28)
labels = torch.randint(0, 10, (1000,))
train_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=batch_size)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(28 * 28, 100)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(100, 10)

    def forward(self, x):
        x = x.view(batch_size, -1)
        out = self.relu(self.fc1(x))
        return self.fc2(out)


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

for epoch in range(2):
    running_loss = 0.0
    for i, data in enumerate(train_loader, 0):
        inputs, targets = data
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if i % 5 == 4:
            print("[%d, %5d] loss: %.3f" % (epoch + 1, i + 1, running_loss / 5))
            running_loss = 0.0
print("Finished Training")
