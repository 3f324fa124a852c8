"""Stand-ins: the headers of usual programs, run on a machine that has none of what they name."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from types import FunctionType, ModuleType

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from shapewright.observe import standins


class OnCpu(TorchFunctionMode):
    """What the recorder does with devices."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in standins.devices.MOVES or "device" in (kwargs or {}):
            args, kwargs = standins.devices.to_cpu(func, args, kwargs)
        return func(*args, **(kwargs or {}))


@contextmanager
def stood_in():
    assumed: list[str] = []
    with standins.installed(assumed.append), OnCpu():
        yield assumed


@pytest.fixture
def assumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with stood_in() as told:
        yield told


def run(source: str) -> dict:
    names: dict = {"__name__": "__main__"}
    exec(compile(textwrap.dedent(source), "script.py", "exec"), names)
    return names


def is_ours(value: object) -> bool:
    home = value.__globals__["__name__"] if isinstance(value, FunctionType) else getattr(type(value), "__module__", "")
    return "shapewright" in str(home)


def test_everything_is_put_back():
    with stood_in():
        import torchvision
    owners = [
        torch, torch.cuda, torch.mps, torch.xpu, torch.accelerator, torch.Tensor, torch.nn.Module, torch.hub, torch.distributed,
        torch.profiler,         torch.cuda.nvtx, torch.jit, torch.multiprocessing, torch.nn.parallel, torch.utils.data,
        torch.utils.data.DataLoader,
        torchvision.utils,         torchvision.datasets.utils, torchvision.datasets.folder, torchvision.datasets.voc,
        torchvision.models._api,
        torchvision.datasets.mnist,         torchvision._internally_replaced_utils, sys.modules["PIL.Image"],
        *(c for c in vars(torchvision.datasets).values() if isinstance(c, type)),
    ]  # fmt: skip
    before = [dict(vars(owner)) for owner in owners]
    path, modules, dtype = list(sys.meta_path), set(sys.modules), torch.get_default_dtype()
    with stood_in():
        changed = [o for o, old in zip(owners, before, strict=True) if dict(vars(o)) != old]
        run("""
            import matplotlib.pyplot, wandb, torch, torchvision
            from torch.utils.tensorboard import SummaryWriter
            torch.set_default_tensor_type(torch.cuda.DoubleTensor)
            torch.set_default_device("cuda")
            torchvision.datasets.ImageFolder("nowhere/at/all")
        """)
    assert len(changed) > 30
    for owner, old in zip(owners, before, strict=True):
        now = dict(vars(owner))
        assert {name for name in old.keys() | now.keys() if old.get(name, 0) is not now.get(name, 0)} <= {"__warningregistry__"}, owner
        # The first block above must have put everything back, too: nothing of ours is left.
        assert not [name for name, value in now.items() if is_ours(value)]
    assert sys.meta_path == path and torch.get_default_dtype() == dtype
    assert not {name for name in set(sys.modules) - modules if name.split(".")[0] in ("wandb", "matplotlib")}
    assert "torch.utils.tensorboard" not in sys.modules


