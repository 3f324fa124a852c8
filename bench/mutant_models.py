"""Real models as a user would copy them: files of torchvision and timm, each a program that builds its model small and calls it.

A model's file is read from the installed library at run time: relative imports become absolute ones, what registers the model with its
library goes, and a few lines at the end build the model and call it. Nothing of the libraries is kept here.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

# Trained for one step where that works with two small images.
_TRAIN = "scores = model(torch.randn(2, 3, {pixels}, {pixels}))\nnn.functional.cross_entropy(scores, torch.tensor([1, 2])).backward()\n"
_EVAL = "model.eval()\nwith torch.no_grad():\n    print(model(torch.randn(2, 3, {pixels}, {pixels})).shape)\n"
_VIDEO = "\nmodel.eval()\nwith torch.no_grad():\n    print(model(torch.randn(2, 3, 4, 32, 32)).shape)\n"
_MAPS = (
    "with torch.no_grad():\n    print([part.shape for part in model([torch.randn(2, 32, 16, 16), torch.randn(2, 32, 8, 8)]).values()])\n"
)


def _train(build: str, pixels: int) -> str:
    return f"model = {build}\n{_TRAIN.format(pixels=pixels)}"


def _eval(build: str, pixels: int) -> str:
    return f"model = {build}\n{_EVAL.format(pixels=pixels)}"


# name → the lines that build the model and call it; the file has the model's name unless `_FILES` has another
TORCHVISION = {
    "alexnet": _eval("AlexNet(num_classes=10)", 96),
    "densenet": _train("DenseNet(8, (2, 2, 2), 16, num_classes=10)", 64),
    "googlenet": _train("GoogLeNet(num_classes=10, aux_logits=False, init_weights=False)", 64),
    "mnasnet": _train("MNASNet(0.5, num_classes=10)", 64),
    "mobilenetv2": _train("MobileNetV2(num_classes=10, width_mult=0.5)", 64),
    "resnet": _train("ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10)", 64),
    "resnet_bottleneck": _eval("ResNet(Bottleneck, [1, 1, 1, 1], num_classes=10, groups=2)", 64),
    "shufflenetv2": _train("shufflenet_v2_x0_5(num_classes=10)", 64),
    "squeezenet": _train("SqueezeNet('1_1', num_classes=10)", 64),
    "vgg": _eval("VGG(make_layers(cfgs['A'], batch_norm=True), num_classes=10, init_weights=False)", 64),
    "vision_transformer": _train("VisionTransformer(32, 8, 2, 4, 48, 96, num_classes=10)", 32),
    "convnext": _train("ConvNeXt([CNBlockConfig(24, 48, 1), CNBlockConfig(48, None, 1)], num_classes=10)", 64),
    "efficientnet": _eval("efficientnet_b0(num_classes=10)", 64),
    "mobilenetv3": _train("mobilenet_v3_small(num_classes=10)", 64),
    "regnet": _eval("regnet_y_400mf(num_classes=10)", 64),
    "inception": _eval("Inception3(num_classes=10, aux_logits=False, init_weights=False)", 80),
    "swin_transformer": _train("SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10)", 32),
    "swin_v2": _train(
        "SwinTransformer(\n    [4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10,"
        " block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2\n)", 32
    ),
    "maxvit": _train("MaxVit((64, 64), 16, 4, [16, 32], [1, 1], 8, 0.1, num_classes=10)", 64),
    "r3d": "model = VideoResNet(BasicBlock, [Conv3DSimple] * 4, [1, 1, 1, 1], BasicStem, num_classes=10)" + _VIDEO,
    "r2plus1d": "model = VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [1, 1, 1, 1], R2Plus1dStem, num_classes=10)" + _VIDEO,
    "mvit": (
        "blocks = [\n    MSBlockConfig(1, 24, 24, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]),\n"
        "    MSBlockConfig(2, 24, 48, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 1, 1]),\n]\n"
        "model = MViT((32, 32), 4, blocks, True, False, True, True, num_classes=10)" + _VIDEO
    ),
    "swin3d": "model = SwinTransformer3d([2, 4, 4], 24, [2, 2], [2, 4], [2, 4, 4], num_classes=10)" + _VIDEO,
    "raft": (
        "model = raft_small().eval()\nwith torch.no_grad():\n"
        "    print(model(torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128), num_flow_updates=1)[-1].shape)\n"
    ),
    "deeplabv3": "model = DeepLabHead(64, 5, (2, 4, 6))\nprint(model(torch.randn(2, 64, 16, 16)).shape)\n",
    "lraspp": (
        "model = LRASPPHead(16, 32, 5, 24)\nfeatures = {'low': torch.randn(2, 16, 32, 32), 'high': torch.randn(2, 32, 16, 16)}\n"
        "print(model(features).shape)\n"
    ),
    "retinanet": "model = RetinaNetHead(32, 3, 5)\n" + _MAPS,
    "fcos": "model = FCOSHead(32, 1, 5)\n" + _MAPS,
    "ssd": "model = SSDHead([32, 32], [4, 6], 5)\n" + _MAPS,
    "ssdlite": (
        "features = torchvision.models.mobilenet_v3_small(reduced_tail=True).features\n"
        "model = SSDLiteFeatureExtractorMobileNet(features, 4, nn.BatchNorm2d)\n"
        "model.eval()\nwith torch.no_grad():\n    print([part.shape for part in model(torch.randn(1, 3, 256, 256)).values()])\n"
    ),
    "keypoint_rcnn": (
        "model = nn.Sequential(KeypointRCNNHeads(16, (24, 24)), KeypointRCNNPredictor(24, 17))\n"
        "print(model(torch.randn(2, 16, 14, 14)).shape)\n"
    ),
}  # fmt: skip
TIMM = {
    "cait": _eval("Cait(32, 8, embed_dim=48, depth=2, num_heads=4, num_classes=10)", 32),
    "coat": _eval("CoaT(64, 4, embed_dims=(16, 24, 32, 40), serial_depths=(1, 1, 1, 1), num_classes=10)", 64),
    "convit": _eval("ConVit(32, 8, embed_dim=48, depth=3, num_heads=4, local_up_to_layer=2, num_classes=10)", 32),
    "convmixer": _train("ConvMixer(32, 2, kernel_size=5, patch_size=4, num_classes=10)", 32),
    "cspnet": _eval("CspNet(model_cfgs['cspresnet50'], num_classes=10)", 64),
    "davit": _train("DaVit(depths=(1, 1), embed_dims=(24, 48), num_heads=(2, 4), window_size=4, num_classes=10)", 64),
    "dla": _train("DLA((1, 1, 1, 2, 2, 1), (8, 8, 16, 24, 32, 40), block=DlaBasic, num_classes=10)", 64),
    "dpn": _train("DPN((1, 1, 1, 1), (8, 8, 8, 8), 16, 4, small=True, num_init_features=10, num_classes=10)", 64),
    "edgenext": _eval("EdgeNeXt(dims=(16, 24, 32, 40), depths=(1, 1, 2, 1), heads=(4, 4, 4, 4), num_classes=10)", 64),
    "efficientformer": _eval(
        "EfficientFormer((1, 1, 1, 2), (16, 24, 32, 40), downsamples=(False, True, True, True), num_vit=1, num_classes=10)", 224
    ),
    "focalnet": _train("FocalNet(embed_dim=16, depths=(1, 1, 1), focal_levels=(2, 2, 2), focal_windows=(3, 3, 3), num_classes=10)", 64),
    "gcvit": _eval("GlobalContextVit(img_size=(64, 64), embed_dim=16, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8), num_classes=10)", 64),
    "ghostnet": _eval("_create_ghostnet('ghostnet_050', width=0.5, num_classes=10)", 64),
    "levit": _train("LevitDistilled(64, embed_dim=(32, 48), key_dim=8, depth=(1, 1), num_heads=(2, 4), num_classes=10)", 64),
    "mlp_mixer": _train("MlpMixer(10, 32, patch_size=8, num_blocks=2, embed_dim=48)", 32),
    "nest": _eval("Nest(64, embed_dims=(16, 24, 32), num_heads=(2, 2, 4), depths=(1, 1, 1), num_classes=10)", 64),
    "pit": _eval("PoolingVisionTransformer(64, 8, 8, base_dims=(12, 12), depth=(1, 1), heads=(2, 4), num_classes=10)", 64),
    "pvt_v2": _train(
        "PyramidVisionTransformerV2(depths=(1, 1, 1, 1), embed_dims=(16, 24, 32, 40), num_heads=(1, 2, 4, 4), num_classes=10)", 64
    ),
    "repvit": _eval("RepVit(embed_dim=(16, 24), depth=(1, 1), num_classes=10)", 64),
    "selecsls": _eval("_create_selecsls('selecsls42b', False, num_classes=10)", 64),
    "senet": _eval("SENet(SEResNetBottleneck, [1, 1, 1, 1], 1, 8, num_classes=10)", 64),
    "sequencer": _train(
        "Sequencer2d(10, 56, layers=(1, 1), patch_sizes=(7, 2), embed_dims=(24, 32), hidden_sizes=(8, 8), mlp_ratios=(2.0, 2.0))", 56
    ),
    "starnet": _train("StarNet(16, [1, 1, 1, 1], num_classes=10)", 64),
    "swiftformer": _eval("SwiftFormer([1, 1, 1, 1], [16, 24, 32, 40], num_classes=10)", 64),
    "tnt": _eval("TNT(32, 16, embed_dim=48, inner_dim=12, depth=2, num_heads_inner=2, num_heads_outer=4, num_classes=10)", 32),
    "tresnet": _eval("TResNet([1, 1, 1, 1], num_classes=10, width_factor=0.5)", 64),
    "visformer": _train("Visformer(64, embed_dim=48, depth=(1, 1, 1), num_heads=4, num_classes=10)", 64),
    "vovnet": _eval("VovNet(model_cfgs['vovnet39a'], num_classes=10)", 64),
    "xception": _eval("Xception(num_classes=10)", 80),
    "xcit": _eval("Xcit(64, 16, embed_dim=48, depth=2, num_heads=4, num_classes=10)", 64),
}  # fmt: skip
_FILES = {
    "resnet_bottleneck": "resnet", "swin_v2": "swin_transformer", "r3d": "video/resnet", "r2plus1d": "video/resnet", "mvit": "video/mvit",
    "swin3d": "video/swin_transformer", "raft": "optical_flow/raft", "deeplabv3": "segmentation/deeplabv3", "lraspp": "segmentation/lraspp",
    **{name: f"detection/{name}" for name in ("retinanet", "fcos", "ssd", "ssdlite", "keypoint_rcnn")},
}  # fmt: skip
LIBRARIES = {"torchvision": TORCHVISION, "timm": TIMM}
_REGISTERS = re.compile(r"(register_model|handle_legacy_interface|register_model_deprecations)\b")


@dataclass(frozen=True, slots=True)
class Model:
    """A program that is one model's file with a few lines behind it; `lines` are those of the file."""

    name: str  # timm/levit.py
    source: str
    lines: int


