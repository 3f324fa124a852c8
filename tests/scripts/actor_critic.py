"""Advantage actor-critic on a cart that must be kept near the middle; one file, own environment."""
import argparse
import math
from collections import namedtuple
from itertools import count

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

parser = argparse.ArgumentParser(description='actor-critic')
parser.add_argument('--gamma', type=float, default=0.99, metavar='G')
parser.add_argument('--seed', type=int, default=543, metavar='N')
parser.add_argument('--episodes', type=int, default=1000)
parser.add_argument('--log-interval', type=int, default=10, metavar='N')
args = parser.parse_args()

np.random.seed(args.seed)
torch.manual_seed(args.seed)
eps = np.finfo(np.float32).eps.item()
Saved = namedtuple('Saved', ['log_prob', 'value', 'entropy'])


class Cart(object):
    """Wind pushes the cart about; two motors push it back. The reward is 1 while it stays in bounds."""

    def reset(self):
        self.s = np.random.uniform(-0.1, 0.1, size=4)
        self.t = 0
        return self.s.astype(np.float32)

    def step(self, action):
        x, v, wind, phase = self.s
        force = (1.0 if action == 1 else -1.0) + wind
        v = v + 0.1 * force
        x = x + 0.1 * v
        phase = phase + 0.2
        self.s = np.array([x, v, 0.8 * math.sin(phase), phase % (2 * math.pi)])
        self.t += 1
        return self.s.astype(np.float32), 1.0, abs(x) > 1.5 or self.t >= 40


class Policy(nn.Module):
    """Actor and critic in one model, with a common first layer."""

    def __init__(self):
        super(Policy, self).__init__()
        self.affine = nn.Linear(4, 128)
        self.action_head = nn.Linear(128, 2)
        self.value_head = nn.Linear(128, 1)
        self.saved = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = Policy()
optimizer = optim.Adam(model.parameters(), lr=3e-3)


def select_action(state):
    state = torch.from_numpy(state).float().unsqueeze(0)
    probs, value = model(state)
    m = Categorical(probs)
    action = m.sample()
    model.saved.append(Saved(m.log_prob(action), value, m.entropy()))
    return action.item()


def finish_episode():
    R, returns = 0, []
    for r in reversed(model.rewards):
        R = r + args.gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)

    log_probs = torch.cat([s.log_prob for s in model.saved])
    values = torch.cat([s.value for s in model.saved]).squeeze(1)
    entropy = torch.stack([s.entropy for s in model.saved]).mean()
    advantage = returns - values.detach()
    policy_loss = -(log_probs * advantage).mean()
    value_loss = F.smooth_l1_loss(values, returns)
    loss = policy_loss + 0.5 * value_loss - 0.01 * entropy

    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved[:]
    return loss.item()


def main():
    env = Cart()
    running_reward = 5
    for i_episode in range(1, args.episodes + 1):
        state = env.reset()
        ep_reward = 0
        for t in count(1):
            action = select_action(state)
            state, reward, done = env.step(action)
            model.rewards.append(reward)
            ep_reward += reward
            if done:
                break
        running_reward = 0.05 * ep_reward + 0.95 * running_reward
        loss = finish_episode()
        if i_episode % args.log_interval == 0:
            print('Episode {}\tLast reward: {:.2f}\tAverage reward: {:.2f}\tLoss: {:.3f}'.format(
                i_episode, ep_reward, running_reward, loss))
        if running_reward > 38:
            print('Solved! Running reward is now {}'.format(running_reward))
            torch.save(model.state_dict(), 'actor_critic.pt')
            break


if __name__ == '__main__':
    main()