def test_nothing_is_imported_early():
    code = """
        import sys
        from shapewright.observe import standins
        with standins.installed(print):
            pass
        print([n for n in ("torchvision", "PIL", "torch._dynamo", "matplotlib", "timm") if n in sys.modules])
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stderr


def test_torchvision_imports_in_a_fresh_process_and_its_models_run():
    code = """
        import sys, torch
        from shapewright.observe import standins
        told = []
        with standins.installed(told.append):
            import torchvision
            assert "torch._dynamo" not in sys.modules
            model = torchvision.models.resnet18(weights="DEFAULT").eval()
            print(tuple(model(torch.rand(2, 3, 64, 64)).shape), len(told))
        import torch._dynamo
        print(torch._dynamo.utils.is_compile_supported.__module__)
    """
    out = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert out.stdout.splitlines() == ["(2, 1000) 1", "torch._dynamo.utils"], out.stderr


# Devices


def test_tensors_and_modules_stay_on_the_cpu(assumed):
    names = run("""
        import torch, torch.nn as nn
        device = torch.device("cuda:1")
        made = [
            torch.zeros(2, device="cuda"), torch.randn(2, device=device), torch.ones(2).cuda(), torch.ones(2).to("cuda:0"),
            torch.ones(2).to(0),             torch.ones(2).to(device, torch.float64), torch.ones(2).to(device=device,
            non_blocking=True), torch.ones(2).pin_memory(),
            torch.zeros(2, pin_memory=True), torch.ones(2).cuda(0, non_blocking=True), torch.ones(2).new_zeros(2, device="cuda"),
            torch.ones(2).type("torch.cuda.FloatTensor"), torch.ones(2).type(torch.cuda.LongTensor), torch.cuda.FloatTensor(2).fill_(0),
            torch.as_tensor([1.0, 2], device=0), torch.tensor([1.0, 2], device="mps"), torch.ones(2).to("xpu"),
        ]
        with torch.device("cuda"):
            made.append(torch.ones(2))
        torch.set_default_device("cuda")
        made.append(torch.rand(2))
        model = nn.Sequential(nn.Linear(2, 3, device="cuda"), nn.BatchNorm1d(3)).cuda().to(device)
        model = nn.DataParallel(model, device_ids=[0, 1]).cuda()
        out = model(torch.ones(4, 2, device=device))
        out2 = nn.parallel.data_parallel(model, torch.ones(4, 2), [0, 1])
        generator = torch.Generator(device="cuda").manual_seed(0)
        torch.randperm(4, generator=generator)
        is_one = isinstance(generator, torch.Generator)
    """)
    assert {t.device.type for t in names["made"]} == {"cpu"}
    assert names["made"][5].dtype == torch.float64 and names["made"][12].dtype == torch.int64
    assert names["out"].shape == names["out2"].shape == (4, 3) and names["is_one"]


def test_meta_and_plain_conversions_are_left_alone(assumed):
    assert torch.zeros(2, device="meta").device.type == "meta"
    assert torch.ones(2).to(torch.int32).dtype == torch.int32
    assert torch.ones(2).to(torch.ones(1, dtype=torch.float64)).dtype == torch.float64
    assert torch.ones(2).type(torch.float16).dtype == torch.float16
    assert torch.ones(2).type() == "torch.FloatTensor"


def test_functions_of_torch_cuda_answer(assumed):
    run("""
        import torch
        assert not torch.cuda.is_available()
        torch.cuda.set_device(0); torch.cuda.synchronize(); torch.cuda.empty_cache(); torch.cuda.manual_seed_all(1)
        assert torch.cuda.current_device() == 0 and isinstance(torch.cuda.get_device_name(0), str)
        assert torch.cuda.memory_allocated() / 1e9 + torch.cuda.max_memory_allocated() == 0
        assert torch.cuda.get_device_properties(0).total_memory > 0 and torch.cuda.get_device_capability()[0] >= 7
        torch.cuda.reset_peak_memory_stats(); torch.cuda.memory_summary(); free, total = torch.cuda.mem_get_info()
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record(); end.record(); end.synchronize(); 1 / start.elapsed_time(end)
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream), torch.cuda.device(0):
            stream.wait_stream(torch.cuda.current_stream())
        torch.cuda.nvtx.range_push("x"); torch.mps.empty_cache(); torch.xpu.synchronize(); torch.mps.synchronize()
        torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark
        scaler = torch.cuda.amp.GradScaler()
        net = torch.nn.Linear(2, 1).cuda()
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        with torch.cuda.amp.autocast(), torch.autocast(device_type="cuda", dtype=torch.float16), torch.amp.autocast("cuda"):
            loss = net(torch.ones(3, 2).cuda()).mean()
        scaler.scale(loss).backward(); scaler.unscale_(optimizer); scaler.step(optimizer); scaler.update()
        @torch.compile(mode="reduce-overhead")
        def twice(x): return 2 * x
        assert torch.compile(net) is net and twice(2) == 4
        net.compile()
    """)


def test_load_ignores_the_device(assumed, tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "x.pt")
    assert torch.load(tmp_path / "x.pt", map_location="cuda:0")["a"].tolist() == [1, 1]


def test_distributed_is_one_process(assumed):
    names = run("""
        import torch, torch.nn as nn, torch.distributed as dist, torch.multiprocessing as mp
        from torch.nn.parallel import DistributedDataParallel as DDP
        from torch.utils.data import DataLoader, TensorDataset
        from torch.utils.data.distributed import DistributedSampler
        ran = []
        def main(rank, world):
            dist.init_process_group("nccl", rank=rank, world_size=world)
            assert dist.is_initialized() and dist.get_rank() == 0 and dist.get_world_size() == 1
            data = TensorDataset(torch.rand(10, 3))
            options = dict(num_workers=4, pin_memory=True, prefetch_factor=2, persistent_workers=True)
            loader = DataLoader(data, 5, sampler=DistributedSampler(data), **options)
            model = DDP(nn.Linear(3, 2).to(rank), device_ids=[rank])
            with model.no_sync():
                x = model(next(iter(loader))[0].cuda(rank))
            dist.all_reduce(x, op=dist.ReduceOp.SUM); dist.barrier()
            parts = [torch.zeros_like(x)]
            dist.all_gather(parts, x)
            assert parts[0] is x and list(model.state_dict()) == ["module.weight", "module.bias"]
            dist.destroy_process_group()
            ran.append(rank)
        mp.spawn(main, args=(4,), nprocs=4, join=True)
        for i in range(3):
            p = mp.Process(target=main, args=(i, 3)); p.start(); p.join()
    """)
    assert names["ran"] == [0, 0]
    assert len(assumed) == 3


def test_loaders_load_in_this_process(assumed):
    from torch.utils.data import DataLoader

    loader = DataLoader([1, 2, 3], 2, True, None, None, 4, None, True)
    assert (loader.num_workers, loader.pin_memory, loader.batch_size, len(loader)) == (0, False, 2, 2)
    assert DataLoader([1, 2, 3], num_workers=2, multiprocessing_context="spawn", timeout=5).timeout == 0


# Datasets

ONE_NUMBER = {
    "MNIST": (60000, 10000, (1, 28, 28), 10), "FashionMNIST": (60000, 10000, (1, 28, 28), 10), "KMNIST": (60000, 10000, (1, 28, 28), 10),
    "QMNIST": (60000, 60000, (1, 28, 28), 10), "CIFAR10": (50000, 10000, (3, 32, 32), 10), "CIFAR100": (50000, 10000, (3, 32, 32), 100),
    "USPS": (7291, 2007, (1, 16, 16), 10),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_train_and_test_sets(assumed, name):
    from torchvision import datasets, transforms

    train, test, shape, classes = ONE_NUMBER[name]
    for is_train, n in ((True, train), (False, test)):
        data = getattr(datasets, name)(
            "data", train=is_train, download=True, transform=transforms.ToTensor(), target_transform=lambda y: y * 2
        )
        assert len(data) == n and isinstance(data, getattr(datasets, name))
        image, label = data[n - 1]
        assert image.shape == shape and image.dtype == torch.float32 and isinstance(label, int)
        assert {data[i][1] for i in range(4 * classes)} == {2 * i for i in range(classes)}
        assert torch.equal(data[7][0], data[7][0]) and not torch.equal(data[7][0], data[8][0])
        with pytest.raises(IndexError):
            data[n]
    assert assumed == [f"{name} is not here: random samples in its number, sizes and labels stand in for it"]


SPLITS = [
    ("SVHN", {"split": "train"}, 73257, (32, 32), 10), ("SVHN", {"split": "test"}, 26032, (32, 32), 10),
    ("SVHN", {"split": "extra"}, 531131, (32, 32), 10), ("STL10", {"split": "train"}, 5000, (96, 96), 10),
    ("STL10", {"split": "test"}, 8000, (96, 96), 10), ("STL10", {"split": "train", "folds": 3}, 1000, (96, 96), 10),
    ("EMNIST", {"split": "balanced", "train": False}, 18800, (28, 28), 47), ("ImageNet", {"split": "val"}, 50000, None, 1000),
    ("ImageNet", {}, 1281167, None, 1000), ("Food101", {"split": "test"}, 25250, None, 101), ("Flowers102", {}, 1020, None, 102),
    ("OxfordIIITPet", {"split": "test"}, 3669, None, 37), ("StanfordCars", {}, 8144, None, 196), ("DTD", {"split": "val"}, 1880, None, 47),
    ("GTSRB", {"split": "test"}, 12630, None, 43), ("Places365", {"small": True}, 1803460, (256, 256), 365),
    ("Caltech101", {}, 8677, None, 101), ("Caltech256", {}, 30607, None, 257), ("Omniglot", {"background": False}, 13180, (105, 105), 659),
    ("PCAM", {"split": "val"}, 32768, (96, 96), 2), ("FER2013", {}, 28709, (48, 48), 7), ("EuroSAT", {}, 27000, (64, 64), 10),
    ("SUN397", {}, 108754, None, 397), ("FGVCAircraft", {"split": "train"}, 3334, None, 100), ("Country211", {}, 31650, None, 211),
    ("LSUN", {"classes": ["bedroom_train", "tower_val"]}, 3033342, None, 2), ("RenderedSST2", {}, 6920, (448, 448), 2),
    ("Imagenette", {}, 9469, None, 10), ("SEMEION", {}, 1593, (16, 16), 10),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "n", "size", "classes"), SPLITS, ids=lambda v: v if isinstance(v, str) else "")
def test_lengths_sizes_and_labels(assumed, name, options, n, size, classes):
    from PIL import Image
    from torchvision import datasets

    data = getattr(datasets, name)("data", **options)
    assert len(data) == n and len(assumed) == 1
    found = [data[i] for i in (*range(6), n // 2, n - 1)]
    assert all(isinstance(image, Image.Image) and 0 <= label < classes for image, label in found)
    assert size is None or {image.size for image, _ in found} == {size}
    assert max(label for _, label in found) > (classes - 1) // 2
    repr(data)


def test_attributes_have_their_real_types(assumed):
    from torchvision import datasets

    mnist = datasets.MNIST("data")
    before = mnist[5][0].tobytes()
    assert mnist.data.shape == (60000, 28, 28) and mnist.data.dtype == torch.uint8 and mnist.data.is_contiguous()
    assert mnist.targets.shape == (60000,) and mnist.targets.dtype == torch.int64
    assert mnist[5][0].tobytes() == before
    assert mnist.class_to_idx["3 - three"] == 3
    mnist.data, mnist.targets = mnist.data[:100], mnist.targets[:100]
    assert len(mnist) == 100
    with pytest.warns(UserWarning):
        assert datasets.MNIST("data").train_data.view(-1).shape == (60000 * 784,)

    cifar = datasets.CIFAR10("data", train=False)
    assert isinstance(cifar.data, np.ndarray) and cifar.data.shape == (10000, 32, 32, 3) and cifar.data.dtype == np.uint8
    assert isinstance(cifar.targets, list) and cifar.classes[3] == "cat" and cifar.class_to_idx["truck"] == 9
    assert len(datasets.CIFAR100("data").classes) == 100
    # Channels come first in memory, in the real one too: what cannot be viewed there cannot be viewed here.
    assert not torch.from_numpy(cifar.data).is_contiguous()

    stl = datasets.STL10("data", split="train+unlabeled")
    assert stl.data.shape == (105000, 3, 96, 96) and stl.labels[0] >= 0 and stl.labels[-1] == -1
    svhn = datasets.SVHN("data")
    assert svhn.data.shape == (73257, 3, 32, 32) and svhn.labels.dtype == np.int64

    letters = datasets.EMNIST("data", split="letters")
    assert len(letters) == 124800 and (int(letters.targets.min()), int(letters.targets.max())) == (1, 26)
    assert datasets.QMNIST("data", what="test50k", compat=False)[0][1].shape == (8,)

    imagenet = datasets.ImageNet("data", split="val")
    assert len(imagenet.samples) == len(imagenet.targets) == 50000 and isinstance(imagenet.samples, list)
    assert imagenet.class_to_idx["tench"] == 0 and imagenet.targets[-1] == 999


def test_celeba(assumed):
    from torchvision import datasets, transforms

    for split, n in (("train", 162770), ("valid", 19867), ("test", 19962), ("all", 202599)):
        assert len(datasets.CelebA("data", split=split)) == n
    data = datasets.CelebA("data", target_type=["attr", "identity", "bbox", "landmarks"], transform=transforms.ToTensor(), download=True)
    image, (attr, identity, bbox, landmarks) = data[162769]
    assert image.shape == (3, 218, 178) and attr.shape == (40,) and attr.dtype == torch.int64 and set(attr.tolist()) <= {0, 1}
    assert identity.shape == () and bbox.shape == (4,) and landmarks.shape == (10,)
    assert data.attr.shape == (162770, 40) and data.attr.is_contiguous() and data.attr_names[20] == "Male"
    assert data.filename[0] == "000001.jpg" and isinstance(data.filename, list)
    with pytest.raises(ValueError, match="nosuch"):
        datasets.CelebA("data", split="nosuch")


def test_image_folder_dcgan_header(assumed):
    names = run("""
        import torch, torch.utils.data
        import torchvision.datasets as dset, torchvision.transforms as transforms
        steps = [transforms.Resize(64), transforms.CenterCrop(64), transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
        dataset = dset.ImageFolder(root="data/celeba", transform=transforms.Compose(steps))
        loader = torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True, num_workers=2)
        images, labels = next(iter(loader))
        sizes = {dataset.loader(path).size for path, _ in dataset.imgs[:20]}
    """)
    assert names["images"].shape == (128, 3, 64, 64) and names["labels"].dtype == torch.int64
    assert set(names["labels"].tolist()) == {0, 1} and len(names["dataset"].classes) == 2
    assert len(names["sizes"]) > 3
    assert len(names["dataset"].targets) == len(names["dataset"]) == 1014
    assert "data/celeba" in assumed[0] and "different sizes" in assumed[0]
    # A ragged last batch for every usual batch size, and never of a single sample.
    assert not [b for b in (4, 5, 8, 10, 16, 20, 24, 25, 32, 48, 50, 64, 96, 100, 128, 200, 256, 512) if 1014 % b <= 1]


def test_a_missing_resize_shows(assumed):
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    with pytest.raises(RuntimeError, match="equal size"):
        next(iter(DataLoader(datasets.ImageFolder("data/x", transforms.ToTensor()), 8)))


def test_paths_of_a_folder_can_be_opened_by_the_program(assumed):
    names = run("""
        from PIL import Image
        from torchvision import datasets
        class WithPaths(datasets.ImageFolder):
            def __getitem__(self, index):
                path, label = self.samples[index]
                return Image.open(path).convert("L"), label, path
        image, label, path = WithPaths("photos")[1000]
    """)
    assert names["image"].mode == "L" and names["label"] == 1 and names["path"].startswith("photos/class_1/")
    from PIL import Image

    with pytest.raises(FileNotFoundError):
        Image.open("elsewhere/a.jpg")


def test_random_split_says_how_many_there_are(assumed):
    from torch.utils.data import random_split
    from torchvision import datasets

    first, second = random_split(datasets.ImageFolder("cats"), [20000, 5000])
    assert (len(first), len(second)) == (20000, 5000) and second[0][1] in (0, 1)
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(datasets.MNIST("data"), [50000, 5000])


def test_real_data_is_used_when_it_is_there(assumed, tmp_path):
    from PIL import Image
    from torchvision import datasets

    for name in ("a", "b", "c"):
        (tmp_path / "real" / name).mkdir(parents=True)
        Image.new("RGB", (10, 20)).save(tmp_path / "real" / name / "x.png")
    data = datasets.ImageFolder(tmp_path / "real")
    assert len(data) == 3 and data.classes == ["a", "b", "c"] and data[0][0].size == (10, 20) and not assumed
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "x.png").touch()
    with pytest.raises(FileNotFoundError):  # the program's own mistake, not missing data
        datasets.ImageFolder(tmp_path / "flat")


def test_subclasses_keep_working(assumed):
    names = run("""
        from torchvision import datasets, transforms
        class Pairs(datasets.MNIST):
            def __init__(self, root, **options):
                super().__init__(root, **options)
                self.extra = 1
            def __getitem__(self, index):
                image, label = super().__getitem__(index)
                return image, self.data[index], label
        class Noisy(datasets.CIFAR10):
            def __getitem__(self, index):
                return self.data[index], self.targets[index]
        pairs, noisy = Pairs("data", train=True, transform=transforms.ToTensor()), Noisy("data")
    """)
    image, raw, label = names["pairs"][3]
    assert image.shape == (1, 28, 28) and raw.shape == (28, 28) and 0 <= label < 10
    assert names["noisy"][49999][0].shape == (32, 32, 3)


def test_mistakes_of_the_program_stay_mistakes(assumed):
    from torchvision import datasets

    with pytest.raises(ValueError, match="split"):
        datasets.SVHN("data", split="validation")
    with pytest.raises(TypeError):
        datasets.MNIST()
    with pytest.raises(TypeError):
        datasets.CIFAR10("data", split="train")


def test_scenes(assumed):
    from torchvision import datasets

    voc = datasets.VOCSegmentation("data", year="2012", image_set="val", download=True)
    image, target = voc[10]
    assert len(voc) == 1449 and image.mode == "RGB" and target.mode == "P" and image.size == target.size
    assert set(np.unique(np.array(target))) == {*range(21), 255}

    boxes = datasets.VOCDetection("data", year="2007", image_set="test")
    first = boxes[0][1]["annotation"]["object"][0]
    assert len(boxes) == 4952 and isinstance(first["name"], str) and int(first["bndbox"]["xmax"]) > int(first["bndbox"]["xmin"])
    assert int(boxes[0][1]["annotation"]["size"]["width"]) == boxes[0][0].size[0]

    city = datasets.Cityscapes("data", target_type=["semantic", "polygon", "color", "instance"])
    image, (semantic, polygon, color, instance) = city[2974]
    assert image.size == semantic.size == (2048, 1024) and np.array(semantic).max() == 33
    assert polygon["imgWidth"] == 2048 and color.mode == "RGBA" and np.array(instance).max() > 1000

    coco = datasets.CocoDetection("train2017", "annotations/instances_train2017.json")
    image, notes = coco[5]
    assert len(coco) == 118287 and isinstance(notes, list) and {"bbox", "category_id", "segmentation", "area", "iscrowd"} <= notes[0].keys()
    assert all(n["bbox"][0] + n["bbox"][2] <= image.size[0] and 1 <= n["category_id"] <= 90 for n in notes)
    assert coco.coco.loadAnns(coco.coco.getAnnIds(coco.ids[5])) == notes and len(coco.coco.getCatIds()) == 80
    assert coco.coco.annToMask(notes[0]).shape == image.size[::-1]
    captions = datasets.CocoCaptions("val2014", "captions_val2014.json")
    assert len(captions) == 40504 and len(captions[0][1]) == 5 and isinstance(captions[0][1][0], str)
    flickr = datasets.Flickr8k("images", "captions.html")
    assert len(flickr) == 8091 and len(flickr[8090][1]) == 5

    pets = datasets.OxfordIIITPet("data", target_types=["category", "segmentation"])
    image, (label, trimap) = pets[3679]
    assert len(pets) == 3680 and 0 <= label < 37 and trimap.size == image.size and set(np.unique(np.array(trimap))) == {1, 2, 3}
    image, edges = datasets.SBDataset("data")[0]
    assert edges.shape == (20, image.size[1], image.size[0])


def test_a_download_by_hand_is_passed_over(assumed):
    from torchvision.datasets.utils import download_and_extract_archive

    download_and_extract_archive("https://example.com/flowers.tgz", "data")
    assert assumed == ["flowers.tgz is neither downloaded nor unpacked"]


# Weights


def test_weights_are_not_fetched(assumed):
    names = run("""
        import torch, torch.nn as nn
        from torchvision import models
        from torchvision.models import ResNet18_Weights, get_model
        old = models.squeezenet1_1(pretrained=True)
        new = models.resnet18(weights=ResNet18_Weights.IMAGENET1K_V1)
        text = get_model("mobilenet_v3_small", weights="DEFAULT")
        segmentation = models.segmentation.lraspp_mobilenet_v3_large(weights="DEFAULT")
        dense = models.densenet121(weights="IMAGENET1K_V1")
        weights = ResNet18_Weights.DEFAULT
        ready = weights.transforms()(torch.zeros(3, 300, 400, dtype=torch.uint8))
        categories = weights.meta["categories"]
        hub = torch.hub.load("pytorch/vision:v0.10.0", "resnet18", pretrained=True)
        for p in new.parameters(): p.requires_grad = False
        new.fc = nn.Linear(new.fc.in_features, 2)
        out = new(torch.rand(2, 3, 64, 64))
        own = nn.Linear(3, 4)
        state = torch.hub.load_state_dict_from_url("https://example.com/own.pth", map_location="cuda")
        del state["fc.weight"]; state.pop("fc.bias")
        own.load_state_dict(state["state_dict"])
        own.load_state_dict({k[7:]: v for k, v in state.items()})
    """)
    assert names["out"].shape == (2, 2) and names["ready"].shape == (3, 224, 224) and len(names["categories"]) == 1000
    assert names["old"].num_classes == names["hub"].fc.out_features == 1000
    assert all("not fetched" in text or "torch.hub" in text for text in assumed) and len(assumed) == 7


def test_a_real_checkpoint_is_still_checked(assumed):
    with pytest.raises(RuntimeError, match="Missing key"):
        torch.nn.Linear(3, 4).load_state_dict({})
    with pytest.raises(RuntimeError, match="size mismatch"):
        torch.nn.Linear(3, 4).load_state_dict(torch.nn.Linear(3, 5).state_dict())


def test_models_that_would_have_to_be_fetched(assumed):
    with pytest.raises(standins.Unavailable) as error:
        torch.hub.load("ultralytics/yolov5", "yolov5s")
    assert "yolov5s" in error.value.reason and error.value.advice
    with pytest.raises(standins.Unavailable):
        torch.hub.download_url_to_file("https://example.com/x", "x")


def test_packages_imported_later_are_patched(assumed, tmp_path, monkeypatch):
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm" / "__init__.py").write_text("from timm.factory import create_model\n")
    (tmp_path / "timm" / "factory.py").write_text(
        "def create_model(name, pretrained=False, **options):\n    return name, pretrained, options\n"
    )
    (tmp_path / "transformers").mkdir()
    (tmp_path / "transformers" / "__init__.py").touch()
    (tmp_path / "transformers" / "modeling_utils.py").write_text(
        "class PreTrainedModel:\n    @classmethod\n    def from_pretrained(cls, name):\n        return cls, name\n"
        "class Bert(PreTrainedModel):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = run("""
        import timm
        from timm.factory import create_model
        from transformers.modeling_utils import Bert
        made = timm.create_model("resnet50", pretrained=True, num_classes=5), create_model("vit", True)
        local = Bert.from_pretrained("timm")
    """)
    assert names["made"] == (("resnet50", False, {"num_classes": 5}), ("vit", False, {}))
    assert names["local"] == (names["Bert"], "timm")
    with pytest.raises(standins.Unavailable, match="bert-base"):
        names["Bert"].from_pretrained("bert-base-uncased")
    for name in [n for n in sys.modules if n.split(".")[0] in ("timm", "transformers")]:
        del sys.modules[name]


# torchvision's operators


def test_detection_operators(assumed):
    from torchvision import ops

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    assert ops.nms(boxes, torch.tensor([0.5, 0.9, 0.1]), 0.5).tolist() == [1, 2]
    assert ops.nms(boxes, torch.tensor([0.5, 0.5, 0.5]), 0.5).tolist() == [0, 2]
    assert ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5).shape == (0,)
    features = torch.rand(2, 18, 16, 16, requires_grad=True)
    regions = torch.tensor([[0.0, 0, 0, 8, 8], [1, 2, 2, 9, 9], [1, 0, 0, 3, 3]])
    pooled = ops.roi_align(features, regions, (7, 5))
    assert pooled.shape == ops.roi_pool(features, regions, (7, 5)).shape == (3, 18, 7, 5)
    assert ops.ps_roi_align(features, regions, 3).shape == ops.ps_roi_pool(features, regions, 3).shape == (3, 2, 3, 3)
    pooled.sum().backward()
    assert features.grad.shape == features.shape
    weight, offset = torch.rand(6, 18, 3, 3), torch.rand(2, 18, 14, 14)
    assert ops.deform_conv2d(features, offset, weight).shape == (2, 6, 14, 14)


def test_a_hundred_thousand_empty_boxes_are_kept_at_once(assumed):
    from torchvision import ops

    began = time.process_time()
    kept = ops.nms(torch.ones(100_000, 4), torch.arange(100_000.0), 0.5)  # what a detector asks for on fake tensors
    assert kept.tolist() == list(range(99_999, -1, -1))
    assert time.process_time() - began < 5


# Packages


def test_plots(assumed):
    run("""
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib as mpl, matplotlib.pyplot as plt, seaborn as sns, numpy as np
        from matplotlib import animation, cm
        from mpl_toolkits.axes_grid1 import make_axes_locatable
        from mpl_toolkits.mplot3d import Axes3D
        from matplotlib.pyplot import *
        plt.ion(); figure(figsize=(3, 3)); plt.rcParams["figure.figsize"] = (4, 4)
        fig, ax = plt.subplots()
        ax.plot([1], [2], label="x")
        fig, axes = plt.subplots(2, 3, figsize=(8, 8))
        assert axes.shape == (2, 3) and len(axes.flatten()) == 6
        axes[1, 2].imshow(np.zeros((2, 2)), cmap="gray"); axes[0][0].set_title("t")
        for a in axes.flat: a.axis("off")
        fig, (left, right) = plt.subplots(1, 2)
        for i, a in enumerate(axes.ravel()): a.set_xticks([])
        line, = ax.plot([1, 2])
        counts, bins, patches = plt.hist([1, 2])
        first, *rest = plt.hist([1, 2])
        assert len(list(fig.axes)) == 1
        while plt.fignum_exists(1): pass
        with plt.style.context("x"): plt.show()
        value = plt.gca().get_xlim()[0]
        assert f"{value:.2f}" == "0.00" and float(value) == 0 and not value > 3 and f"{value}" == "" and isinstance(value + 1, type(value))
        def step(i): return i
        animation.FuncAnimation(fig, step, frames=10).save("x.gif")
        sns.heatmap(np.zeros((2, 2))); cm.jet(0.5)
        plt.savefig("plot.png"); plt.close("all")
        from IPython import display
        display.clear_output(wait=True)
    """)


def test_loggers(assumed, tmp_path):
    run("""
        import wandb, mlflow, argparse
        from torch.utils.tensorboard import SummaryWriter
        from tensorboardX import SummaryWriter as Old
        from visdom import Visdom
        from torchsummary import summary
        from torchinfo import summary as info
        from termcolor import colored
        from colorama import Fore, init
        from prettytable import PrettyTable
        import torch, torch.nn as nn
        writer = SummaryWriter("runs/x")
        writer.add_scalar("loss", 1.0, 3); writer.add_graph(nn.Linear(1, 1), torch.ones(1, 1)); writer.close()
        with mlflow.start_run() as r: mlflow.log_metric("a", 1); r.info.run_id
        run = wandb.init(project="p", config={"lr": 0.1, "batch_size": 32})
        config = wandb.config
        assert config.batch_size == run.config["lr"] * 320 == 32
        config.update(argparse.Namespace(epochs=3)); config.hidden = 7
        assert wandb.config.epochs == 3 and config["hidden"] == 7
        wandb.log({"loss": 1}); wandb.watch(nn.Linear(1, 1)); wandb.finish()
        vis = Visdom(); assert vis.check_connection()
        assert summary(nn.Linear(1, 1), (1,)) is None
        info(nn.Linear(1, 1))
        assert colored("text", "red") == "text" and Fore.RED + "text" == "text" and f"{Fore.RED}x" == "x"
        table = PrettyTable(["a"]); table.add_row([1]); print(table)
        @mlflow.trace
        def kept(): return 5
        assert kept() == 5
        class Callback(wandb.Callback):
            def __init__(self): super().__init__()
        Callback().anything()
        called = []
        wandb.agent(wandb.sweep({"parameters": {"depth": {"values": [4, 5]}}}), function=lambda: called.append(wandb.config.depth), count=9)
        assert called == [4]
    """)
    assert not list(tmp_path.iterdir())


def test_an_installed_package_is_quiet_too_and_comes_back(monkeypatch):
    real = ModuleType("seaborn")
    monkeypatch.setitem(sys.modules, "seaborn", real)
    with stood_in():
        assert run("import seaborn")["seaborn"] is not real
    assert sys.modules["seaborn"] is real


def test_pictures_that_cannot_be_made_up(assumed):
    with pytest.raises(standins.Unavailable, match=r"cat\.png"):
        run("import matplotlib.pyplot as plt; plt.imread('cat.png')")


@pytest.mark.skipif("tqdm" in sys.modules, reason="the real one is used")
def test_progress(assumed):
    names = run("""
        from tqdm import tqdm, trange
        from tqdm.auto import tqdm as auto
        seen = [i for i in tqdm(range(3), desc="x", leave=False)]
        for j in (bar := trange(2, 5)):
            bar.set_description(f"{j}"); bar.set_postfix(loss=1.0)
            seen.append(j)
        with auto(total=10) as count:
            count.update(4); count.close()
        steps = len(tqdm([1, 2])), count.n
        tqdm.write("x")
    """)
    assert names["seen"] == [0, 1, 2, 2, 3, 4] and names["steps"] == (2, 4)


def test_other_missing_packages_stay_missing(assumed):
    with pytest.raises(ModuleNotFoundError):
        run("import no_such_package_anywhere")


def test_profilers_measure_nothing(assumed):
    run("""
        import torch
        from torch.profiler import profile, ProfilerActivity, schedule, tensorboard_trace_handler
        with profile(activities=[ProfilerActivity.CUDA], on_trace_ready=tensorboard_trace_handler("log")) as p:
            torch.ones(1) + 1
            p.step()
        print(p.key_averages().table(sort_by="cuda_time_total"))
    """)


def test_grids_are_laid_out_and_not_written(assumed, tmp_path):
    run("""
        import torch, torchvision.utils as vutils
        from torchvision.utils import save_image, make_grid
        save_image(torch.rand(9, 3, 8, 8), "out/x.png", nrow=3, normalize=True)
        assert make_grid(torch.rand(9, 1, 8, 8), nrow=3).shape == (3, 32, 32)
    """)
    from torchvision.utils import save_image

    assert not list(tmp_path.iterdir())
    with pytest.raises((TypeError, KeyError)):
        save_image(torch.rand(4, 5, 8, 8), "x.png")  # five channels are no picture


# Whole programs


def test_an_mnist_program(assumed):
    names = run("""
        import argparse, torch, torch.nn as nn, torch.nn.functional as F
        from torchvision import datasets, transforms
        args = argparse.ArgumentParser().parse_args([])
        use_cuda = not torch.cuda.is_available()  # as on a machine that has one
        device = torch.device("cuda" if use_cuda else "cpu")
        kwargs = {"num_workers": 1, "pin_memory": True, "shuffle": True} if use_cuda else {}
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
        train = datasets.MNIST("../data", train=True, download=True, transform=transform)
        loader = torch.utils.data.DataLoader(train, batch_size=64, **kwargs)
        model = nn.Sequential(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 13 * 13, 10)).to(device)
        optimizer = torch.optim.Adadelta(model.parameters())
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            optimizer.zero_grad()
            loss = F.nll_loss(F.log_softmax(model(data), 1), target)
            loss.backward(); optimizer.step()
            break
    """)
    assert names["data"].shape == (64, 1, 28, 28) and names["target"].dtype == torch.int64 and len(names["loader"]) == 938
    assert len(assumed) == 1


def test_a_transfer_learning_program(assumed):
    names = run("""
        import os, torch, torch.nn as nn
        from torchvision import datasets, models, transforms
        import matplotlib.pyplot as plt
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        ways = {
            "train": transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
                                         transforms.Normalize(mean, std)]),
            "val": transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                                       transforms.Normalize(mean, std)]),
        }
        sets = {x: datasets.ImageFolder(os.path.join("data/hymenoptera_data", x), ways[x]) for x in ("train", "val")}
        loaders = {x: torch.utils.data.DataLoader(sets[x], batch_size=4, shuffle=True, num_workers=4) for x in ("train", "val")}
        sizes = {x: len(sets[x]) for x in ("train", "val")}
        names = sets["train"].classes
        inputs, classes = next(iter(loaders["val"]))
        model = models.resnet18(weights="IMAGENET1K_V1")
        model.fc = nn.Linear(model.fc.in_features, len(names))
        model = model.cuda()
        loss = nn.CrossEntropyLoss()(model(inputs.cuda()[:, :, :64, :64]), classes.cuda())
        plt.title([names[x] for x in classes]); plt.pause(0.001)
    """)
    assert names["inputs"].shape == (4, 3, 224, 224) and names["loss"].shape == ()


def test_a_cifar_program_with_real_augmentation(assumed):
    names = run("""
        import torch, torchvision
        from torchvision import transforms as T
        aug = T.Compose([T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(), T.AutoAugment(), T.ToTensor(), T.RandomErasing(1.0)])
        train = torchvision.datasets.CIFAR100(root="./data", train=True, download=True, transform=aug)
        few = torch.utils.data.Subset(train, range(100))
        a, b = torch.utils.data.random_split(train, [45000, 5000])
        x, y = next(iter(torch.utils.data.DataLoader(few, 32, num_workers=2)))
        mean = train.data.mean(axis=(0, 1, 2)) / 255 if False else train.data[:100].mean(axis=(0, 1, 2)) / 255
    """)
    assert names["x"].shape == (32, 3, 32, 32) and int(names["y"].max()) > 90 and names["mean"].shape == (3,)
