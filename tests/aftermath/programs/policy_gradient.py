import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(5)


class Corridor:
    """Walk right to the end; after 50 steps the time is up."""

    def __init__(self, length=6):
        self.length = length

    def reset(self):
        self.place, self.time = 0, 0
        return self.observe()

    def observe(self):
        return torch.nn.functional.one_hot(torch.tensor(self.place), self.length + 1).float()

    def step(self, action):
        self.place = max(0, self.place + (1 if action else -1))
        self.time += 1
        return self.observe(), float(self.place == self.length), self.place == self.length, self.time >= 50


def discounted(rewards, gamma=0.95):
    out, total = [], 0.0
    for r in reversed(rewards):
        total = r + gamma * total
        out.append(total)
    return torch.tensor(out[::-1])


policy = nn.Sequential(nn.Linear(7, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
env = Corridor()
for episode in range(60):
    state, log_probs, rewards = env.reset(), [], []
    while True:
        dist = Categorical(logits=policy(state))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        state, reward, done, timeout = env.step(action.item())
        if timeout and not done:
            break
        rewards.append(reward)
        if done:
            break
    returns = discounted(rewards)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(episode, len(log_probs), sum(rewards))