def models() -> list[Model]:
    """All of them. Raises `FileNotFoundError` where a library is not installed."""
    made = []
    for library, tails in LIBRARIES.items():
        spec = importlib.util.find_spec(library)  # finding is not importing: beside some torches torchvision cannot be imported
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"{library} is not installed")
        for name, tail in tails.items():
            path = f"models/{_FILES.get(name, name)}.py" if library == "torchvision" else f"models/{name}.py"
            package = ".".join((library, *path.split("/")[:-1]))
            source = as_user(Path(spec.origin).parent.joinpath(path).read_text(encoding="utf-8"), package)
            imports = (
                "import torch\nimport torchvision\nfrom torch import nn\n"
                if "torchvision." in tail
                else "import torch\nfrom torch import nn\n"
            )
            made.append(Model(f"{library}/{name}.py", f"{source}\n\n{imports}\n{tail}", source.count("\n")))
    return made


def as_user(source: str, package: str = "torchvision.models") -> str:
    """The text of a file of `package` as one that stands alone; every other line stays, so that line numbers do, too."""
    lines = source.splitlines(keepends=True)

    def blank(node: ast.expr) -> None:
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            lines[number - 1] = "\n"

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
            old = f"from {'.' * node.level}"
            new = f"from {above}." if node.module else f"from {above}"
            lines[node.lineno - 1] = lines[node.lineno - 1].replace(old, new, 1)
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if _REGISTERS.match(ast.unparse(decorator)):
                    blank(decorator)
        elif isinstance(node, ast.Expr) and _REGISTERS.match(ast.unparse(node)):
            blank(node.value)
    return "".join(lines)
