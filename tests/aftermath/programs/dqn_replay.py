import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F

Transition = namedtuple("Transition", "state action reward next_state done")


class CartLike:
    """A pole that falls by itself."""

    def reset(self):
        self.t = 0
        self.state = torch.randn(4) * 0.05
        return self.state

    def step(self, action):
        self.t += 1
        self.state = self.state + torch.randn(4) * 0.1 + (0.05 if action else -0.05)
        return self.state, 1.0, self.t >= 20


class ReplayBuffer:
    def __init__(self, capacity):
        self.memory = deque(maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, n):
        batch = Transition(*zip(*random.sample(self.memory, n)))
        states = torch.cat(batch.state)
        next_states = torch.cat(batch.next_state)
        return states, torch.tensor(batch.action), torch.tensor(batch.reward), next_states, torch.tensor(batch.done)

    def __len__(self):
        return len(self.memory)


def optimize(policy, target, buffer, optimizer, batch_size=32, gamma=0.99):
    if len(buffer) < batch_size:
        return
    s, a, r, s2, done = buffer.sample(batch_size)
    q = policy(s).gather(1, a.unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        best = target(s2).max(1).values
    loss = F.smooth_l1_loss(q, r + gamma * best * (~done))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


random.seed(0)
torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
target = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
target.load_state_dict(policy.state_dict())
optimizer = torch.optim.RMSprop(policy.parameters())
env, buffer = CartLike(), ReplayBuffer(1000)
for episode in range(8):
    state, done = env.reset(), False
    while not done:
        with torch.no_grad():
            action = random.randrange(2) if random.random() < 0.3 else int(policy(state.unsqueeze(0)).argmax(1))
        next_state, reward, done = env.step(action)
        buffer.push(state, action, reward, next_state, done)
        state = next_state
        optimize(policy, target, buffer, optimizer)
    print("episode", episode, "steps", env.t)
